"""What a request costs in each shape that was asked: a figure without its shape says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.params.made_inputs import shape_in_words
from assay.telling.level import LevelSummary
from assay.telling.results import Results
from assay.telling.tables import MeasuredCell


@dataclass(frozen=True)
class ShapeRow:
    """A configuration asked in one shape, at the concurrency that decides; `single_us` as of a variant's row."""

    configuration: str
    shape: str
    single_us: Mapping[str, float] | None
    level: LevelSummary


def shape_rows(every: Sequence[MeasuredCell], results: Results, concurrency: int) -> list[ShapeRow]:
    """Return a row for each configuration and shape, the configuration's own shape first; none without others."""
    if not any(each.cell.shape for each in every):
        return []
    order = {cell.cell.configuration: place for place, cell in reversed(list(enumerate(every)))}
    return [
        ShapeRow(
            each.cell.configuration,
            shape_in_words(each.cell.shape) if each.cell.shape else "as told",
            results.cells[each.cell.name]["single_alone_us"],
            each.at(concurrency),
        )
        for each in sorted(every, key=lambda each: order[each.cell.configuration])
    ]
