"""What one window says: numbers from its raw record, each with one meaning and one unit."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any, Literal

from assay.ground.records.measured import Window
from assay.load.columns import DELAYED, PERCENTILES, REQUESTS
from assay.load.single_requests import beyond

# A percentile is worth showing where a window holds at least ten requests beyond it.
REQUESTS_FOR = {50: 20, 95: 200, 99: 1000}
# Windows differ in how many requests they hold: one that should hold so many is made so many times longer.
SPARE = 1.3
# Of an open loop's requests, so many must be answered while they are sent: below, a queue grows.
KEPT_UP = 0.95

Side = Literal["server", "client"]


def increase(window: Window, *path: str) -> int:
    """Return how much a cumulative statistic of the server grew during a window."""
    before: Any = window["statistics"]["before"]
    after: Any = window["statistics"]["after"]
    for key in path:
        before, after = before[key], after[key]
    return int(after) - int(before)


def _reported(window: Window, column: str) -> float:
    """Return what perf_analyzer reports in one of its columns."""
    row: Any = window["perf_analyzer"]
    return float(row[column])


def requests(window: Window) -> int:
    """Return the requests that the server answered."""
    return increase(window, "inference_stats", "success", "count")


def throughput(window: Window) -> float:
    """Return inferences per second."""
    return _reported(window, "Inferences/Second")


def mean_latency_us(window: Window) -> float:
    """Return the mean latency of a request, in microseconds, as the client saw it."""
    return _reported(window, "Avg latency")


def percentile_us(window: Window, percent: int) -> float | None:
    """Return a percentile of the latency in microseconds, None where the window holds too few requests."""
    if requests(window) < REQUESTS_FOR[percent]:
        return None
    return _reported(window, f"p{percent} latency")


def completed(window: Window) -> int:
    """Return the requests that the latencies are of: those that the client saw answered within the window."""
    return int(_reported(window, REQUESTS))


def beyond_limit(window: Window, limit_us: float) -> tuple[int, int]:
    """Return how many of the completed requests took longer than a limit: at least so many, at most so many.

    Of single requests where they were exported; otherwise from the percentiles, of which each is
    the latency of one request: the one with the rank round(percent / 100 * (count - 1)) from the
    fastest on, as perf_analyzer takes it. The mean leaves room for some of those beyond the last
    percentile: all together took no longer than the requests' number times their mean.
    """
    if (bins := window["latency_bins"]) is not None:
        return beyond(bins, limit_us)
    count = completed(window)
    ranked = {percent: math.floor(percent / 100 * (count - 1) + 0.5) for percent in PERCENTILES}
    at_least = {percent: _reported(window, f"p{percent} latency") for percent in PERCENTILES}
    # It cuts the microseconds' fraction off.
    slower = {percent: latency + 1 > limit_us for percent, latency in at_least.items()}
    fewest = max((count - ranked[percent] for percent in PERCENTILES if slower[percent]), default=0)
    most = min((count - ranked[percent] - 1 for percent in PERCENTILES if not slower[percent]), default=count)
    last = PERCENTILES[-1]
    if not slower[last]:
        # Each request took at least the percentile at or below its rank.
        ranks = [ranked[percent] for percent in PERCENTILES]
        known = sum(
            (end - begin) * at_least[percent]
            for percent, begin, end in zip(PERCENTILES, ranks, [*ranks[1:], count], strict=True)
        )
        room = count * (mean_latency_us(window) + 1) - known
        most = min(most, math.floor(room / (limit_us - at_least[last])))
    return fewest, most


def percent_late(window: Window) -> float:
    """Return how many percent of an open loop's requests were sent later than scheduled; 0 stands for up to 1.

    Latency counts from the sending: it leaves out how long those requests waited for that.
    """
    return _reported(window, DELAYED) if DELAYED in window["perf_analyzer"] else 0.0


def mostly_late(windows: Sequence[Window], percent: int) -> bool:
    """Return whether the load generator could not keep to the rate in half of the windows.

    As many requests were then late as may be slower than the percentile: it says nothing.
    """
    return median(map(percent_late, windows)) > 100 - percent


def cpu_per_1000(window: Window, side: Side) -> float | None:
    """Return the seconds of processor time that `server` or `client` used for 1,000 inferences, None if unknown."""
    used = window["cpu_seconds"][side]
    return None if used is None else 1000 * used / increase(window, "inference_count")


def busy_cores(window: Window, side: Side) -> float | None:
    """Return how many cores `server` or `client` kept busy on average, None if unknown."""
    used = window["cpu_seconds"][side]
    return None if used is None else used / window["seconds"]


def effective_batch(windows: Sequence[Window]) -> float:
    """Return inferences per execution over all of the windows."""
    inferences = sum(increase(window, "inference_count") for window in windows)
    return inferences / sum(increase(window, "execution_count") for window in windows)
