"""Summarise the rounds of one cell at one concurrency."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from measuring.readings import (
    REQUESTS_FOR,
    Window,
    busy_cores,
    cpu_per_1000,
    effective_batch,
    increase,
    mean_latency_us,
    percentile_us,
    requests,
    throughput,
)
from uncertainty.ratio import Ratio, paired_ratio

SERVER_TIMES = ("queue", "compute_input", "compute_infer", "compute_output")


@dataclass(frozen=True)
class LevelSummary:
    """What the rounds at one concurrency amount to.

    Throughput in inferences per second and latency in microseconds are medians over the
    windows; a percentile for which a window is too short is None, the anchor's latency a mean. `server_us` is the mean
    time of a request in each part of the server; `cpu_per_1000` the median processor time,
    in seconds, that server and client used for 1,000 inferences; `busy_cores` how many cores
    they kept busy; `cpu_ratio` is None where a window is too short for the kernel to have
    counted any. `model_alone_us` is the median time of a batch in ONNX Runtime without a
    server, a batch of the effective size. `concurrency_found` is throughput times mean
    latency: by Little's law (1961), the requests in flight.
    """

    concurrency: int
    rounds: int
    starts: int
    repeats: int
    throughput_ratio: Ratio
    latency_ratio: Ratio
    cpu_ratio: Ratio | None
    throughput: float
    mean_latency_us: float
    anchor_throughput: float
    anchor_latency_us: float
    latency_us: dict[str, float | None]
    server_us: dict[str, float]
    effective_batch: float
    cpu_per_1000: dict[str, float]
    busy_cores: dict[str, float]
    server_peak_memory_bytes: int
    model_alone_us: float
    concurrency_found: float

    @property
    def compute_us(self) -> float:
        """The mean time that a request's execution takes in the backend: input, inference and output."""
        return sum(time for part, time in self.server_us.items() if part != "queue")

    @property
    def overhead_share(self) -> float:
        """The share of the backend's time that is not the model's own computing, at least 0."""
        return max(0.0, 1 - self.model_alone_us / self.compute_us)


def _percentile(windows: list[Window], percent: int) -> float | None:
    values = [percentile_us(window, percent) for window in windows]
    known = [value for value in values if value is not None]
    return median(known) if len(known) == len(windows) else None


def summarise_level(level: dict[str, Any]) -> LevelSummary:
    """Return the summary of one entry of a cell's `levels`."""
    rounds = level["rounds"]
    windows: list[Window] = [each["windows"]["candidate"] for each in rounds]
    anchors: list[Window] = [each["windows"]["anchor"] for each in rounds]
    answered = sum(requests(window) for window in windows)
    sides = ("server", "client")
    cpu = [[cpu_per_1000(w, "server") for w in each] for each in (windows, anchors)]
    return LevelSummary(
        concurrency=level["concurrency"],
        rounds=len(rounds),
        starts=len({each["start"] for each in rounds}),
        repeats=sum(window["repeats"] for window in (*windows, *anchors)),
        throughput_ratio=paired_ratio([throughput(w) for w in windows], [throughput(w) for w in anchors]),
        latency_ratio=paired_ratio([mean_latency_us(w) for w in windows], [mean_latency_us(w) for w in anchors]),
        cpu_ratio=paired_ratio(*cpu) if min(map(min, cpu)) > 0 else None,
        throughput=median(throughput(w) for w in windows),
        mean_latency_us=median(mean_latency_us(w) for w in windows),
        anchor_throughput=median(throughput(w) for w in anchors),
        anchor_latency_us=median(mean_latency_us(w) for w in anchors),
        latency_us={f"p{percent}": _percentile(windows, percent) for percent in REQUESTS_FOR},
        server_us={
            part: sum(increase(w, "inference_stats", part, "ns") for w in windows) / answered / 1000
            for part in SERVER_TIMES
        },
        effective_batch=effective_batch(windows),
        cpu_per_1000={side: median(cpu_per_1000(w, side) for w in windows) for side in sides},
        busy_cores={side: median(busy_cores(w, side) for w in windows) for side in sides},
        server_peak_memory_bytes=max(each["server_peak_memory"] for each in rounds),
        model_alone_us=median(each["model_alone"]["us"] for each in rounds),
        concurrency_found=median(throughput(w) * mean_latency_us(w) / 1e6 for w in windows),
    )
