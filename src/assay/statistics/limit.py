"""Whether a value that is known with an interval keeps a limit: it does, it does not, or nobody can tell."""

from collections.abc import Iterable
from typing import Literal

from assay.statistics.interval import Interval

Answer = Literal["meets", "fails", "cannot tell"]


def at_least(lowest: float, found: Interval) -> Answer:
    """Return whether the whole interval reaches `lowest`, none of it does, or a part."""
    return _answer(surely=found.low >= lowest, not_at_all=found.high < lowest)


def at_most(highest: float, found: Interval) -> Answer:
    """Return whether the whole interval stays within `highest`, none of it does, or a part."""
    return _answer(surely=found.high <= highest, not_at_all=found.low > highest)


def _answer(*, surely: bool, not_at_all: bool) -> Answer:
    if surely:
        return "meets"
    return "fails" if not_at_all else "cannot tell"


def overall(answers: Iterable[Answer]) -> Answer:
    """Return the answer to several limits together: a failure outweighs a doubt, a doubt outweighs the rest."""
    given = set(answers)
    if "fails" in given:
        return "fails"
    return "cannot tell" if "cannot tell" in given else "meets"
