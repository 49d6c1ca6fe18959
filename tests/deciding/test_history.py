"""Verdicts of other servers and of other hours: which are compared, and what they say."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from runoffs import DEFAULT, EXPORT, cell, verdict

from assay.deciding.another_hour import an_hour_apart, another_hour, another_hour_in_words
from assay.deciding.history import basis, of_the_same, question, record, remembering
from assay.deciding.transfer import comparable, transfer_in_words
from assay.statistics.prediction import Spread
from assay.statistics.prediction import another as predicted
from assay.validation.schema import validate


def kept(server: str, recommended: str | None, equals: list[str], **ratios: float) -> dict[str, Any]:
    """Return a kept verdict: each finalist's ratio to the default, with an interval of ten percent."""
    finalists_ = [
        {"cell": name, "against_default": {"ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}}
        for name, ratio in ratios.items()
    ]
    default = {"cell": "default", "against_default": None}
    verdict_ = {"recommended": recommended, "equals": equals, "finalists": [default, *finalists_]}
    return {"server": server, "backend": "0123", "basis": {"cells": ["default", "a", "b"]}, "verdict": verdict_}


@pytest.mark.parametrize(
    ("here", "sentence"),
    [
        (
            kept("local", "b", ["b", "a"], a=1.2, b=1.3),
            "On this machine the embedded server recommended `a`. That **held**: here, too, nothing is surely better; "
            "against the default, better above 1: 2.00 (1.80–2.20) on embedded and 1.20 (1.08–1.32) on local.",
        ),
        (kept("local", "b", ["b"], a=1.2, b=1.9), "did not hold**: here another is surely better"),
        (kept("local", "b", ["b"], b=1.9), "did not hold**: here it was not among the finalists."),
    ],
)
def test_a_verdict_is_compared_with_another_servers(here: dict[str, Any], sentence: str) -> None:
    """What the embedded server recommended holds where nothing is surely better than it, and only there."""
    assert sentence in transfer_in_words(here, kept("embedded", "a", ["a"], a=2.0, b=1.5))


def test_a_default_that_stays_the_default_holds_without_sizes() -> None:
    """Where the default configuration is the answer on both, there is no ratio to compare."""
    said = transfer_in_words(kept("url", "default", ["default"]), kept("embedded", "default", ["default"]))
    assert said.endswith("nothing is surely better.")


def test_no_recommendation_is_nothing_to_compare_with() -> None:
    """A server on which no configuration met its limits says nothing about another."""
    said = transfer_in_words(kept("url", "a", ["a"], a=1.5), kept("embedded", None, []))
    assert said == "On this machine the embedded server gave no recommendation to compare with."


def test_one_configuration_proves_nothing_of_another_server() -> None:
    """What is recommended because there is nothing else neither holds nor fails elsewhere."""
    alone = {**kept("local", "default", ["default"]), "basis": {"cells": ["default"]}}
    said = transfer_in_words(alone, {**alone, "server": "embedded"})
    assert said.endswith("measured the same configuration: with only one, no recommendation can fail.")


def test_only_verdicts_on_the_same_basis_are_compared() -> None:
    """Another machine, matrix or model is another question; and a server is not compared with itself."""
    ours, same = kept("local", "a", ["a"], a=1.5), kept("embedded", "a", ["a"], a=2.0)
    elsewhere = {**kept("docker", "a", ["a"], a=2.0), "basis": {"cells": ["default", "a"]}}
    assert comparable(ours, [ours, same, elsewhere]) == [same]


MACHINE: Any = {
    "processor": "A processor",
    "usable_cores": 2,
    "server": {"backend": "0123", "onnxruntime": "1.0"},
}


def ours(content: dict[str, Any], measured_at: str, ratio: float = 1.5, **export: Any) -> dict[str, Any]:
    against = {"ratio": ratio, "low": 0.95 * ratio, "high": 1.05 * ratio}
    found = {
        "recommended": "b",
        "finalists": [{"cell": "a", "against_default": None}, {"cell": "b", "against_default": against}],
    }
    params, exports = validate(content), {"fp32": {"classifier": {**EXPORT, "sha256": "0" * 64, **export}}}
    asked = question(params.cells, params.perf, params.model_dump(include={"load", "finalists", "runoff"}))
    rests_on = basis(params.triton, params.load.client_cores, MACHINE, exports, asked)
    return record(params.triton.server, MACHINE["server"], rests_on, found, measured_at)


@pytest.mark.parametrize(
    "change",
    [
        {"load": {"client_cores": 1}},
        {"perf": {"window_ms": 100}},
        {"runoff": {"starts": 9, "rounds": 4}},
        {"finalists": {"at_most": 3}},
        {"perf": {"slo": {"p95_ms": 3.0, "p99_ms": None, "accuracy": None}}},
    ],
)
def test_what_a_verdict_depends_on_makes_another_basis(content: dict[str, Any], change: dict[str, Any]) -> None:
    """Cores, windows, the run-off's length, limits: verdicts on other ones are not compared."""
    before = ours(content, "2026-01-01T08:00:00+00:00")
    for section, values in change.items():
        content[section].update(values)
    after = ours(content, "2026-01-01T08:00:00+00:00")
    assert comparable(after, [{**before, "server": "local"}]) == []
    assert len(of_the_same(remembering(after, before))) == 1


def test_a_model_is_the_same_whatever_else_is_written_of_it(content: dict[str, Any]) -> None:
    """What a later version measures of an export forgets no verdict; another file, or another accuracy, is another."""
    before = ours(content, "2026-01-01T08:00:00+00:00")
    for export, known in (({"batch": {"safe": False}}, 2), ({"sha256": "1" * 64}, 1), ({"test_correct": 1}, 1)):
        after = ours(content, "2026-01-01T11:00:00+00:00", **export)
        assert len(of_the_same(remembering(after, before))) == known


def test_a_server_elsewhere_is_not_compared_with_one_here(content: dict[str, Any]) -> None:
    """An address of this machine's own is here; any other may be any machine."""
    embedded = ours(content, "2026-01-01T08:00:00+00:00")
    content["triton"]["server"] = "url"
    assert comparable(ours(content, "2026-01-01T09:00:00+00:00"), [embedded]) == [embedded]
    content["triton"]["url"]["http"] = "10.0.0.7:8000"
    assert comparable(ours(content, "2026-01-01T09:00:00+00:00"), [embedded]) == []
    content["triton"]["url"].update(http="127.0.0.1:8000", cores=1)
    assert comparable(ours(content, "2026-01-01T09:00:00+00:00"), [embedded]) == []


def test_earlier_verdicts_are_kept_and_a_report_written_again_adds_none(content: dict[str, Any]) -> None:
    """Each run-off is one entry, the newest first, whatever else was asked in between."""
    first, second = ours(content, "2026-01-01T08:00:00+00:00", 1.4), ours(content, "2026-01-01T11:00:00+00:00", 1.6)
    content["perf"]["objective"] = "p95_latency"
    other = ours(content, "2026-01-01T10:00:00+00:00")
    known = remembering(second, remembering(other, remembering(first, None)))
    again = remembering(second, known)
    assert again["earlier"] == known["earlier"]
    # Brought back from DVC's cache, as often as its question is asked again.
    for _time in range(3):
        again = remembering(second, remembering(other, again))
    assert [each["measured_at"][11:13] for each in again["earlier"]] == ["08", "10"]
    found = of_the_same(again)
    assert [each["measured_at"][11:13] for each in found] == ["11", "08"]
    assert [each["against_default"]["b"]["ratio"] for each in found] == [1.6, 1.4]


def test_verdicts_within_an_hour_count_once() -> None:
    """Ten run-offs in a row do not tell what another hour gives; those that count are really an hour apart."""
    minutes = [0, 20, 40, 61, 200, 259, 261]
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=each) for each in minutes]
    assert an_hour_apart(times) == [6, 4, 3, 0]
    assert an_hour_apart([]) == []


