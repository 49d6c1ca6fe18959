"""How much one of two things differs from the other, for a comparison that looks again and again."""

import math
from collections.abc import Sequence

import numpy as np

from assay.statistics.interval import CONFIDENCE, Interval, normal_quantile, t_quantile

# After how many blocks the interval is looked at. Every look is a chance to be wrong, so the 5 %
# are divided among them (Bonferroni).
LOOKS = (4, 6, 8, 12, 16, 24, 32)


def ratio_at_look(log_ratios: Sequence[float]) -> Interval:
    """Return the ratio whose logarithm each block observed once; its interval allows for all looks."""
    blocks = len(log_ratios)
    mean, spread = float(np.mean(log_ratios)), float(np.std(log_ratios, ddof=1))
    half = t_quantile(blocks - 1, 1 - (1 - CONFIDENCE) / len(LOOKS)) * spread / math.sqrt(blocks)
    return Interval(mean, mean - half, mean + half).exp()


def paired_share_difference(first: np.ndarray, second: np.ndarray) -> Interval:
    """Return the difference of two shares, the second's less the first's, and its 95 % interval.

    Both are true or false for the same examples, [N]. Only examples on which the two differ
    carry information (McNemar 1947); half an example is added to each side, so that few of
    them, or none, do not make an interval of no length.
    """
    count = len(first)
    gained, lost = int(np.sum(~first & second)), int(np.sum(first & ~second))
    difference = (gained - lost) / count
    half = normal_quantile() * math.sqrt(gained + lost + 1 - (gained - lost) ** 2 / count) / count
    return Interval(difference, max(-1.0, difference - half), min(1.0, difference + half))
