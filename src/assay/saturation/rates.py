"""Windows of an open loop: at which rates, and how long they must be."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from assay.ground.numerals import amount
from assay.ground.records.measured import Window
from assay.load.arrivals import RequestRate
from assay.load.window import SLEEP_FACTOR, WINDOWS
from assay.measuring.readings import KEPT_UP, REQUESTS_FOR, SPARE, mostly_late, percentile_us, throughput
from assay.measuring.windows import Windows
from assay.params.perf import Slo

# Shares of what the closed loop gave: where the search begins, and how far it goes either way.
FIRST, LOWEST, HIGHEST = 0.4, 0.05, 1.5
SEARCH_FACTOR, FACTOR = 1.25, 1.06
# Random arrivals alone make a window of 500 requests answer 4 % more or less than it was asked.
SEARCH_WINDOWS = 5
# A rate is too high for sure when it misses a limit on latency by so much.
FAR_BEYOND = 1.5

Look = Literal["may do", "too many", "not sent in time"]
LOOKS: dict[Look, str] = {
    "may do": "may do",
    "too many": "too many to be answered within the limits",
    "not sent in time": "too many to be sent in time",
}


@dataclass(frozen=True)
class Arrivals:
    """How requests arrive, the limits that they are to keep, of which one is on latency, and the shortest window."""

    distribution: Literal["constant", "poisson"]
    slo: Slo
    window_ms: int


def window_ms(arrivals: Arrivals, per_second: float) -> int:
    """Return how long a window at a rate must be to hold the requests that the limits' percentiles need."""
    needed = max(REQUESTS_FOR[percent] for percent in arrivals.slo.latency_limits_ms)
    return max(arrivals.window_ms, math.ceil(1000 * SPARE * needed / (per_second * WINDOWS * SLEEP_FACTOR)))


def rounded(per_second: float) -> float:
    """Return a rate with three digits: they are enough, and say themselves better."""
    return float(f"{per_second:.3g}")


def rate_name(per_second: float) -> str:
    """Return what a rounded rate is called in reports/saturation.json: itself, without an exponent below a million."""
    return f"{per_second:g}"


def measure_at(windows: Windows, model: str, per_second: float, arrivals: Arrivals, chance: random.Random) -> Window:
    """Return one window of a model at a rate."""
    demand = RequestRate(per_second, arrivals.distribution, seed=chance.getrandbits(32))
    return windows.measure(model, demand, window_ms(arrivals, per_second))


def first_look(per_second: float, windows: Sequence[Window], slo: Slo) -> Look:
    """Return what a few windows say of a rate: beyond what can be sent in time, or sustained, or neither."""
    limits_ms = slo.latency_limits_ms
    if mostly_late(windows, max(limits_ms)):
        return "not sent in time"
    slow = any(_fastest_us(windows, percent) > 1000 * FAR_BEYOND * limit for percent, limit in limits_ms.items())
    return "too many" if slow or mean(map(throughput, windows)) < KEPT_UP * per_second else "may do"


def _fastest_us(windows: Sequence[Window], percent: int) -> float:
    """Return the least value of a percentile, infinite where no window has requests enough for one."""
    found = [percentile_us(window, percent) for window in windows]
    return min((value for value in found if value is not None), default=math.inf)


def lowest_too_high(closed: float, too_high: Callable[[float], bool]) -> float:
    """Return the lowest rate found to be too high, in steps of `SEARCH_FACTOR`, or the highest or lowest tried."""
    rate = FIRST * closed
    if too_high(rate):
        while rate > LOWEST * closed and too_high(rate / SEARCH_FACTOR):
            rate /= SEARCH_FACTOR
        return rate
    while rate < HIGHEST * closed:
        rate *= SEARCH_FACTOR
        if too_high(rate):
            break
    return rate


def rates_around_limit(
    windows: Windows, model: str, closed: float, arrivals: Arrivals, chance: random.Random
) -> tuple[list[float], dict[str, Look]]:
    """Return rates to compare, the highest first: from just above one that is too high to well below it.

    With them come the first looks that led there, by rate. `closed` is the throughput that the model had in
    a closed loop.
    """
    looks: dict[str, Look] = {}

    def too_high(rate: float) -> bool:
        tried = [measure_at(windows, model, rate, arrivals, chance) for _ in range(SEARCH_WINDOWS)]
        found = looks[rate_name(rounded(rate))] = first_look(rate, tried, arrivals.slo)
        print(f"{model}, a first look at {amount(rate)} requests/s: {LOOKS[found]}", flush=True)
        return found != "may do"

    rate = lowest_too_high(closed, too_high)
    steps = range(-1, math.ceil(2 * math.log(SEARCH_FACTOR) / math.log(FACTOR)))
    return [rounded(rate / FACTOR**step) for step in steps], looks