def seen_at(time: str, ratio: float, low: float | None = None, high: float | None = None) -> Any:
    """Return an earlier verdict; its interval is of 2 % where none is said."""
    interval = {"ratio": ratio, "low": low or ratio / 1.02, "high": high or ratio * 1.02}
    return {"measured_at": time, "against_default": {"fp32-2-64-off": interval}}


STUDY = {"deviation": 0.08, "freedom": 8, "visits": 9, "hours": 20.4, "processor": "A processor"}


def test_another_hour_is_less_sure_than_these_minutes(content: dict[str, Any]) -> None:
    """With no earlier verdict, what hours differed by elsewhere is added, twice: this hour's and the other's."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    now = found.recommended.against_default if found.recommended else None
    assert now
    seen = [seen_at("2026-01-01T08:00:00+00:00", now.value, now.low, now.high)]
    expected = another_hour(found, seen, STUDY)
    assert expected
    assert expected.ratio.value == pytest.approx(now.value)
    own = np.log(now.high / now.low) / 2 / 2.570582
    assert np.log(expected.ratio.high / now.value) == pytest.approx(
        2.570582 * np.sqrt(2) * np.hypot(0.08, own), rel=1e-3
    )
    said = another_hour_in_words(found, expected, STUDY)
    assert (
        "throughput differed by 8.3 % (standard deviation) between hours where that was studied, "
        "9 visits in 20 hours on A processor" in said
    )
    assert "throughput differed no more between hours where" in another_hour_in_words(
        found, expected, {**STUDY, "deviation": 0.0}
    )


def test_hours_were_studied_of_throughput_alone(content: dict[str, Any]) -> None:
    """Of anything else nothing is expected before there are verdicts enough of one's own."""
    content["perf"]["objective"] = "p95_latency"
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    seen = [seen_at(f"2026-01-01T{hour}:00:00+00:00", 1.5) for hour in ("08", "10", "12", "14")]
    assert another_hour(found, seen[:3], STUDY) is None
    assert another_hour(found, seen, STUDY)


