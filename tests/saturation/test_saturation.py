"""Open loop: from windows at several request rates to what is sustained, in words."""

from typing import Any

import numpy as np
import pytest
from measured import window
from scipy.stats import norm

from assay.ground.process import StageError
from assay.load.columns import DELAYED
from assay.load.single_requests import histogram
from assay.params.perf import Slo
from assay.saturation.rates import Arrivals, first_look, lowest_too_high, window_ms
from assay.saturation.sustained import Saturation, at_rate, saturation, saturation_in_words
from assay.telling.figures.saturation import saturation as saturation_figure
from assay.telling.recommendation import rates_in_words
from assay.validation.schema import validate

SLO = Slo(p95_ms=None, p99_ms=10, accuracy=None)


def windows(
    per_second: float, p99_ms: float, *, answered: float = 1.0, spread: float = 0.05, late: bool = False
) -> list[Any]:
    """Return a dozen windows at a rate, their percentile around a value."""
    random = np.random.default_rng(int(per_second))
    # The latencies of a window's requests, as multiples of their 99th percentile.
    shape = np.exp(0.35 * (norm.ppf((np.arange(1200) + 0.5) / 1200) - norm.ppf(0.99)))
    found = []
    for factor in np.exp(random.normal(0, spread, 12)):
        each = window(answered * per_second, requests=1200)
        each["perf_analyzer"]["p99 latency"] = 1000 * p99_ms * factor
        each["latency_bins"] = histogram((1000 * p99_ms * factor * shape).tolist())
        each["perf_analyzer"] |= {DELAYED: 12.5} if late else {}
        found.append(each)
    return found


def found(latencies: dict[float, float], **settings: Any) -> Saturation:
    return saturation([at_rate(rate, windows(rate, p99_ms, **settings), SLO) for rate, p99_ms in latencies.items()], {})


ARRIVALS = Arrivals("poisson", SLO, 50)


def test_the_highest_rate_that_surely_meets_the_limit_is_sustained() -> None:
    """Rates above it fail or leave a doubt, and the sentence says which."""
    result = found({1000: 4, 2900: 8, 3100: 10, 3300: 20})
    assert [each.answer for each in result.rates] == ["meets", "meets", "cannot tell", "fails"]
    assert saturation_in_words(result, "poisson") == (
        "In an open loop (poisson arrivals) it sustains 2,900 requests/s at p99 latency ≤ 10 ms; cannot tell at 3,100; "
        "3,300 are too many."
    )


def test_a_rate_above_one_that_fails_does_not_count() -> None:
    """A lucky rate beyond a failure is no proof of what is sustained; a doubt below one that meets is settled by it."""
    lucky = found({1000: 4, 2000: 20, 3000: 5, 4000: 30})
    assert lucky.sustained is not None
    assert lucky.sustained.per_second == 1000
    settled = found({1000: 4, 2000: 10, 3000: 5, 4000: 30})
    assert settled.sustained is not None
    assert (settled.sustained.per_second, settled.doubtful) == (3000, [])


def test_requests_that_are_not_answered_fail_a_rate_however_fast_the_others_are() -> None:
    """Nine tenths of the requests answered is a queue that grows."""
    result = found({1000: 4}, answered=0.9)
    assert [check.answer for check in result.rates[0].checks] == ["fails", "meets"]
    assert result.sustained is None
    assert "was not shown to sustain 1,000 requests/s, the lowest rate compared" in saturation_in_words(
        result, "constant"
    )


def test_an_end_that_was_not_reached_is_said() -> None:
    """Where every rate meets the limit, more might, too; what first looks said of higher ones is not forgotten."""
    rates = [at_rate(rate, windows(rate, 4), SLO) for rate in (1000, 2000)]
    said = "In an open loop (poisson arrivals) it sustains at least 2,000 requests/s at p99 latency ≤ 10 ms; no rate "
    said += "that was compared was too high"
    assert saturation_in_words(saturation(rates, {"1500": "may do"}), "poisson") == f"{said}."
    # A look that a longer one did not confirm is why nothing higher was compared.
    assert saturation_in_words(saturation(rates, {"1500": "not sent in time"}), "poisson") == (
        f"{said}; on a first look 1,500 were not sent in time, and none above 2,000 was tried."
    )
    looks = {"4000": "not sent in time", "3200": "not sent in time", "2500": "too many", "1900": "may do"}
    assert saturation_in_words(saturation(rates, looks), "poisson") == (
        f"{said}; on a first look 3,200–4,000 were not sent in time and 2,500 were too many, and none above 4,000 was "
        "tried."
    )


def test_a_rate_that_could_not_be_sent_is_not_held_against_the_configuration() -> None:
    """Neither too few answers to requests that were sent late, nor what they took in their bursts."""
    at_3000, at_4000 = (
        at_rate(rate, windows(rate, p99_ms, answered=0.8, late=True), SLO) for rate, p99_ms in ((3000, 4), (4000, 30))
    )
    assert [at_3000.answer, at_4000.answer] == ["cannot tell", "cannot tell"]
    result = saturation([at_rate(1000, windows(1000, 4), SLO), at_3000], {})
    assert saturation_in_words(result, "poisson").endswith(
        "it sustains at least 1,000 requests/s at p99 latency ≤ 10 ms; "
        "perf_analyzer could not send 3,000 in time, so that more may be possible."
    )


