"""The mean of a few independent observations, and a share of many, with their uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval."""

    value: float
    low: float
    high: float


def t_quantile(degrees_of_freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors a two-sided interval reaches (Student 1908)."""
    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def mean_estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of at least two independent values and its 95 % t interval."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = float(np.mean(values))
    half = t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def share_estimate(successes: int, trials: int) -> Estimate:
    """Return a share of independent trials and its 95 % interval by Wilson (1927)."""
    z = t_quantile(10**9)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return Estimate(share, centre - half, centre + half)
