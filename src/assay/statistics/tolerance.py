"""How much one of two things differs from the other, for a comparison that looks again and again."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from assay.statistics.interval import CONFIDENCE, Interval, normal_quantile, t_quantile

# After how many blocks the interval is looked at. Every look is a chance to be wrong, so the 5 %
# are divided among them (Bonferroni).
LOOKS = (4, 6, 8, 12, 16, 24, 32)
_NEXT_TO_IT = 1e-9


def ratio_at_look(log_ratios: Sequence[float]) -> Interval:
    """Return the ratio whose logarithm each block observed once; its interval allows for all looks."""
    blocks = len(log_ratios)
    mean, spread = float(np.mean(log_ratios)), float(np.std(log_ratios, ddof=1))
    half = t_quantile(blocks - 1, 1 - (1 - CONFIDENCE) / len(LOOKS)) * spread / math.sqrt(blocks)
    return Interval(mean, mean - half, mean + half).exp()


def paired_share_difference(first: np.ndarray, second: np.ndarray) -> Interval:
    """Return the difference of two shares, the second's less the first's, and its 95 % interval.

    Both are true or false for the same examples, [N]. Only examples on which the two differ carry information (McNemar
    1947). The interval is of the differences that a score test does not refuse (Tango 1998): it allows for what none of
    few examples shows, as Wilson's does of one share, where one by the standard error would be far too short.
    """
    count = len(first)
    gained, lost = int(np.sum(~first & second)), int(np.sum(first & ~second))
    difference, quantile = (gained - lost) / count, normal_quantile()

    def beyond(supposed: float, side: int) -> float:
        """Return how far the examples are from where the test refuses a supposed difference, at one of its sides."""
        linear = -gained - lost + (2 * count - gained + lost) * supposed
        root = math.sqrt(max(0.0, linear**2 + 8 * count * lost * supposed * (1 - supposed)))
        share_lost = (root - linear) / (4 * count)  # most likely, if the difference is as supposed
        variance = count * max(0.0, 2 * share_lost + supposed * (1 - supposed))
        return gained - lost - count * supposed + side * quantile * math.sqrt(variance)

    # At the difference itself the variance may be 0, and the test has nothing to say.
    low, high = difference - _NEXT_TO_IT, difference + _NEXT_TO_IT
    return Interval(
        difference,
        -1.0 if low <= -1 else brentq(beyond, -1, low, (-1,)),
        1.0 if high >= 1 else brentq(beyond, high, 1, (1,)),
    )
