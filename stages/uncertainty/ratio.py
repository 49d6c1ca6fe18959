"""The ratio of two paired measurements, with its uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runtime.numerals import ends, times
from uncertainty.mean import mean_estimate


@dataclass(frozen=True)
class Ratio:
    """A ratio and its confidence interval."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as reports write it: `1.83 (1.71–1.95)`."""
        return f"{times(self.ratio, self.low)} ({ends(self.low, self.high)})"

    @property
    def reach(self) -> float:
        """Return how far the interval reaches upwards, as a share of the ratio: 0.05 for +5 %."""
        return self.high / self.ratio - 1

    @property
    def covers_one(self) -> bool:
        """Return whether the interval holds 1: no difference."""
        return self.low <= 1 <= self.high


def ratio_of_logs(differences: Sequence[float]) -> Ratio:
    """Return the ratio whose logarithm has been observed so many times, with its 95 % t interval."""
    estimate = mean_estimate(differences)
    return Ratio(math.exp(estimate.value), math.exp(estimate.low), math.exp(estimate.high))


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
    return ratio_of_logs((np.log(numerators) - np.log(denominators)).tolist())
