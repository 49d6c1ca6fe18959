"""How many requests took longer than a limit at each rate of an open loop, and how many may."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter

from assay.deciding.slo import Check
from assay.ground.numerals import amount
from assay.saturation.sustained import AtRate
from assay.telling.figures.style import Picture, Theme, picture

# Below it, a share is drawn at the bottom: the scale has no zero.
SMALLEST_PERCENT = 0.01


def _percent(share: float) -> float:
    return max(SMALLEST_PERCENT, 100 * share)


def _latency_checks(at: AtRate) -> list[Check]:
    return [check for check in at.checks if check.of_requests]


def saturation(rates: Sequence[AtRate]) -> Picture:
    """Draw for each limit on latency the share of requests beyond it, as intervals, and what is allowed.

    Rates of which nobody knows that they meet every limit are hollow.
    """

    def paint(axes: Axes, theme: Theme) -> None:
        for place, limit in enumerate(_latency_checks(rates[0])):
            colour = theme.series[place]
            shares = [(each, _latency_checks(each)[place].found) for each in rates]
            axes.plot(
                [each.per_second for each, _ in shares],
                [_percent(found.value) for _, found in shares],
                color=colour,
                linewidth=1.2,
                label=limit.limit,
            )
            for each, found in shares:
                axes.plot(
                    [each.per_second] * 2, [_percent(found.low), _percent(found.high)], color=colour, linewidth=0.8
                )
                fill = colour if each.answer == "meets" else "none"
                axes.plot(each.per_second, _percent(found.value), "o", color=colour, markerfacecolor=fill, markersize=4)
            axes.axhline(
                _percent(limit.bound),
                color=colour,
                linestyle="--",
                linewidth=0.8,
                label="as many may be beyond it",
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.set_xlabel("requests per second, as sent")
        axes.set_ylabel("requests beyond the limit, %")
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, fontsize=8)

    said = "; ".join(
        f"{amount(each.per_second)}/s: "
        + ", ".join(
            f"{100 * check.found.low:.2g} to {100 * check.found.high:.2g} % beyond {check.limit}"
            for check in _latency_checks(each)
        )
        for each in rates
    )
    return picture(paint, height=3.4, alt=f"Share of requests beyond each limit at each request rate. {said}")
