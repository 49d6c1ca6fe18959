"""What `perf.slo` says in a race: who need not enter it, and who surely misses a limit on latency."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay.deciding.finalists import BETWEEN_STARTS
from assay.deciding.slo import Check, answer_to_all, check_all
from assay.ground.records.measured import Window
from assay.params.cells import Cell
from assay.params.perf import Slo
from assay.racing.standing import Judgement

Exports = Mapping[str, Mapping[str, Any]]


def entrants(cells: Sequence[Cell], exports: Exports, slo: Slo) -> list[Cell]:
    """Return the configurations that may be recommended, and the default one, which comes first.

    `exports` are what is known of each variant: one whose answers miss a limit need not be measured.
    """
    default, *others = cells
    of_answers = _of_answers(slo)
    return [
        default,
        *(cell for cell in others if answer_to_all(check_all(of_answers, [], exports[cell.variant], cell)) != "fails"),
    ]


def judge(name: str, windows: Sequence[Window], *, cells: Mapping[str, Cell], exports: Exports, slo: Slo) -> Judgement:
    """Return which limit a configuration surely misses, and whether it surely meets all.

    It misses one that it would miss in a start of the server that is as much faster as starts differ, too. A single
    window tells nothing of latency: an interval needs two.
    """
    known = slo if len(windows) > 1 else _of_answers(slo)
    export, cell = exports[cells[name].variant], cells[name]

    def checked(limits: Slo) -> list[Check]:
        return check_all(limits, [[each] for each in windows], export, cell)

    stated = checked(known)
    hopes = zip(stated, checked(known.with_latencies(BETWEEN_STARTS)), strict=True)
    missed = next((f"misses {check.limit}" for check, hope in hopes if hope.answer == "fails"), "")
    return Judgement(missed, sure=known == slo and answer_to_all(stated) == "meets")


def _of_answers(slo: Slo) -> Slo:
    """Return the limits that are known before anything is measured."""
    return slo.model_copy(update={"p95_ms": None, "p99_ms": None})
