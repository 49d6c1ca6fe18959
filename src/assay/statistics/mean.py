"""The mean of a few independent observations, with its uncertainty."""

import math
from collections.abc import Sequence

import numpy as np

from assay.statistics.interval import Interval, t_quantile


def mean_estimate(values: Sequence[float]) -> Interval:
    """Return the mean of at least two independent values and its 95 % t interval."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = float(np.mean(values))
    half = t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
