"""What is said of the recommended configuration beside the verdict: its variant, its accuracy, its highest rate."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay.deciding.finalists import screen_measured
from assay.deciding.slo import answer_to_all
from assay.deciding.verdict import Verdict
from assay.params.cells import Cell
from assay.params.perf import Perf
from assay.saturation.sustained import Saturation, saturation_in_words
from assay.telling.tables import MeasuredCell
from assay.telling.variants_table import VariantRow, points, variant_row


def rates_in_words(distribution: str | None, sustained: Saturation | None) -> list[str]:
    """Say what request rates are sustained, if params.yaml asks for it: it names a distribution."""
    if distribution is None:
        return []
    if sustained is None:
        return ["No request rate was looked for: there is no configuration to send it to."]
    return [saturation_in_words(sustained, distribution)]


def recommended_variant(verdict: Verdict, rows: Sequence[VariantRow]) -> VariantRow:
    """Return the row of the variant that is recommended, or else of the default one."""
    cell = (verdict.recommended or verdict.default).cell
    (row,) = (each for each in rows if each.name == cell.variant)
    return row


def accuracy_in_words(verdict: Verdict, rows: Sequence[VariantRow]) -> list[str]:
    """Say what the recommended variant surely costs in accuracy, if it does."""
    chosen = recommended_variant(verdict, rows)
    if verdict.recommended is None or chosen.accuracy_change is None or chosen.accuracy_change.high >= 0:
        return []
    return [f"It is less accurate than `{rows[0].name}`: {points(chosen.accuracy_change)} percentage points."]


def failing(cells: Sequence[Cell], files: Mapping[str, Any], exports: Mapping[str, Any], perf: Perf) -> int:
    """Return how many cells were left out of the run-off because they would miss a limit in any start.

    The default configuration, the first, never is. `exports` are of each variant's classifier.
    """
    screened = [screen_measured(cell, files[cell.name], perf, exports[cell.variant]) for cell in cells[1:]]
    return sum(answer_to_all(each.hopes) == "fails" for each in screened)


def variant_rows(
    exports: Mapping[str, Any], files: Mapping[str, Any], cells: Sequence[MeasuredCell], concurrency: int
) -> list[VariantRow]:
    """Return a row for each variant, the first what others are compared with, as its first cell was served."""
    defaults = {each.cell.variant: each for each in reversed(cells)}
    first = next(iter(exports.values()))
    return [
        variant_row(variant, of, first, files[default.cell.name], default.at(concurrency))
        for variant, of in exports.items()
        if (default := defaults[variant])
    ]
