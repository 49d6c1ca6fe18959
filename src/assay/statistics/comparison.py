"""Which of several things measured side by side really differ."""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from assay.statistics.interval import Interval
from assay.statistics.ratio import ratio_of_logs

LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """How much better the first of two is: a ratio with its 95 % interval, and Shaffer's adjusted p value."""

    first: int
    second: int
    ratio: Interval
    p: float

    @property
    def is_different(self) -> bool:
        """Return whether the two differ, with an error rate of 5 % over all pairs together."""
        return self.p < LEVEL

    @property
    def second_is_better(self) -> bool:
        """Return whether the second is surely better than the first."""
        return self.is_different and self.ratio.value < 1


@functools.cache
def possibly_equal(things: int) -> frozenset[int]:
    """Return how many pairs of so many things may be equal: any number of groups of equals, of any size."""
    if things < 2:
        return frozenset([0])
    return frozenset(
        math.comb(group, 2) + others for group in range(1, things + 1) for others in possibly_equal(things - group)
    )


def shaffer(values: list[float], things: int) -> list[float]:
    """Return the p values of all pairs of `things`, adjusted for testing all of them, in the same order.

    Step by step from the smallest, as Holm (1979) has it, but each is multiplied only by how
    many pairs may still be equal when so many are not: of four things of which two differ,
    never five pairs are (Shaffer 1986, her first procedure).
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        still_equal = max(count for count in possibly_equal(things) if count <= len(values) - rank)
        largest = max(largest, min(1.0, max(1, still_equal) * values[index]))
        adjusted[index] = largest
    return adjusted


def paired_p(differences: NDArray[np.float64]) -> float:
    """Return the p value of a paired t test (Student 1908) of independent differences, [blocks]."""
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    return 2 * float(stdtr(len(differences) - 1, -abs(mean) * math.sqrt(len(differences)) / spread))


def compare_all(scores: NDArray[np.float64]) -> list[Comparison]:
    """Compare every pair of columns of `scores` [blocks, things]: logarithms, one mean a block.

    A block is what is repeated independently: a start of the server. The error of a pair is
    that of its own differences, with blocks - 1 degrees of freedom: one thing may be noisier
    than another, and an error that all share would then be too small for it, and too large
    for the others. Raises ValueError for fewer than two blocks or things.
    """
    blocks, things = scores.shape
    if blocks < 2 or things < 2:
        raise ValueError("a comparison needs at least two blocks and two things")
    pairs = list(itertools.combinations(range(things), 2))
    differences = [scores[:, first] - scores[:, second] for first, second in pairs]
    p_values = shaffer([paired_p(each) for each in differences], things)
    return [
        Comparison(*pair, ratio_of_logs(each.tolist()), p)
        for pair, each, p in zip(pairs, differences, p_values, strict=True)
    ]


def spreads(scores: NDArray[np.float64]) -> list[float]:
    """Return for each column of `scores` [blocks, things] how much it varies between blocks, beyond what all share.

    It is the standard deviation of its difference to the others' mean; `scores` are logarithms
    of at least two blocks. A single thing has nothing to share: its own standard deviation.
    """
    things = scores.shape[1]
    if things == 1:
        return [float(scores[:, 0].std(ddof=1))]
    others = (scores.sum(axis=1, keepdims=True) - scores) / (things - 1)
    return [float(each) for each in (scores - others).std(axis=0, ddof=1)]
