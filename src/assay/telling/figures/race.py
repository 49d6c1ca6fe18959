"""The race: every configuration a line that ends where it left."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from assay.ground.numerals import times
from assay.telling.figures.style import Picture, Theme, picture
from assay.telling.race import Racer, RaceSummary

HEIGHT = 3.6


def race(summary: RaceSummary, finalists: Sequence[str]) -> Picture:
    """Draw each configuration's ratio to the anchor after each round, the finalists' in colour."""
    in_it = summary.measured

    def is_finalist(racer: Racer) -> bool:
        return racer.cell.name in finalists

    def paint(axes: Axes, theme: Theme) -> None:
        colours = iter(theme.series)
        for each in sorted(in_it, key=is_finalist):
            chosen = is_finalist(each)
            colour = next(colours, theme.accent) if chosen else theme.muted
            rounds = range(1, each.rounds + 1)
            axes.plot(rounds, each.course, color=colour, linewidth=2 if chosen else 0.8, alpha=1 if chosen else 0.6)
            axes.plot(
                each.rounds,
                each.course[-1],
                "o" if chosen else "x",
                color=colour,
                markersize=5 if chosen else 3,
                label=each.cell.name if chosen else None,
            )
        axes.set_xlabel("rounds")
        axes.set_ylabel(f"{summary.objective.words}, × the anchor, better above 1")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="best", fontsize=8)

    said = "; ".join(f"{each.cell.name}: {times(each.course[-1])} after {each.rounds}" for each in in_it)
    return picture(
        paint, height=HEIGHT, alt=f"Ratio to the anchor by the round in which each was measured last. {said}"
    )
