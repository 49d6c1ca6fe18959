"""The mean of a few independent observations, and a share of many, with their uncertainty."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

from assay.statistics.interval import CONFIDENCE, Interval


def t_quantile(degrees_of_freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors a two-sided interval reaches (Student 1908)."""
    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return how many known standard errors a two-sided interval reaches."""
    return float(ndtri((1 + confidence) / 2))


def mean_estimate(values: Sequence[float]) -> Interval:
    """Return the mean of at least two independent values and its 95 % t interval."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = float(np.mean(values))
    half = t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def share_of_blocks(counts: Sequence[int], totals: Sequence[int]) -> Interval:
    """Return the share that several blocks of observations have together, and its 95 % t interval over blocks.

    In block b, `counts[b]` of `totals[b]` observations count. Those of one block go together, so
    it is the blocks that are independent: the interval is that of a ratio of two sums (Cochran
    1977, chapter 6), from the spread of counts[b] - share * totals[b]. At least two blocks.

    Blocks that agree by chance, as where nothing counts in any of few observations, know no more
    than independent observations would: the interval is no shorter than theirs.
    """
    blocks = len(counts)
    if blocks < 2:
        raise ValueError("an interval needs at least two blocks")
    share = sum(counts) / sum(totals)
    squares = sum((count - share * total) ** 2 for count, total in zip(counts, totals, strict=True))
    half = t_quantile(blocks - 1) * math.sqrt(blocks / (blocks - 1) * squares) / sum(totals)
    independent = share_estimate(sum(counts), sum(totals))
    return Interval(share, max(0.0, min(share - half, independent.low)), min(1.0, max(share + half, independent.high)))


def share_estimate(successes: int, trials: int) -> Interval:
    """Return a share of independent trials and its 95 % interval by Wilson (1927)."""
    z = normal_quantile()
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return Interval(share, centre - half, centre + half)
