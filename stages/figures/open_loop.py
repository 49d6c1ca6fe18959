"""Latency at each request rate of an open loop, and the limits on it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter

from deciding.saturation import AtRate
from figures.style import Picture, Theme, picture


def open_loop(rates: Sequence[AtRate], limits_ms: dict[int, float]) -> Picture:
    """Draw a line for each limited percentile with its 95 % intervals, and its limit; rates that fail are hollow."""

    def paint(axes: Axes, theme: Theme) -> None:
        for place, (percent, limit_ms) in enumerate(limits_ms.items(), start=1):
            colour = theme.series[place - 1]
            known = [(each, each.checks[place].found) for each in rates]
            points = [(each, found) for each, found in known if found is not None]
            axes.plot(
                [each.per_second for each, _ in points],
                [found.value for _, found in points],
                color=colour,
                linewidth=1.2,
                label=f"p{percent}",
            )
            for each, found in points:
                axes.plot([each.per_second] * 2, [found.low, found.high], color=colour, linewidth=0.8)
                fill = colour if each.answer == "meets" else "none"
                axes.plot(each.per_second, found.value, "o", color=colour, markerfacecolor=fill, markersize=4)
            axes.axhline(limit_ms, color=colour, linestyle="--", linewidth=0.8, label=f"limit of p{percent}")
        axes.set_yscale("log")
        for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            which(FormatStrFormatter("%g"))
        axes.set_xlabel("requests per second, as sent")
        axes.set_ylabel("latency, ms")
        axes.legend(loc="upper left", fontsize=8)

    said = "; ".join(
        f"{each.per_second:,.0f}/s: "
        + ", ".join(
            f"p{percent} {check.found.value:.3g}"
            for percent, check in zip(limits_ms, each.checks[1:], strict=True)
            if check.found is not None
        )
        for each in rates
    )
    return picture(paint, height=3.4, alt=f"Latency in ms at each request rate. {said}")
