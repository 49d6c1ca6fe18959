"""Which of several things measured side by side really differ."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from uncertainty.mean import t_quantile
from uncertainty.ratio import Ratio

LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """How much better the first of two is: a ratio with its 95 % interval, and Holm's adjusted p value."""

    first: int
    second: int
    ratio: Ratio
    p: float

    @property
    def is_different(self) -> bool:
        """Return whether the two differ, with an error rate of 5 % over all pairs together."""
        return self.p < LEVEL


def holm(values: list[float]) -> list[float]:
    """Return p values adjusted for testing all of them (Holm 1979), in the same order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return adjusted


def compare_all(scores: NDArray[np.float64]) -> list[Comparison]:
    """Compare every pair of columns of `scores` [blocks, things]: logarithms, one mean a block.

    A block is what is repeated independently: a start of the server. The error is what is
    left of the scores after the means of blocks and things (two-way analysis of variance
    without replication), with (blocks - 1) (things - 1) degrees of freedom. Raises ValueError
    for fewer than two blocks or things.
    """
    blocks, things = scores.shape
    if blocks < 2 or things < 2:
        raise ValueError("a comparison needs at least two blocks and two things")
    means = scores.mean(axis=0)
    residuals = scores - means - scores.mean(axis=1, keepdims=True) + scores.mean()
    freedom = (blocks - 1) * (things - 1)
    error = math.sqrt(2 * float((residuals**2).sum()) / freedom / blocks)
    reach = t_quantile(freedom) * error
    pairs = list(itertools.combinations(range(things), 2))
    differences = [float(means[first] - means[second]) for first, second in pairs]
    p_values = [2 * float(stdtr(freedom, -abs(difference) / error)) if error else 0.0 for difference in differences]
    return [
        Comparison(*pair, Ratio(math.exp(d), math.exp(d - reach), math.exp(d + reach)), p)
        for pair, d, p in zip(pairs, differences, holm(p_values), strict=True)
    ]
