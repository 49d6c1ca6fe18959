"""Ratios with their intervals, one a row, around the line of no difference."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from assay.ground.numerals import times
from assay.statistics.interval import Interval
from assay.telling.figures.style import Picture, Theme, picture, rows_height


def ratios(rows: Mapping[str, Interval], axis: str, *, accented: str | None = None) -> Picture:
    """Draw a point and a 95 % interval for each row; one of them may be accented."""

    def paint(axes: Axes, theme: Theme) -> None:
        axes.axvline(1, color=theme.muted, linewidth=1)
        for place, (name, ratio) in enumerate(rows.items()):
            colour = theme.accent if accented in (None, name) else theme.muted
            axes.plot([ratio.low, ratio.high], [place, place], color=colour, linewidth=2.5, solid_capstyle="round")
            axes.plot(ratio.value, place, "o", color=colour, markersize=7)
            axes.annotate(times(ratio.value), (ratio.value, place), (0, 7), textcoords="offset points", ha="center")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.7)
        axes.set_xlabel(axis)
        axes.grid(visible=False, axis="y")

    said = "; ".join(f"{name}: {each}" for name, each in rows.items())
    return picture(paint, height=rows_height(len(rows)), alt=f"{axis}. {said}")
