"""Where the time of a request goes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from assay.ground.numerals import amount
from assay.telling.figures.style import Picture, Theme, picture, rows_height
from assay.telling.level import SERVER_TIMES
from assay.telling.tables import MeasuredCell

OUTSIDE = "outside the model"


def parts_ms(measured: MeasuredCell, concurrency: int) -> dict[str, float]:
    """Return the mean milliseconds of a request in each part of the server, and the rest of what the client saw."""
    level = measured.at(concurrency)
    inside = {part.replace("_", " "): level.server_us[part] / 1000 for part in SERVER_TIMES}
    return {**inside, OUTSIDE: max(0.0, level.mean_latency_us / 1000 - sum(inside.values()))}


def latency_breakdown(cells: Sequence[MeasuredCell], concurrency: int) -> Picture:
    """Draw a bar for each cell, divided into the parts of its mean latency."""
    parts = [parts_ms(each, concurrency) for each in cells]
    names = [each.cell.name for each in cells]

    def paint(axes: Axes, theme: Theme) -> None:
        left = np.zeros(len(cells))
        for part, colour in zip(parts[0], (*theme.series, theme.muted), strict=True):
            values = np.array([each[part] for each in parts])
            axes.barh(names, values, left=left, height=0.65, color=colour, label=part)
            left += values
        axes.invert_yaxis()
        axes.set_xlabel("mean time of a request, ms")
        axes.grid(visible=False, axis="y")
        # As wide as the picture: long names of cells leave the axes too narrow for it.
        axes.figure.legend(loc="outside upper center", ncols=3, fontsize=8)

    said = "; ".join(
        f"{name}: " + ", ".join(f"{part} {amount(value)}" for part, value in each.items())
        for name, each in zip(names, parts, strict=True)
    )
    alt = f"Mean milliseconds of a request at concurrency {concurrency}. {said}"
    return picture(paint, height=rows_height(len(cells)) + 0.4, alt=alt)
