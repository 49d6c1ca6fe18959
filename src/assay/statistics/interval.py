"""A value and its 95 % confidence interval."""

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit

from assay.ground.numerals import ends, times

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value, and the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as reports write a ratio: `1.83 (1.71–1.95)`."""
        return f"{times(self.value, self.low)} ({ends(self.low, self.high)})"

    def exp(self) -> "Interval":
        """Return the interval of a number of whose logarithm this is."""
        return Interval(math.exp(self.value), math.exp(self.low), math.exp(self.high))

    def inverse(self) -> "Interval":
        """Return the interval of one over this: of a ratio seen from the other side."""
        return Interval(1 / self.value, 1 / self.high, 1 / self.low)

    def scaled(self, factor: float) -> "Interval":
        """Return the interval of so many times this."""
        return Interval(factor * self.value, factor * self.low, factor * self.high)

    @property
    def reach(self) -> float:
        """How far it reaches upwards, as a share of the value: 0.05 for +5 %."""
        return self.high / self.value - 1

    @property
    def covers_one(self) -> bool:
        """Whether it holds 1: for a ratio, no difference."""
        return self.low <= 1 <= self.high


def t_quantile(degrees_of_freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors a two-sided interval reaches (Student 1908)."""
    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return how many known standard errors a two-sided interval reaches."""
    return float(ndtri((1 + confidence) / 2))
