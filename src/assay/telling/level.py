"""Summarise the rounds of one cell at one concurrency."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from assay.deciding.objective import Objective
from assay.ground.records.measured import Level, Window
from assay.measuring.readings import (
    REQUESTS_FOR,
    Side,
    busy_cores,
    cpu_per_1000,
    effective_batch,
    increase,
    mean_latency_us,
    percentile_us,
    requests,
    throughput,
)
from assay.statistics.interval import Interval
from assay.statistics.ratio import paired_ratio, ratio_of_logs

SERVER_TIMES = ("queue", "compute_input", "compute_infer", "compute_output")


@dataclass(frozen=True)
class LevelSummary:
    """What the rounds at one concurrency amount to.

    `sought` is what they were measured for, in words, and `sought_ratio` its ratio to the anchor's, above 1
    for the better: rounds end when that is known well enough.
    Throughput in inferences per second and latency in microseconds are medians over the
    windows; a percentile for which a window is too short is None, the anchor's latency a mean. `server_us` is the mean
    time of a request in each part of the server; `cpu_per_1000` the median processor time,
    in seconds, that server and client used for 1,000 inferences; `busy_cores` how many cores
    they kept busy; `cpu_ratio` is None where a window is too short for the kernel to have
    counted any. `model_alone_us` is the median time of a batch in ONNX Runtime without a
    server, a batch of the effective size. What happens on another machine is None: processor
    time, memory, the model alone. `concurrency_found` is throughput times mean
    latency: by Little's law (1961), the requests in flight.
    """

    concurrency: int
    rounds: int
    starts: int
    repeats: int
    sought: str
    sought_ratio: Interval
    throughput_ratio: Interval
    latency_ratio: Interval
    cpu_ratio: Interval | None
    throughput: float
    mean_latency_us: float
    anchor_throughput: float
    anchor_latency_us: float
    latency_us: dict[str, float | None]
    server_us: dict[str, float]
    effective_batch: float
    cpu_per_1000: dict[str, float | None]
    busy_cores: dict[str, float | None]
    server_peak_memory_bytes: float | None
    model_alone_us: float | None
    concurrency_found: float

    @property
    def compute_us(self) -> float:
        """The mean time that a request's execution takes in the backend: input, inference and output."""
        return sum(time for part, time in self.server_us.items() if part != "queue")

    @property
    def share_outside_model(self) -> float | None:
        """The share of the time in the backend that the model alone would not need, at least 0: contention, copies."""
        return None if self.model_alone_us is None else max(0.0, 1 - self.model_alone_us / self.compute_us)


def _if_all_known(values: Iterable[float | None], summary: Callable[[list[float]], float]) -> float | None:
    given = list(values)
    known = [value for value in given if value is not None]
    return summary(known) if len(known) == len(given) else None


def _cpu_ratio(windows: list[Window], anchors: list[Window]) -> Interval | None:
    used = [[cpu_per_1000(window, "server") or 0 for window in each] for each in (windows, anchors)]
    return paired_ratio(*used) if min(map(min, used)) > 0 else None


def summarise_level(level: Level, sought: Objective) -> LevelSummary:
    """Return the summary of one entry of a cell's `levels`, which was measured for an objective.

    Raises StageError where a window is too short for it.
    """
    rounds = level["rounds"]
    windows: list[Window] = [each["windows"]["candidate"] for each in rounds]
    anchors: list[Window] = [each["windows"]["anchor"] for each in rounds]
    answered = sum(requests(window) for window in windows)
    sides: tuple[Side, ...] = ("server", "client")
    alone = [each["model_alone"]["us"] if each["model_alone"] else None for each in rounds]
    return LevelSummary(
        concurrency=level["concurrency"],
        rounds=len(rounds),
        starts=len({each["start"] for each in rounds}),
        repeats=sum(window["repeats"] for window in (*windows, *anchors)),
        sought=sought.words,
        sought_ratio=ratio_of_logs(sought.log_ratios(zip(windows, anchors, strict=True))),
        throughput_ratio=paired_ratio([throughput(w) for w in windows], [throughput(w) for w in anchors]),
        latency_ratio=paired_ratio([mean_latency_us(w) for w in windows], [mean_latency_us(w) for w in anchors]),
        cpu_ratio=_cpu_ratio(windows, anchors),
        throughput=median(throughput(w) for w in windows),
        mean_latency_us=median(mean_latency_us(w) for w in windows),
        anchor_throughput=median(throughput(w) for w in anchors),
        anchor_latency_us=median(mean_latency_us(w) for w in anchors),
        latency_us={
            f"p{percent}": _if_all_known((percentile_us(w, percent) for w in windows), median)
            for percent in REQUESTS_FOR
        },
        server_us={
            part: sum(increase(w, "inference_stats", part, "ns") for w in windows) / answered / 1000
            for part in SERVER_TIMES
        },
        effective_batch=effective_batch(windows),
        cpu_per_1000={side: _if_all_known((cpu_per_1000(w, side) for w in windows), median) for side in sides},
        busy_cores={side: _if_all_known((busy_cores(w, side) for w in windows), median) for side in sides},
        server_peak_memory_bytes=_if_all_known((each["server_peak_memory"] for each in rounds), max),
        model_alone_us=_if_all_known(alone, median),
        concurrency_found=median(throughput(w) * mean_latency_us(w) / 1e6 for w in windows),
    )
