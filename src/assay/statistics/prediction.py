"""Where another observation is to be expected, made at another time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.statistics.interval import Interval, t_quantile

# So many observations of one's own say more about their spread than somebody else's many.
ENOUGH = 4
# The variance of what seems to have none: it would outweigh all others.
_NO_LESS = 1e-12


@dataclass(frozen=True)
class Spread:
    """How much observations of one thing vary: a standard deviation, and the degrees of freedom that it has."""

    deviation: float
    freedom: int


def another(values: Sequence[float], errors: Sequence[float], between: Spread) -> Interval:
    """Return where one more observation like `values` lies: their mean, and a 95 % prediction interval.

    With m the mean of n values and s their standard deviation, it is m ± t(n-1) s sqrt(1 + 1/n) (Student 1908). Of
    fewer than `ENOUGH` values the spread is not known: it is taken from their own standard `errors`, and from what
    observations are known to vary `between` them. Each weighs as much as it is sure, then, and where values contradict
    each other, all errors are larger by Birge's ratio (1932).
    """
    count = len(values)
    if count >= ENOUGH:
        mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
        half = t_quantile(count - 1) * deviation * math.sqrt(1 + 1 / count)
        return Interval(mean, mean - half, mean + half)
    variances = np.square(errors) + between.deviation**2 + _NO_LESS
    weights = 1 / variances
    mean = float(np.average(values, weights=weights))
    apart = float(np.sum(weights * np.square(np.array(values) - mean)))
    larger = max(1.0, math.sqrt(apart / (count - 1))) if count > 1 else 1.0
    one_more = float(np.mean(variances)) + 1 / float(np.sum(weights))
    half = t_quantile(between.freedom) * larger * math.sqrt(one_more)
    return Interval(mean, mean - half, mean + half)
