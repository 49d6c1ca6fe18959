"""Write numbers for people, with digits enough to tell them apart, whatever their size."""

import math
from decimal import Decimal

# Closer than a hundredth, two ratios around 1 are the same to anybody.
_DECIMALS = 2
# A 64-bit float around 1 has no more.
_ENOUGH = 16


def amount(value: float) -> str:
    """Return a number of things, seconds or such like, as in `1,234` or `0.0567`: whole from 100, else three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def agreeing(count: float, one: str, several: str) -> str:
    """Return the words that go with so many things: as in `has` with one, `have` with several, or with none."""
    return one if count == 1 else several


def counted(count: int, one: str) -> str:
    """Return so many of a thing that is named in the singular, as in `1 window`, `1,200 windows`."""
    return f"{count:,} {agreeing(count, one, f'{one}s')}"


def decimals_beside(value: float, limit: float, decimals: int = 0) -> int:
    """Return how many decimals it takes to see that a number is not a limit beside it.

    Never fewer than given, nor than the limit is written with: 0.52 beside 0.5 is no 1.
    """
    decimals = max(decimals, -int(Decimal(f"{limit:g}").as_tuple().exponent))
    while value != limit and decimals < _ENOUGH and float(f"{value:.{decimals}f}") == float(f"{limit:.{decimals}f}"):
        decimals += 1
    return decimals


def unlike(value: float, limit: float, decimals: int = 0) -> str:
    """Return a number with so many decimals."""
    return f"{value:,.{decimals_beside(value, limit, decimals)}f}"


def beside(shown: str, value: float, limit: float) -> str:
    """Return a number as it is shown, or with so many decimals that it is not taken for a limit beside it."""
    return unlike(value, limit) if value != limit and shown == f"{limit:g}" else shown


def ends(low: float, high: float) -> str:
    """Return an interval of a ratio as in `0.88–1.03`: an end that is not 1 is not shown as 1."""
    shown = times(low), times(high, low)
    return "–".join(
        unlike(end, 1, _DECIMALS) if float(text) == 1 else text for end, text in zip((low, high), shown, strict=True)
    )


def times(ratio: float, *beside: float) -> str:
    """Return a ratio with two decimals, or with so many that it and those that stand beside it have two digits each."""
    smallest = min((abs(each) for each in (ratio, *beside) if each and math.isfinite(each)), default=1)
    return f"{ratio:.{max(_DECIMALS, 1 - math.floor(math.log10(smallest)))}f}"
