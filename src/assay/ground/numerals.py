"""Write numbers for people, with digits enough to tell them apart, whatever their size."""

import math

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


def unlike(value: float, limit: float, decimals: int = 0) -> str:
    """Return a number with decimals enough, and no fewer than given, to see that it is not a limit beside it."""
    while value != limit and decimals < _ENOUGH and f"{value:.{decimals}f}" == f"{limit:.{decimals}f}":
        decimals += 1
    return f"{value:,.{decimals}f}"


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