@pytest.mark.parametrize("starts", [3, 4, 12])
def test_another_hour_is_never_surer_than_this_one(content: dict[str, Any], starts: int) -> None:
    """Of few starts the error is hardly known, however well the hours were studied that did not differ."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0}, starts=starts)
    now = found.recommended.against_default if found.recommended else None
    assert now
    seen = [seen_at("2026-01-01T08:00:00+00:00", now.value, now.low, now.high)]
    expected = another_hour(found, seen, {**STUDY, "deviation": 0.0, "freedom": 7})
    assert expected
    assert expected.ratio.high / now.value >= (now.high / now.value) ** np.sqrt(2) * 0.999


def test_enough_earlier_verdicts_speak_for_themselves(content: dict[str, Any]) -> None:
    """Four hours on this machine say how much it varies; one of many minutes ago is no other hour."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    seen = [
        seen_at(f"2026-01-01T{hour}:00+00:00", ratio)
        for hour, ratio in (("11:00", 1.5), ("10:30", 1.9), ("09:00", 1.6), ("07:00", 1.5), ("05:00", 1.4))
    ]
    expected = another_hour(found, seen, STUDY)
    assert expected
    assert (expected.hours, expected.studied) == (4, False)
    logs = np.log([1.5, 1.6, 1.5, 1.4])
    half = 3.182446 * logs.std(ddof=1) * np.sqrt(1.25)
    assert np.log([expected.ratio.low, expected.ratio.high]) == pytest.approx([logs.mean() - half, logs.mean() + half])
    assert "(from 4 verdicts here, an hour apart at least)" in another_hour_in_words(found, expected, STUDY)


@pytest.mark.parametrize("an_hour", [1, 2, 4])
def test_who_measures_often_is_no_surer_than_is_right(content: dict[str, Any], an_hour: int) -> None:
    """Four hours with so many verdicts each that vary by 3 %: the next one is where it is expected in 95 % of cases."""
    found, chance = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0}), np.random.default_rng(0)
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=60 * each / an_hour) for each in range(4 * an_hour)]
    held = []
    for _ in range(4000):
        *ratios, another = np.exp(chance.normal(math.log(1.5), 0.03, len(times) + 1)).tolist()
        seen = [seen_at(time.isoformat(), ratio) for time, ratio in zip(times, ratios, strict=True)]
        expected = another_hour(found, seen, STUDY)
        assert expected
        assert not expected.studied
        held.append(expected.ratio.low <= another <= expected.ratio.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_an_earlier_verdict_that_was_unsure_says_little(content: dict[str, Any]) -> None:
    """What was just measured is where it is expected, whatever a few noisy starts said before."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1600.0})
    seen = [
        seen_at("2026-01-01T10:00:00+00:00", 1.6, 1.57, 1.64),
        seen_at("2026-01-01T08:00:00+00:00", 1.2, 0.98, 1.46),
    ]
    expected = another_hour(found, seen, {**STUDY, "deviation": 0.0})
    assert expected
    assert expected.ratio.low < 1.2
    assert expected.ratio.high > 1.6
    assert expected.ratio.value == pytest.approx(1.59, abs=0.01)


@pytest.mark.parametrize("errors", [(0.02, 0.02), (0.03, 0.01), (0.09, 0.01), (0.09, 0.09, 0.01)])
def test_another_verdict_is_where_it_is_expected_from_unequal_ones(errors: tuple[float, ...]) -> None:
    """In 95 % of cases at least, and the present one, which comes last, always is."""
    chance, of = np.random.default_rng(0), np.array(errors)
    held = []
    for _ in range(2000):
        values = chance.normal(0, of)
        known = of * np.sqrt(chance.chisquare(11, len(of)) / 11)
        expected = predicted(values.tolist(), known.tolist(), Spread(0.0, 7))
        assert expected.low <= values[-1] <= expected.high
        held.append(expected.low <= chance.normal(0, errors[-1]) <= expected.high)
    assert np.mean(held) > 0.94


def test_nothing_is_expected_of_the_default(content: dict[str, Any]) -> None:
    """Where the default configuration is recommended, there is no advantage that another hour could change."""
    assert another_hour(verdict(content, {DEFAULT: 1000.0, cell("off", 2): 900.0}), [], STUDY) is None
