"""What all figures share: size, colours for light and dark pages, and how they get into a page."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Inches; a page shows one figure a column, and a telephone one column: text stays readable there.
WIDTH = 5.2


@dataclass(frozen=True)
class Theme:
    """The colours of one kind of page. `series` are told apart by people who see few colours (Okabe and Ito 2008)."""

    ink: str
    muted: str
    grid: str
    accent: str
    series: tuple[str, ...]
    heat: str  # a colour map of Matplotlib's


LIGHT = Theme(
    ink="#1c2128",
    muted="#6a737d",
    grid="#e1e4e8",
    accent="#0072b2",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
    heat="Blues",
)
DARK = Theme(
    ink="#e6e8eb",
    muted="#9aa3ad",
    grid="#3a4048",
    accent="#56b4e9",
    series=("#56b4e9", "#e69f00", "#4cc9a0", "#e3a1c8"),
    heat="Blues_r",
)


@dataclass(frozen=True)
class Picture:
    """A figure as two data URIs, and in words for who cannot see it."""

    light: str
    dark: str
    alt: str


Paint = Callable[[Axes, Theme], None]


def picture(paint: Paint, *, height: float, alt: str) -> Picture:
    """Return what `paint` draws on one pair of axes, `height` inches high, in both themes."""
    light, dark = (_data_uri(paint, height, theme) for theme in (LIGHT, DARK))
    return Picture(light, dark, alt)


def _settings(theme: Theme) -> Any:
    return {
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.muted,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.grid,
        "grid.linewidth": 0.7,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "legend.frameon": False,
        # Text stays text: a tenth of the bytes of drawn letters.
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
        # The same rounds give the same bytes: names inside the file come from its content alone.
        "svg.hashsalt": "figures",
    }


def _data_uri(paint: Paint, height: float, theme: Theme) -> str:
    with mpl.rc_context():
        # Not as a file of the user's has it.
        mpl.rcdefaults()
        mpl.rcParams.update(_settings(theme))
        figure = Figure(figsize=(WIDTH, height), facecolor="none")
        paint(figure.add_subplot(), theme)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode()


def rows_height(rows: int) -> float:
    """Return a height in inches that gives each of so many rows its place."""
    return 1.0 + 0.32 * rows
