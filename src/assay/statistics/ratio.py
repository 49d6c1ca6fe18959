"""The ratio of two paired measurements, with its uncertainty."""

from collections.abc import Sequence

import numpy as np

from assay.statistics.interval import Interval
from assay.statistics.mean import mean_estimate


def ratio_of_logs(differences: Sequence[float]) -> Interval:
    """Return the ratio whose logarithm has been observed so many times, with its 95 % t interval."""
    return mean_estimate(differences).exp()


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
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
