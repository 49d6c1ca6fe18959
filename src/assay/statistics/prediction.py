"""Where another observation is to be expected, made at another time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.statistics.interval import Interval, t_quantile

# So many observations of one's own say more about their spread than somebody else's many.
ENOUGH = 4


@dataclass(frozen=True)
class Spread:
    """How much observations of one thing vary: a standard deviation, and the degrees of freedom that it has."""

    deviation: float
    freedom: int


def another(values: Sequence[float], assumed: Spread) -> Interval:
    """Return where one more observation like `values` lies: their mean, and a 95 % prediction interval.

    With m the mean of n values and s their standard deviation, it is m ± t(n-1) s sqrt(1 + 1/n)
    (Student 1908). Of fewer than `ENOUGH` values the spread is not known: `assumed` stands for it.
    """
    count = len(values)
    known = Spread(float(np.std(values, ddof=1)), count - 1) if count >= ENOUGH else assumed
    mean = float(np.mean(values))
    half = t_quantile(known.freedom) * known.deviation * math.sqrt(1 + 1 / count)
    return Interval(mean, mean - half, mean + half)
