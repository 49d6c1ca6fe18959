"""Windows of an open loop: at which rates, and how long they must be."""

import math
from statistics import median

from measuring.readings import REQUESTS_FOR, Window, percentile_us, throughput
from measuring.windows import Windows
from parameters.schema import Perf
from perf_analyzer.window import SLEEP_FACTOR, WINDOWS, RequestRate

# Shares of what the closed loop gave at which the search begins and ends.
LOWEST, HIGHEST = 0.2, 1.5
SEARCH_FACTOR, FACTOR = 1.25, 1.06
SEARCH_WINDOWS = 2
# A rate is too high for sure when it misses a limit by so much, or only this share of it is answered.
FAR_BEYOND, LEFT_BEHIND = 1.5, 0.85
# More requests than a percentile needs, because arrivals are random.
SPARE = 1.3


def window_ms(perf: Perf, per_second: float) -> int:
    """Return how long a window at a rate must be to hold the requests that the limits' percentiles need."""
    needed = max(REQUESTS_FOR[percent] for percent in perf.slo.latency_limits_ms)
    return max(perf.window_ms, math.ceil(1000 * SPARE * needed / (per_second * WINDOWS * SLEEP_FACTOR)))


def measure_at(windows: Windows, model: str, per_second: float, perf: Perf) -> Window:
    """Return one window of a model at a rate; `perf` has a distribution and a limit on latency."""
    distribution = perf.open_loop.distribution
    assert distribution is not None  # noqa: S101  nothing is measured without one
    windows.window_ms = window_ms(perf, per_second)
    return windows.measure(model, RequestRate(per_second, distribution))


def is_too_high(per_second: float, windows: list[Window], perf: Perf) -> bool:
    """Return whether a few windows say clearly that a rate is beyond what can be sustained."""
    if median(throughput(window) for window in windows) < LEFT_BEHIND * per_second:
        return True
    for percent, limit_ms in perf.slo.latency_limits_ms.items():
        found = [percentile_us(window, percent) for window in windows]
        if min(math.inf if value is None else value for value in found) > 1000 * FAR_BEYOND * limit_ms:
            return True
    return False


def rates_around_limit(windows: Windows, model: str, closed: float, perf: Perf) -> list[float]:
    """Return rates to compare, the highest first: from just above one that is too high to well below it.

    `closed` is the throughput that the model had in a closed loop.
    """
    rate = LOWEST * closed
    while rate < HIGHEST * closed:
        tried = [measure_at(windows, model, rate, perf) for _ in range(SEARCH_WINDOWS)]
        too_high = is_too_high(rate, tried, perf)
        print(f"{model}: {rate:,.0f} requests/s {'are too many' if too_high else 'may do'}", flush=True)
        if too_high:
            break
        rate *= SEARCH_FACTOR
    steps = range(-1, math.ceil(2 * math.log(SEARCH_FACTOR) / math.log(FACTOR)))
    # Three digits are enough, and say themselves better.
    return [float(f"{rate / FACTOR**step:.3g}") for step in steps]
