"""How many requests Triton really put into one execution."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from assay.telling.figures.style import Picture, Theme, picture, rows_height
from assay.telling.tables import MeasuredCell


def effective_batch(cells: Sequence[MeasuredCell], concurrency: int) -> Picture:
    """Draw the inferences per execution of each cell, and the line that no batch can pass."""
    names = [each.cell.name for each in cells]
    values = [each.at(concurrency).effective_batch for each in cells]

    def paint(axes: Axes, theme: Theme) -> None:
        bars = axes.barh(names, values, height=0.65, color=theme.accent)
        axes.bar_label(bars, fmt="%.2f", padding=3)
        axes.axvline(concurrency, color=theme.muted, linewidth=1, linestyle="--")
        axes.annotate("all in flight ", (concurrency, -0.55), color=theme.muted, ha="right", va="bottom", fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0, max(concurrency, *values) * 1.1)
        axes.set_xlabel("inferences per execution")
        axes.grid(visible=False, axis="y")

    said = "; ".join(f"{name}: {value:.2f}" for name, value in zip(names, values, strict=True))
    alt = f"Inferences per execution at concurrency {concurrency}. {said}"
    return picture(paint, height=rows_height(len(cells)), alt=alt)
