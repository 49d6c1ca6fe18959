"""One thing that two revisions are compared in, and how accuracy is."""

from dataclasses import dataclass

import numpy as np

from assay.ground.numerals import decimals_beside
from assay.statistics.interval import Interval
from assay.statistics.limit import Answer, at_least
from assay.statistics.tolerance import paired_share_difference


@dataclass(frozen=True)
class Result:
    """One thing that was compared: what was found, in words, the answer, and what it takes where that cannot tell."""

    what: str
    found: str
    answer: Answer
    takes: str = ""


def accuracy_result(what: str, right: tuple[np.ndarray, np.ndarray], tolerance: float, *, equal: bool) -> Result:
    """Compare which examples the reference and this working tree get right, [N] each.

    Answers that are `equal` to the last bit are those of one model, and no other examples would tell them apart.
    """
    estimate = Interval(0.0, 0.0, 0.0) if equal else paired_share_difference(*right)
    change, low, high = (
        f"{each:+.{decimals_beside(each, -tolerance, 4)}f}" for each in (estimate.value, estimate.low, estimate.high)
    )
    found = (
        f"{right[0].mean():.4f} → {right[1].mean():.4f}, a change of {change} ({low} to {high}); "
        f"at least {-tolerance:+g} is asked for"
    )
    return Result(what, found, at_least(-tolerance, estimate), "more test examples or a wider --accuracy-tolerance")
