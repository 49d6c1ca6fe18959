"""Earlier verdicts on the same machine, server and models, and what they say about another hour.

What an interval holds is what these minutes say. A machine that others use, too, gives another
answer an hour later; how far off it may be, earlier verdicts tell, or else how much hours differed
where that was studied.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deciding.verdict import Verdict
from measuring.journal import digest
from parameters.cells import matrix
from parameters.schema import Params
from runtime.cores import server_cores
from runtime.numerals import counted, ends
from uncertainty.mean import t_quantile
from uncertainty.prediction import ENOUGH, Spread, another
from uncertainty.ratio import Ratio

# A verdict as `reports/verdicts/<server>.json` holds it: `server`, its `backend`, when it was
# `measured_at`, the `basis` that it rests on, the `verdict`, and `earlier` ones on whatever basis.
Record = dict[str, Any]
# What is left of an earlier verdict: its time, a digest of its basis and server, who was recommended, and the ratios.
Earlier = dict[str, Any]
KEPT = 50
# Of what a record holds; whoever reads one of another format does without it.
FORMAT = 2
# Verdicts that are closer together say no more of other hours than one of them.
HOUR = timedelta(hours=1)
LOOPBACK = ("127.", "localhost:", "[::1]:")


def record(
    params: Params, machine: dict[str, Any], exports: dict[str, Any], verdict: dict[str, Any], measured_at: str
) -> Record:
    """Return a verdict with what it rests on: the machine, the matrix, the question, how it is measured, the models."""
    perf, url = params.perf, params.triton.url.http
    elsewhere = params.triton.server == "url" and not url.startswith(LOOPBACK)
    basis = {
        "machine": {key: value for key, value in machine.items() if key != "server"},
        "server_at": url if elsewhere else "this machine",
        "server_cores": server_cores(params, machine["usable_cores"]),
        "cells": [cell.name for cell in matrix(params)],
        "perf": perf.model_dump(exclude={"instances", "max_batch_size", "dynamic_batching", "precision", "open_loop"}),
        "exports": exports,
    }
    return {
        "format": FORMAT,
        "server": params.triton.server,
        "backend": machine["server"].get("backend"),
        "identity": machine["server"],
        "measured_at": measured_at,
        "basis": basis,
        "verdict": verdict,
        "earlier": [],
    }


def _shortened(full: Record) -> Earlier:
    verdict = full["verdict"]
    return {
        "measured_at": full["measured_at"],
        "basis": digest([], [full["basis"], full["identity"]]),
        "recommended": verdict["recommended"],
        "against_default": {each["cell"]: each["against_default"] for each in verdict["finalists"]},
    }


def remembering(ours: Record, last: Record | None) -> Record:
    """Return our record with the last one and that one's earlier ones: one of each run-off and each question to it.

    DVC brings a run-off back from its cache wherever its question is asked again.
    """
    if last is None:
        return ours
    known = {(each["measured_at"], each["basis"]): each for each in (*last["earlier"], _shortened(last))}
    known.pop((ours["measured_at"], _shortened(ours)["basis"]), None)
    return {**ours, "earlier": list(known.values())[-KEPT:]}


def of_the_same(ours: Record) -> list[Earlier]:
    """Return the verdicts, the newest and our own first, on one machine, server and set of models."""
    own = _shortened(ours)
    return [own, *(each for each in reversed(ours["earlier"]) if each["basis"] == own["basis"])]


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

    ratio: Ratio
    hours: int
    studied: bool


def another_hour(verdict: Verdict, verdicts: Sequence[Earlier], study: dict[str, Any]) -> AnotherHour | None:
    """Return what is to be expected of the recommended configuration, None where that is the default or there is none.

    `verdicts` are those of `of_the_same`; `study` is benchmarks/results/between_hours.json: the
    standard deviation, between hours, of the logarithm of such a ratio, and its degrees of freedom.
    """
    if verdict.recommended is None or verdict.recommended.against_default is None:
        return None
    cell, now = verdict.recommended.cell.name, verdict.recommended.against_default
    measured = [(each["measured_at"], ratio) for each in verdicts if (ratio := each["against_default"].get(cell))]
    apart = an_hour_apart([datetime.fromisoformat(when) for when, _ in measured])
    values = [math.log(measured[place][1]["ratio"]) for place in apart]
    # Each of them has an error of its own, beside what hours do: that of this one stands for all. Both are
    # estimates, and what they make together is known as little as the one of fewer degrees of freedom.
    own = (math.log(now.high) - math.log(now.low)) / 2 / t_quantile(verdict.starts - 1)
    assumed = Spread(math.hypot(study["deviation"], own), min(study["freedom"], verdict.starts - 1))
    found = another(values, assumed)
    ratio = Ratio(*(math.exp(each) for each in (found.value, found.low, found.high)))
    return AnotherHour(ratio, len(apart), studied=len(apart) < ENOUGH)


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
