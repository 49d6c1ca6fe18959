"""Where another hour's answer is to be expected.

What an interval holds is what these minutes say. A machine that others use, too, gives another
answer an hour later; how far off it may be, earlier verdicts tell, or else how much hours differed
where that was studied (between-hour variance).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assay.deciding.history import Earlier
from assay.deciding.verdict import Verdict
from assay.ground.numerals import counted, ends
from assay.statistics.interval import Interval, t_quantile
from assay.statistics.prediction import ENOUGH, Spread, another

# Verdicts that are closer together say no more of other hours than one of them.
HOUR = timedelta(hours=1)
# The objective whose ratios were studied.
STUDIED = "throughput"


def an_hour_apart(times: Sequence[datetime]) -> list[int]:
    """Return the places of times that are at least an hour apart, the newest first and among them.

    One of each hour, and not their mean: what is to be expected is a single verdict, and a mean of several varies less.
    """
    chosen: list[int] = []
    for place in sorted(range(len(times)), key=times.__getitem__, reverse=True):
        if not chosen or times[chosen[-1]] - times[place] >= HOUR:
            chosen.append(place)
    return chosen


@dataclass(frozen=True)
class AnotherHour:
    """Where the recommended configuration's ratio to the default is to be expected at another hour.

    `hours` are the verdicts on this machine that it rests on, an hour apart at least; `studied` says whether
    their spread was taken from the study, for want of enough of them.
    """

    ratio: Interval
    hours: int
    studied: bool


def another_hour(verdict: Verdict, verdicts: Sequence[Earlier], study: dict[str, Any]) -> AnotherHour | None:
    """Return what is to be expected of the recommended configuration, None where that is the default or there is none.

    `verdicts` are those of `of_the_same`; `study` is benchmarks/results/between_hours.json: the
    standard deviation, between hours, of the logarithm of such a ratio, and its degrees of freedom. It is of
    throughput: of anything else nothing is expected before there are verdicts enough here.
    """
    if verdict.recommended is None or verdict.recommended.against_default is None:
        return None
    cell = verdict.recommended.cell.name
    measured = [(each["measured_at"], ratio) for each in verdicts if (ratio := each["against_default"].get(cell))]
    apart = an_hour_apart([datetime.fromisoformat(when) for when, _ in measured])
    if verdict.objective.name != STUDIED and len(apart) < ENOUGH:
        return None
    ratios = [measured[place][1] for place in apart]
    values = [math.log(each["ratio"]) for each in ratios]
    # Each of them has an error of its own, beside what hours do. Both are estimates, and what they make together is
    # known as little as the one of fewer degrees of freedom.
    errors = [math.log(each["high"] / each["low"]) / 2 / t_quantile(verdict.starts - 1) for each in ratios]
    found = another(values, errors, Spread(study["deviation"], min(study["freedom"], verdict.starts - 1)))
    return AnotherHour(found.exp(), len(apart), studied=len(apart) < ENOUGH)


def another_hour_in_words(verdict: Verdict, found: AnotherHour, study: dict[str, Any]) -> str:
    """Say where another hour's answer is to be expected, and how that is known."""
    shown = verdict.objective.as_said(found.ratio)
    beyond = (
        f"by {100 * math.expm1(study['deviation']):.1f} % (standard deviation)" if study["deviation"] else "no more"
    )
    known = (
        f"from {found.hours} verdicts here, an hour apart at least"
        if not found.studied
        else f"beyond its errors, throughput differed {beyond} between hours where that was studied, "
        f"{counted(study['visits'], 'visit')} in {counted(round(study['hours']), 'hour')} on {study['processor']}"
    )
    return (
        f"That is what these minutes say; at another hour expect {ends(shown.low, shown.high)} × the default's "
        f"{verdict.objective.words} ({known})."
    )
