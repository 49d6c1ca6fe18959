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


def quality_in_words(verdict: Verdict, rows: Sequence[VariantRow]) -> list[str]:
    """Say what the recommended variant surely costs in accuracy, and how far it is from the model as it was brought."""
    chosen, said = recommended_variant(verdict, rows), []
    if verdict.recommended is None:
        return []
    if chosen.accuracy_change is not None and chosen.accuracy_change.high < 0:
        said.append(f"It is less accurate than `{rows[0].name}`: {points(chosen.accuracy_change)} percentage points.")
    if chosen.difference:
        same = "" if chosen.agreement is None else f"; {_same_rows(chosen)}"
        said.append(
            "Its answers differ from those of the model as it came by up to "
            f"{chosen.difference:.2g}, counted as parity is{same}."
        )
    return said


def _same_rows(row: VariantRow) -> str:
    """Return in how many rows a variant says what the model said as it came, of the output where these are fewest."""
    outputs = [each for each in row.export["agreement"].values() if each["rows"]]
    least = min(outputs, key=lambda each: each["same"] / each["rows"])
    return f"{least['same']:,} of {least['rows']:,} rows have the same largest score, or value"


def failing(cells: Sequence[Cell], files: Mapping[str, Any], exports: Mapping[str, Any], perf: Perf) -> int:
    """Return how many cells were left out of the run-off because they would miss a limit in any start.

    The default configuration, the first, never is. `exports` are of each variant's classifier.
    """
    screened = [screen_measured(cell, files[cell.name], perf, exports[cell.variant]) for cell in cells[1:]]
    return sum(answer_to_all(each.hopes) == "fails" for each in screened)


def variant_rows(
    exports: Mapping[str, Any], files: Mapping[str, Any], cells: Sequence[MeasuredCell], concurrency: int
) -> list[VariantRow]:
    """Return a row for each variant, the first what others are compared with, as its first cell was served, if any."""
    defaults = {each.cell.variant: each for each in reversed(cells)}
    first, rows = next(iter(exports.values())), []
    for variant, of in exports.items():
        default = defaults.get(variant)
        cell, served = (files[default.cell.name], default.at(concurrency)) if default else (None, None)
        rows.append(variant_row(variant, of, first, cell, served))
    return rows
