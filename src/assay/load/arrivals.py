"""When requests of an open loop are sent.

perf_analyzer's own Poisson arrivals have one seed and repeat a short pattern, so that every
window of a rate would see the same bursts, and up to an eighth fewer requests than asked for.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class RequestRate:
    """An open loop: requests are sent at times of their own, whether or not others have been answered.

    Latency counts from the sending. perf_analyzer says when more than a hundredth of the
    requests were sent later than scheduled. `seed` decides about random arrivals.
    """

    per_second: float
    distribution: Literal["constant", "poisson"]
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.per_second:,g} requests/s, {self.distribution}"


def intervals_us(rate: RequestRate, seconds: float) -> list[int]:
    """Return the microseconds between requests for some seconds; together they have exactly the rate asked for."""
    count = max(2, round(rate.per_second * seconds))
    if rate.distribution == "poisson":
        gaps = np.random.default_rng(rate.seed).exponential(size=count)
    else:
        gaps = np.ones(count)
    times = np.cumsum(gaps) * (1e6 * count / rate.per_second / gaps.sum())
    # Rounding the times, not the gaps, lets no error add up.
    return [int(gap) for gap in np.diff(np.round(times), prepend=0)]
