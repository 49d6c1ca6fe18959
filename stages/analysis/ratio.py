"""The ratio of two paired measurements, with its uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A ratio and its confidence interval."""

    ratio: float
    low: float
    high: float

    @property
    def covers_one(self) -> bool:
        """Return whether the interval holds 1: no difference."""
        return self.low <= 1 <= self.high

    def overlaps(self, other: "Ratio") -> bool:
        """Return whether the two intervals have a point in common."""
        return self.low <= other.high and other.low <= self.high


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Ratio:
    """Return the geometric mean of the rounds' ratios and its 95 % t interval.

    A round is one observation: its ratio's logarithm. With mean m and standard
    deviation s over n rounds, the interval is exp(m ± t(n-1) s / sqrt(n))
    (Student 1908). Raises ValueError for fewer than two rounds, rounds that do not
    pair, or values that are not positive.
    """
    if len(numerators) != len(denominators) or len(numerators) < 2:
        raise ValueError("a ratio needs at least two rounds, each with both measurements")
    if min(*numerators, *denominators) <= 0:
        raise ValueError("a ratio needs positive measurements")
    logs = np.log(numerators) - np.log(denominators)
    quantile = float(stdtrit(len(logs) - 1, (1 + CONFIDENCE) / 2))
    mean, half = float(logs.mean()), quantile * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))
