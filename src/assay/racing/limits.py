"""What `perf.slo` says in a race: who need not enter it, and who surely misses a limit on latency."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay.deciding.finalists import BETWEEN_STARTS
from assay.deciding.slo import Check, answer_to_all, check_all
from assay.ground.records.measured import Window
from assay.params.cells import Cell
from assay.params.perf import Slo
from assay.racing.standing import Judge, Judgement

Exports = Mapping[str, Mapping[str, Any]]


def judge_of(cells: Sequence[Cell], exports: Exports, slo: Slo) -> Judge:
    """Return what says which limit a configuration surely misses by its windows, and whether it surely meets all.

    `exports` are what is known of each variant. A configuration misses a limit that it would miss in a start of the
    server that is as much faster as starts differ, too. A single window tells nothing of latency: an interval
    needs two.
    """
    by_name = {cell.name: cell for cell in cells}

    def judge(name: str, windows: Sequence[Window]) -> Judgement:
        known = slo if len(windows) > 1 else _of_answers(slo)
        cell = by_name[name]

        def checked(limits: Slo) -> list[Check]:
            return check_all(limits, [[each] for each in windows], exports[cell.variant], cell)

        stated = checked(known)
        hopes = zip(stated, checked(known.with_latencies(BETWEEN_STARTS)), strict=True)
        missed = next((f"misses {check.limit}" for check, hope in hopes if hope.answer == "fails"), "")
        return Judgement(missed, sure=known == slo and answer_to_all(stated) == "meets")

    return judge


def entrants(cells: Sequence[Cell], judge: Judge) -> list[Cell]:
    """Return the configurations that may be recommended, and the default one, which comes first.

    One whose answers miss a limit need not be measured.
    """
    default, *others = cells
    return [default, *(cell for cell in others if not judge(cell.name, []).missed)]


def _of_answers(slo: Slo) -> Slo:
    """Return the limits that are known before anything is measured."""
    return slo.model_copy(update={"p95_ms": None, "p99_ms": None})
