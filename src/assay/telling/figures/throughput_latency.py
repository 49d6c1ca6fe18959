"""Throughput and latency of every configuration as the concurrency grows."""

from collections.abc import Mapping, Sequence
from statistics import median

from matplotlib.axes import Axes

from assay.ground.numerals import times
from assay.telling.figures.style import Picture, Theme, picture
from assay.telling.tables import MeasuredCell


def _anchor_levels(cells: Sequence[MeasuredCell]) -> dict[int, tuple[float, float]]:
    """Return the anchor's throughput and mean latency in ms at each concurrency, the median over all cells."""
    by_concurrency: dict[int, list[tuple[float, float]]] = {}
    for cell in cells:
        for level in cell.levels:
            measured = (level.anchor_throughput, level.anchor_latency_us / 1000)
            by_concurrency.setdefault(level.concurrency, []).append(measured)
    return {
        concurrency: (median(pair[0] for pair in pairs), median(pair[1] for pair in pairs))
        for concurrency, pairs in by_concurrency.items()
    }


def throughput_latency(cells: Sequence[MeasuredCell], accented: Sequence[str]) -> Picture:
    """Draw a line for each cell through its levels, with 95 % intervals; those not accented stay grey.

    Cells were measured one after the other, so what is drawn is each one's ratio to the
    anchor, times what the anchor did over all of them.
    """
    anchor = _anchor_levels(cells)

    def paint(axes: Axes, theme: Theme) -> None:
        colours: Mapping[str, str] = dict(zip(accented, theme.series, strict=False))
        for cell in sorted(cells, key=lambda each: each.cell.name in colours):
            colour = colours.get(cell.cell.name, theme.muted)
            points = [
                (
                    level.concurrency,
                    level.throughput_ratio.scaled(anchor[level.concurrency][0]),
                    level.latency_ratio.scaled(anchor[level.concurrency][1]),
                )
                for level in cell.levels
            ]
            faint = cell.cell.name not in colours
            x, y = [each[1].value for each in points], [each[2].value for each in points]
            label = None if faint else cell.cell.name
            axes.plot(x, y, "o-", color=colour, markersize=4, linewidth=1.2, alpha=0.45 if faint else 1, label=label)
            if not faint:
                for _, across, up in points:
                    axes.plot([across.low, across.high], [up.value] * 2, color=colour, linewidth=0.8)
                    axes.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=0.8)
        busiest = max(cells, key=lambda each: each.cell.name in colours)
        for level in busiest.levels:
            place = (
                level.throughput_ratio.value * anchor[level.concurrency][0],
                level.latency_ratio.value * anchor[level.concurrency][1],
            )
            axes.annotate(f" {level.concurrency}", place, color=theme.muted, va="bottom")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("throughput, inferences per second")
        axes.set_ylabel("mean latency, ms")
        if accented:
            axes.legend(loc="upper left", fontsize=8)

    said = "; ".join(
        f"{cell.cell.name} at concurrency {level.concurrency}: "
        f"{times(level.throughput_ratio.value)} times the anchor's throughput, "
        f"{times(level.latency_ratio.value)} times its latency"
        for cell in cells
        if cell.cell.name in accented
        for level in cell.levels
    )
    return picture(paint, height=3.9, alt=f"Mean latency against throughput. {said}")
