"""What `perf.slo` says in a race: who need not enter it, and who surely misses a limit on latency."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay.deciding.finalists import BETWEEN_STARTS
from assay.deciding.slo import answer_to_all, check_all
from assay.ground.records.measured import Window
from assay.params.cells import Cell
from assay.params.perf import Slo

Exports = Mapping[str, Mapping[str, Any]]


def entrants(cells: Sequence[Cell], exports: Exports, slo: Slo) -> list[Cell]:
    """Return the configurations that may be recommended, and the default one, which comes first.

    `exports` are what is known of each variant: one whose answers miss a limit need not be measured.
    """
    default, *others = cells
    of_answers = slo.model_copy(update={"p95_ms": None, "p99_ms": None})
    return [
        default,
        *(cell for cell in others if answer_to_all(check_all(of_answers, [], exports[cell.variant], cell)) != "fails"),
    ]


def missed(
    name: str, windows: Sequence[Window], *, cells: Mapping[str, Cell], exports: Exports, slo: Slo
) -> str | None:
    """Say which limit a configuration surely misses, in a start that is as much faster as starts differ, too."""
    cell = cells[name]
    checks = check_all(slo.with_latencies(BETWEEN_STARTS), [[each] for each in windows], exports[cell.variant], cell)
    failing = [place for place, check in enumerate(checks) if check.answer == "fails"]
    if not failing:
        return None
    stated = check_all(slo, [[each] for each in windows], exports[cell.variant], cell)
    return f"misses {stated[failing[0]].limit}"
