"""How well each class is told from the rest."""

import pandas as pd
from matplotlib.axes import Axes

from assay.telling.figures.style import Picture, Theme, picture


def roc(curves: pd.DataFrame) -> Picture:
    """Draw the receiver operating characteristic of each class; `curves` is what the training wrote to roc.csv.

    Where there are more classes than colours, the one with the smallest area is named.
    """
    areas = curves.groupby("class", sort=False)["area"].first()

    def paint(axes: Axes, theme: Theme) -> None:
        axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=1, linestyle=":")
        named = list(areas.index) if len(areas) <= len(theme.series) else [areas.idxmin()]
        colours = dict(zip(named, theme.series, strict=False))
        for name, curve in sorted(curves.groupby("class", sort=False), key=lambda item: item[0] in named):
            axes.plot(
                curve["false_positive_rate"],
                curve["true_positive_rate"],
                color=colours.get(name, theme.muted),
                linewidth=1.8 if name in named else 0.8,
                label=f"{name} ({areas[name]:.3f})" if name in named else None,
            )
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        title = "class (area below)" if len(named) == len(areas) else "smallest area below"
        axes.legend(fontsize=8, title=title, loc="lower right")

    said = ", ".join(f"{name} {area:.3f}" for name, area in areas.items())
    return picture(paint, height=2.8, alt=f"Each class against the rest on the test split; the areas below: {said}")
