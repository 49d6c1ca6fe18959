"""The matrix as a map: instances and what else there is down, dynamic batching across."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from assay.ground.numerals import counted, times
from assay.params.cells import Cell
from assay.telling.figures.style import Picture, Theme, picture, rows_height
from assay.telling.race import RaceSummary
from assay.telling.tables import MeasuredCell

# Names of more columns are written askew.
MOST_LEVEL = 4


def heat_map(cells: Sequence[MeasuredCell], concurrency: int) -> Picture:
    """Draw each cell's throughput ratio at one concurrency as a coloured and written number."""
    values = {each.cell: each.at(concurrency).throughput_ratio.value for each in cells}
    return _map(values, {}, f"Throughput as a multiple of the anchor's at concurrency {concurrency}.")


def race_map(race: RaceSummary) -> Picture:
    """Draw each configuration's ratio to the anchor when it was measured last, and in how many rounds it was."""
    in_it = race.measured
    values = {each.cell: each.course[-1] for each in in_it}
    notes = {each.cell: counted(each.rounds, "round") for each in in_it}
    return _map(values, notes, f"{race.objective.words} as a multiple of the anchor's, better above 1.")


def _map(values_of: Mapping[Cell, float], notes: Mapping[Cell, str], what: str) -> Picture:
    """Draw a number for each cell, in colour and as it is written, and a note below it where there is one."""
    cells = list(values_of)
    variants = {cell.variant for cell in cells}
    batches = {cell.max_batch_size for cell in cells}
    threads, options = {cell.threads for cell in cells}, {cell.option for cell in cells}

    def row_of(cell: Cell) -> str:
        parts = [f"{counted(cell.instances, 'instance')}"]
        parts += [cell.variant] * (len(variants) > 1) + [f"batch ≤ {cell.max_batch_size}"] * (len(batches) > 1)
        if len(threads) > 1:
            parts.append(f"{counted(cell.threads, 'thread')} each" if cell.threads else "their share of threads")
        parts += [cell.option or "no option"] * (len(options) > 1)
        return ", ".join(parts)

    rows = list(dict.fromkeys(map(row_of, cells)))
    columns = list(dict.fromkeys(cell.dynamic_batching for cell in cells))
    values, noted = np.full((len(rows), len(columns)), np.nan), dict[tuple[int, int], str]()
    for cell, value in values_of.items():
        place = rows.index(row_of(cell)), columns.index(cell.dynamic_batching)
        values[place], noted[place] = value, notes.get(cell, "")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2

    def paint(axes: Axes, theme: Theme) -> None:
        axes.imshow(values, cmap=theme.heat, aspect="auto")
        dark_when_high = theme.heat == "Blues"
        for (row, column), note in noted.items():
            high = values[row, column] > middle
            colour = "white" if high == dark_when_high else "#1c2128"
            text = times(values[row, column]) + (f"\n{note}" if note else "")
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7 if note else 11)
        axes.set_xticks(range(len(columns)), [column.replace("_preferred", "\npreferred") for column in columns])
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel("dynamic batching")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        if len(columns) > MOST_LEVEL:
            axes.tick_params(axis="x", rotation=45)

    said = "; ".join(f"{cell.name}: {times(value)}" for cell, value in values_of.items())
    return picture(paint, height=rows_height(len(rows)) + 0.3, alt=f"{what} {said}")