def test_only_what_lies_below_a_failure_may_be_sustained() -> None:
    """Beyond a rate that was sent and fails, no doubt and no late rate makes more possible."""
    sent = [at_rate(rate, windows(rate, p99_ms), SLO) for rate, p99_ms in ((1000, 4), (1060, 20), (1180, 10))]
    late = at_rate(1120, windows(1120, 20, late=True), SLO)
    assert saturation_in_words(saturation([*sent, late], {}), "constant") == (
        "In an open loop (constant arrivals) it sustains 1,000 requests/s at p99 latency ≤ 10 ms; 1,060 are too many."
    )
    between = at_rate(1030, windows(1030, 20, late=True), SLO)
    assert saturation_in_words(saturation([*sent, between], {}), "constant").endswith(
        "it sustains at least 1,000 requests/s at p99 latency ≤ 10 ms; perf_analyzer could not send 1,030 in time, so "
        "that more may be possible; 1,060 are too many."
    )


def test_a_rate_below_the_sustained_one_is_settled_by_it() -> None:
    """That the load generator was late once, at less than what is sustained, is no end of anything."""
    late = at_rate(1000, windows(1000, 4, late=True), SLO)
    result = saturation([late, at_rate(2000, windows(2000, 4), SLO)], {})
    assert saturation_in_words(result, "poisson").endswith(
        "it sustains at least 2,000 requests/s at p99 latency ≤ 10 ms; no rate that was compared was too high."
    )


def test_short_windows_are_judged_together() -> None:
    """A dozen windows of a hundred requests each say what a single one cannot."""
    short: list[Any] = [
        {**window(1000, requests=100), "latency_bins": {"900": 100 - slow, "1000": slow}} for slow in [0] * 11 + [1]
    ]
    assert at_rate(1000, short, SLO).answer == "meets"
    slow: Any = {**short[0], "latency_bins": {"900": 90, "1000": 10}}
    assert at_rate(1000, [*short[:6], *[slow] * 6], SLO).answer == "fails"


def test_windows_are_as_long_as_the_percentile_needs() -> None:
    """1,300 requests for a p99, in the 3.6 intervals that a window takes; never shorter than asked for."""
    assert window_ms(ARRIVALS, 1000) == 362
    assert window_ms(ARRIVALS, 1_000_000) == 50


@pytest.mark.parametrize(
    ("p99_ms", "answered", "late", "says"),
    [
        (14, 1.0, False, "may do"),
        (16, 1.0, False, "too many"),
        (5, 0.96, False, "may do"),
        (5, 0.94, False, "too many"),
        (5, 1, True, "not sent in time"),
    ],
)
def test_what_is_clearly_too_much(p99_ms: float, answered: float, late: bool, says: str) -> None:
    """Half as much again as the limit, a twentieth unanswered, or sent late; a little beyond may be noise."""
    tried = windows(1000, p99_ms, answered=answered, spread=0, late=late)[:2]
    assert first_look(1000, tried, SLO) == says


@pytest.mark.parametrize(("limit", "found"), [(1000, 1221), (150, 164), (1, 43), (9000, 1526)])
def test_the_search_goes_up_or_down_to_where_rates_become_too_high(limit: float, found: float) -> None:
    """From two fifths of what the closed loop gave, in steps of a quarter, and not for ever."""
    tried: list[float] = []

    def too_high(rate: float) -> bool:
        tried.append(rate)
        return rate > limit

    assert lowest_too_high(1000, too_high) == pytest.approx(found, rel=0.01)
    assert len(tried) == len(set(tried)) < 12


def test_a_report_says_why_no_rate_was_looked_for(content: dict[str, Any]) -> None:
    """With nothing recommended there is nothing to send requests to; unasked, nothing is said."""
    content["perf"]["slo"]["p99_ms"] = 10.0
    assert rates_in_words(validate(content).saturation.distribution, None) == []
    content["saturation"]["distribution"] = "poisson"
    (said,) = rates_in_words(validate(content).saturation.distribution, None)
    assert said.startswith("No request rate was looked for")


def test_an_open_loop_without_a_limit_is_refused(content: dict[str, Any]) -> None:
    """There is no highest rate without something that it must meet."""
    content["saturation"]["distribution"] = "poisson"
    with pytest.raises(StageError, match=r"saturation: the highest rate is .*; set perf\.slo\.p95_ms or p99_ms"):
        validate(content)


def test_the_picture_tells_its_numbers() -> None:
    """Who cannot see it reads each rate and how many requests were too slow."""
    alt = saturation_figure(found({1000: 4, 2000: 20}, spread=0).rates).alt
    assert alt == (
        "Share of requests beyond each limit at each request rate. 1,000/s: 0 to 0.027 % beyond p99 latency ≤ 10 ms; "
        "2,000/s: 35 to 38 % beyond p99 latency ≤ 10 ms"
    )
