"""Numbers as a person reads them: of a model that is slow as of one that is quick."""

import pytest

from assay.ground.numerals import agreeing, amount, counted, times, unlike
from assay.statistics.interval import Interval


@pytest.mark.parametrize(
    ("value", "text"),
    [(17891.2, "17,891"), (99.96, "100"), (6.4321, "6.43"), (0.0567, "0.0567"), (0.0, "0"), (-1234.5, "-1,234")],
)
def test_an_amount_has_three_digits_at_least(value: float, text: str) -> None:
    """Six inferences a second are not six, and half a millisecond is not none."""
    assert amount(value) == text


def test_one_is_no_plural() -> None:
    """One window, however many others; none are windows, too."""
    assert [counted(count, "window") for count in (0, 1, 1200)] == ["0 windows", "1 window", "1,200 windows"]
    assert [agreeing(count, "has", "have") for count in (0, 1, 1.5, 2)] == ["have", "has", "have", "have"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Interval(1.83, 1.705, 1.954), "1.83 (1.71–1.95)"),
        (Interval(0.00214, 0.0018, 0.00256), "0.0021 (0.0018–0.0026)"),
        (Interval(0.12, 0.06, 0.24), "0.120 (0.060–0.240)"),
        (Interval(211.3, 195.2, 230.0), "211.30 (195.20–230.00)"),
        (Interval(0.93538, 0.87692, 0.99774), "0.94 (0.88–0.998)"),
        (Interval(1.05, 1.0002, 1.1), "1.05 (1.0002–1.10)"),
        (Interval(1.0, 1.0, 1.2), "1.00 (1.00–1.20)"),
    ],
)
def test_a_ratio_is_told_from_nothing(ratio: Interval, text: str) -> None:
    """A thousand times slower has a ratio and an interval, too; one that is clear of 1 is seen to be."""
    assert str(ratio) == text
    assert (times(float("nan")), times(0.0)) == ("nan", "0.00")


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (10.4, 10, "10.4"),
        (10.004, 10, "10.004"),
        (14.2, 5, "14"),
        (7.4, 7.2, "7.4"),
        (999.7, 1e3, "999.7"),
        (0.9504, 0.95, "0.9504"),
        (0.52, 0.5, "0.52"),
        (0.58, 0.5, "0.6"),
        (2.51, 2.5, "2.51"),
        (1.2e-5, 1e-5, "0.000012"),
        (5, 5, "5"),
    ],
)
def test_what_misses_a_limit_is_not_shown_as_the_limit(value: float, limit: float, text: str) -> None:
    """A percent beyond ten is not ten percent, where ten were wanted."""
    assert unlike(value, limit) == text
