"""Throughput over the matrix: instances down, dynamic batching across."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from assay.ground.numerals import counted, times
from assay.telling.figures.style import Picture, Theme, picture, rows_height
from assay.telling.tables import MeasuredCell


def heat_map(cells: Sequence[MeasuredCell], concurrency: int) -> Picture:
    """Draw each cell's throughput ratio at one concurrency as a coloured and written number."""
    variants = {each.cell.variant for each in cells}
    batches = {each.cell.max_batch_size for each in cells}

    def row_of(measured: MeasuredCell) -> str:
        cell = measured.cell
        parts = [f"{counted(cell.instances, 'instance')}"]
        parts += [cell.variant] * (len(variants) > 1) + [f"batch ≤ {cell.max_batch_size}"] * (len(batches) > 1)
        return ", ".join(parts)

    rows = list(dict.fromkeys(map(row_of, cells)))
    columns = list(dict.fromkeys(each.cell.dynamic_batching for each in cells))
    values = np.full((len(rows), len(columns)), np.nan)
    for each in cells:
        place = rows.index(row_of(each)), columns.index(each.cell.dynamic_batching)
        values[place] = each.at(concurrency).throughput_ratio.value
    middle = (np.nanmin(values) + np.nanmax(values)) / 2

    def paint(axes: Axes, theme: Theme) -> None:
        axes.imshow(values, cmap=theme.heat, aspect="auto")
        dark_when_high = theme.heat == "Blues"
        for row, column in np.ndindex(values.shape):
            high = values[row, column] > middle
            colour = "white" if high == dark_when_high else "#1c2128"
            axes.text(column, row, times(values[row, column]), ha="center", va="center", color=colour, fontsize=11)
        axes.set_xticks(range(len(columns)), [column.replace("_preferred", "\npreferred") for column in columns])
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel("dynamic batching")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    said = "; ".join(f"{each.cell.name}: {times(each.at(concurrency).throughput_ratio.value)}" for each in cells)
    alt = f"Throughput as a multiple of the anchor's at concurrency {concurrency}. {said}"
    return picture(paint, height=rows_height(len(rows)) + 0.3, alt=alt)
