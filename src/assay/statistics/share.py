"""The share of observations that count, among independent ones or in blocks, with its uncertainty."""

import math
from collections.abc import Sequence

from assay.statistics.interval import Interval, normal_quantile, t_quantile


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
