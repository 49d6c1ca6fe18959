"""Summarise the rounds of one cell at one concurrency."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from analysis.ratio import Ratio, paired_ratio
from parameters.cells import Cell

# A percentile is shown where every window holds at least ten requests beyond it.
REQUESTS_FOR = {"p50": 20, "p95": 200, "p99": 1000}
SERVER_TIMES = ("queue", "compute_input", "compute_infer", "compute_output")
# Below this many inferences an execution, batches are accidents.
BATCHING_HAPPENED = 1.05

Round = dict[str, Any]


@dataclass(frozen=True)
class LevelSummary:
    """What the rounds at one concurrency amount to.

    Throughput in inferences per second and latency in microseconds are medians
    over the windows; a percentile that the windows are too short for is None.
    `server_us` is the mean time of a request in each part of the server.
    """

    concurrency: int
    rounds: int
    throughput_ratio: Ratio
    latency_ratio: Ratio
    throughput: float
    anchor_throughput: float
    latency_us: dict[str, float | None]
    server_us: dict[str, float]
    effective_batch: float


def _values(rounds: list[Round], role: str, column: str) -> list[float]:
    return [float(each[role]["perf_analyzer"][column]) for each in rounds]


def _increase(window: dict[str, Any], *path: str) -> int:
    """Return how much a cumulative statistic of the server grew during a window."""
    before, after = window["statistics"]["before"], window["statistics"]["after"]
    for key in path:
        before, after = before[key], after[key]
    return int(after) - int(before)


def summarise_level(level: dict[str, Any]) -> LevelSummary:
    """Return the summary of one entry of a cell's `levels`."""
    rounds: list[Round] = level["rounds"]
    windows = [each["candidate"] for each in rounds]
    requests = [_increase(window, "inference_stats", "success", "count") for window in windows]
    inferences = sum(_increase(window, "inference_count") for window in windows)
    executions = sum(_increase(window, "execution_count") for window in windows)
    return LevelSummary(
        concurrency=level["concurrency"],
        rounds=len(rounds),
        throughput_ratio=paired_ratio(
            *(_values(rounds, role, "Inferences/Second") for role in ("candidate", "anchor"))
        ),
        latency_ratio=paired_ratio(*(_values(rounds, role, "Avg latency") for role in ("candidate", "anchor"))),
        throughput=median(_values(rounds, "candidate", "Inferences/Second")),
        anchor_throughput=median(_values(rounds, "anchor", "Inferences/Second")),
        latency_us={
            name: median(_values(rounds, "candidate", f"{name} latency")) if min(requests) >= needed else None
            for name, needed in REQUESTS_FOR.items()
        },
        server_us={
            part: sum(_increase(window, "inference_stats", part, "ns") for window in windows) / sum(requests) / 1000
            for part in SERVER_TIMES
        },
        effective_batch=inferences / executions,
    )


def batching_in_words(cell: Cell, level: LevelSummary) -> str:
    """Say what dynamic batching did in a cell at one concurrency, in one sentence."""
    batching = cell.batching
    if batching is None:
        return "Batching is off."
    happened = level.effective_batch >= BATCHING_HAPPENED
    sentence = f"{level.effective_batch:.2f} inferences per execution"
    said = [sentence if happened else f"Batching never happened: {sentence}"]
    # Triton prefers the largest batch unless told otherwise.
    preferred = min(batching.preferred, default=cell.max_batch_size)
    if batching.delay_us and level.concurrency < preferred:
        said.append(
            f"concurrency {level.concurrency} can never fill the preferred batch {preferred}, "
            f"so requests wait the whole {batching.delay_us:,} µs"
        )
    return "; ".join(said) + "."
