"""The race: who leaves when, by the rounds alone; groups that a server holds; what falls out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import window

from assay.deciding.objective import OBJECTIVES
from assay.ground.process import StageError
from assay.measuring.bench import Candidate
from assay.params.cells import Cell
from assay.params.perf import Slo
from assay.racing.brackets import MOST_INSTANCES, brackets
from assay.racing.limits import entrants, judge_of
from assay.racing.memory import INSTANCE_BYTES, probes, server_bytes
from assay.racing.race import run_heats
from assay.racing.reasons import failed_in_words
from assay.racing.schedule import Rung, ends, next_rung, rungs, windows
from assay.racing.standing import Judgement, compared, contenders, noise_of, ranked, standing

SCORE = OBJECTIVES["throughput"].score
NAMES = [f"c{place:02}" for place in range(16)]
SPEEDS = {name: 1000.0 * 1.05**place for place, name in enumerate(NAMES)}  # the last is the best, the first the default


def nobody(_name: str, _windows: Any) -> Judgement:
    """Miss no limit."""
    return Judgement()


def round_of(names: Sequence[str], noise: float = 0.0, seed: int = 0, **more: Any) -> Any:
    """Return a round: what it does to all is 10 %."""
    chance = np.random.default_rng(seed)
    common = float(np.exp(0.1 * chance.normal()))
    windows_ = {
        name: window(common * SPEEDS.get(name, 1000.0) * float(np.exp(noise * chance.normal())))
        for name in ("anchor", *names)
    }
    return {"start": 1, "windows": windows_, **more}


def heat(rounds: Sequence[Any] = (), survivors: int = 4, **fell_out: str) -> Any:
    return {"entrants": NAMES, "survivors": survivors, "rounds": list(rounds), "fell_out": fell_out}


def raced(noise: float = 0.0, survivors: int = 4) -> Any:
    """Return a heat that was run to its end."""
    found = heat(survivors=survivors)
    while (now := standing(found, SCORE, nobody)).wanted is not None:
        found["rounds"].append(round_of(now.left, noise, seed=len(found["rounds"])))
    return found


def test_every_rung_keeps_the_better_half() -> None:
    """64 take 1, 2, 4 and 8 rounds; where no more enter than are to survive there is none."""
    assert list(rungs(64, 4)) == [Rung(64, 1, 32), Rung(32, 2, 16), Rung(16, 4, 8), Rung(8, 8, 4)]
    assert list(ends(64, 4)) == [1, 3, 7, 15]
    assert windows(64, 4) == 65 * 1 + 33 * 2 + 17 * 4 + 9 * 8
    assert next_rung(4, 4) is None
    assert list(rungs(5, 4)) == [Rung(5, 8, 4)]
    assert next(rungs(500, 4)) == Rung(500, 1, 250)
    for entrants_ in range(5, 500):
        assert [*rungs(entrants_, 4)][-1].kept == 4


def test_the_best_stay_and_the_default_configuration_with_them() -> None:
    """However slow it is; who left is known by the round, and by how far it was behind the best of that moment."""
    found = raced()
    now = standing(found, SCORE, nobody)
    assert now.left == ("c00", "c15", "c14", "c13")
    assert len(found["rounds"]) == 12
    by_name = {each.name: each for each in now.departures}
    assert set(by_name) == set(NAMES) - set(now.left)
    assert by_name["c01"].rounds == 4
    assert by_name["c01"].against_best is not None
    assert by_name["c01"].against_best.value == pytest.approx(1.05**-14)
    assert by_name["c12"].rounds == 12
    assert contenders(found, SCORE, nobody) == ["c00", "c15"]  # without noise, nobody else may be the best


def test_a_race_goes_on_from_its_rounds() -> None:
    """What is left, and what is wanted, is a function of them."""
    found = raced(noise=0.15)
    for count in range(len(found["rounds"])):
        part: Any = {**found, "rounds": found["rounds"][:count]}
        now = standing(part, SCORE, nobody)
        assert now.wanted is not None
        assert now.wanted > count
        assert set(now.left) == set(found["rounds"][count]["windows"]) - {"anchor"}
    assert standing(found, SCORE, nobody).wanted is None


def test_what_falls_out_leaves_with_its_reason_and_the_others_go_on() -> None:
    """Before the first round, in the middle, or at the end; the default configuration is for others to raise about."""
    found = heat(c15="the server refused it")
    now = standing(found, SCORE, nobody)
    assert "c15" not in now.left
    assert now.departures[0].failed == "the server refused it"
    assert now.departures[0].rounds == 0
    left = list(now.left)
    rounds = [round_of(left, fell_out={"c15": "the server refused it"}), *(round_of(left) for _ in range(3))]
    now = standing(heat(rounds, c14="it died"), SCORE, nobody)
    by_name = {each.name: each for each in now.departures}
    assert (by_name["c14"].failed, by_name["c14"].rounds) == ("it died", 4)
    assert by_name["c15"].rounds == 0
    assert now.left[:2] == ("c00", "c13")
    end = raced()
    end["fell_out"] = {"c15": "it died at last"}
    now = standing(end, SCORE, nobody)
    assert now.left == ("c00", "c14", "c13")
    assert now.departures[-1].failed == "it died at last"


def test_who_misses_a_limit_leaves_and_is_not_the_best() -> None:
    """Others are compared with the best of those that may be recommended."""

    def fastest_miss(name: str, _windows: Any) -> Judgement:
        return Judgement("misses p95 latency ≤ 1 ms", sure=False) if name >= "c08" else Judgement()

    rounds = [round_of(NAMES) for _ in range(4)]
    now = standing(heat(rounds), SCORE, fastest_miss)
    assert set(now.left) <= {"c00", *NAMES[1:8]}
    by_name = {each.name: each for each in now.departures}
    assert by_name["c15"].missed == "misses p95 latency ≤ 1 ms"
    assert by_name["c15"].against_best is not None
    assert by_name["c15"].against_best.value == pytest.approx(1.05**8)


def test_intervals_of_departures_hold_the_truth_as_often_as_they_say() -> None:
    """Of equal configurations after a single round, by the noise of later ones: in 93 to 97 % of 2,000 races."""
    held = 0
    chance = np.random.default_rng(1)
    for _ in range(2000):
        values = 1000 * np.exp(0.1 * chance.normal(size=(3, 1)) + 0.15 * chance.normal(size=(3, 16)))
        rounds: Any = [
            {"windows": dict(zip(NAMES[:left], map(window, row[:left].tolist()), strict=True))}
            for left, row in zip((16, 8, 8), values, strict=True)
        ]
        against = compared(rounds[:1], NAMES, NAMES[0], SCORE, noise_of(rounds, SCORE))
        held += against[NAMES[1]].covers_one
    assert 0.93 <= held / 2000 <= 0.97


def test_noise_is_known_once_the_same_were_measured_twice() -> None:
    """Who left after a single round has an interval then; a single configuration has no noise to tell."""
    names = [f"d{place:02}" for place in range(64)]
    first = round_of(names, 0.1)
    early = standing(heat([first]) | {"entrants": names}, SCORE, nobody)
    assert len(early.departures) == 32
    assert {each.against_best for each in early.departures} == {None}
    later = [round_of(early.left, 0.1, seed) for seed in (1, 2)]
    (departure, *_) = standing(heat([first, *later]) | {"entrants": names}, SCORE, nobody).departures
    assert departure.rounds == 1
    assert departure.against_best is not None
    assert departure.against_best.low < departure.against_best.value < departure.against_best.high
    assert noise_of([round_of(["c00"]), round_of(["c00"], seed=1)], SCORE) is None


def test_equals_keep_their_order() -> None:
    """The matrix's: the simplest comes first."""
    rounds = [round_of(["a", "b"])]
    assert ranked(rounds, ["b", "a"], SCORE) == ["b", "a"]


def test_a_server_holds_what_fits_its_memory_and_its_instances() -> None:
    """The default configuration is in every group; groups are of about the same size."""
    needs = dict.fromkeys(NAMES, 10)
    ones = dict.fromkeys(NAMES, 1)
    assert brackets(needs, ones, "c00", 2 * 160) == [NAMES]
    groups = brackets(needs, ones, "c00", 2 * 60)
    assert [group[0] for group in groups] == ["c00"] * 3
    assert sorted(name for group in groups for name in group[1:]) == NAMES[1:]
    assert max(map(len, groups)) == 6
    assert len(brackets(needs, dict.fromkeys(NAMES, MOST_INSTANCES // 4), "c00", 2 * 160)) == 5
    with pytest.raises(StageError, match=r"c03 may take .* GB of memory .*no race of it fits this machine"):
        brackets(needs | {"c03": 151}, ones, "c00", 2 * 160)
    assert brackets({"c00": 10}, {"c00": 1}, "c00", 20) == [["c00"]]


def test_a_configurations_memory_is_that_of_its_instances() -> None:
    """Of each its file and what it computes with, which is measured once for a variant and the largest batch of it."""
    assert server_bytes(100, 3, 50) == 3 * (INSTANCE_BYTES + 250)
    off, batched = Cell("fp32", 1, 64, "off"), Cell("fp32", 2, 64, "delay_0us")
    optional = Cell("fp32", 1, 64, "delay_0us", option="no_arena")
    of_four, of_two = Cell("fp32", 4, 64, "delay_0us"), Cell("fp32", 3, 2, "delay_0us")
    other = Cell("int8_dynamic", 2, 64, "off")
    largest = {off: 1, batched: 8, optional: 8, of_four: 8, of_two: 2, other: 1}
    candidates = {cell.name: Candidate(Path(cell.name), Path(), {}, most) for cell, most in largest.items()}
    assert probes(largest, candidates) == {
        ("fp32", 1): off,
        ("fp32", 8): batched,
        ("fp32", 2): of_two,
        ("int8_dynamic", 1): other,
    }


def test_winners_of_groups_race_against_winners() -> None:
    """Until one server holds them; two at a time are no race."""
    told = []

    def run(name: str, names: Sequence[str], survivors: int) -> tuple[Any, Sequence[str]]:
        told.append((name, len(names), survivors))
        return {"entrants": names}, [*sorted(names, reverse=True)[: survivors - 1], "c00"]

    heats = run_heats(
        NAMES, 4, lambda names: brackets(dict.fromkeys(names, 10), dict.fromkeys(names, 1), "c00", 120), run
    )
    assert told == [("heat-1-1", 6, 2), ("heat-1-2", 6, 2), ("heat-1-3", 6, 2), ("heat-2-1", 4, 4)]
    assert heats[-1]["entrants"] == ["c00", "c13", "c14", "c15"]
    with pytest.raises(StageError, match="holds two configurations at a time"):
        run_heats(NAMES, 4, lambda names: [["c00", name] for name in names[1:]], lambda _name, names, _: ({}, names))  # type: ignore[typeddict-item]  # nothing of a heat is asked


def test_limits_are_those_of_answers_before_and_of_latency_in_it() -> None:
    """A variant that is not accurate enough need not race; who is too slow in any start leaves."""
    cells = [Cell("fp32", 1, 64, "off"), Cell("int8", 1, 64, "off"), Cell("fp32", 2, 64, "off")]
    exports = {
        name: {"test_correct": correct, "test_examples": 1000, "batch": None}
        for name, correct in (("fp32", 980), ("int8", 500))
    }
    slo = Slo(accuracy=0.9, p95_ms=1.0)
    judge = judge_of(cells, exports, slo)
    assert entrants(cells, judge) == [cells[0], cells[2]]

    def judged(throughput: float, windows: int = 4) -> Judgement:
        return judge("fp32-2-64-off", [window(throughput)] * windows)

    assert judged(20_000) == Judgement()
    assert judged(1_000) == Judgement("misses p95 latency ≤ 1 ms", sure=False)
    assert judged(7_500) == Judgement(sure=False)  # another start may be as much faster
    # A single window tells nothing of latency, and a rung of many configurations has one.
    assert judged(1_000, windows=1) == Judgement(sure=False)
    assert judge("int8-1-64-off", [window(20_000)]).missed == "misses test accuracy ≥ 0.9"


def test_many_race_under_a_limit_on_latency() -> None:
    """Those that miss it leave once it can be told."""
    cells = [Cell("fp32", 1, size, "off") for size in range(1, 41)]
    exports = {"fp32": {"test_correct": 980, "test_examples": 1000, "batch": None}}
    names = [cell.name for cell in cells]
    judge = judge_of(cells, exports, Slo(p95_ms=5))
    found: Any = heat() | {"entrants": names}
    slow = set(names[20:])
    while (now := standing(found, SCORE, judge)).wanted is not None:
        windows_ = {name: window(1000 if name in slow else 2000 + names.index(name)) for name in now.left}
        found["rounds"].append({"start": 1, "windows": windows_ | {"anchor": window(1000)}})
    assert set(now.left).isdisjoint(slow)
    assert contenders(found, SCORE, judge)[0] == names[0]


def in_doubt(name: str, _windows: Any) -> Judgement:
    """Judge the six fastest as perhaps meeting the limits."""
    return Judgement(sure=name < "c10")


def test_those_that_surely_meet_the_limits_keep_half_of_the_places() -> None:
    """Faster ones of which it is in doubt may all miss them in the run-off, and nothing could be recommended."""
    found = heat()
    while (now := standing(found, SCORE, in_doubt)).wanted is not None:
        found["rounds"].append(round_of(now.left))
    assert now.left == ("c00", "c15", "c09", "c08")
    assert contenders(found, SCORE, in_doubt) == ["c00", "c15", "c09"]
    ahead = {each.name for each in now.departures if each.against_best and each.against_best.value > 1}
    assert {each.name for each in now.departures if each.doubt} == ahead == {"c10", "c11", "c12", "c13", "c14"}


def test_a_default_configuration_that_misses_a_limit_is_not_the_best() -> None:
    """However fast it is, who meets the limits is compared with the others that do."""

    def fast_default(name: str, _windows: Any) -> Judgement:
        return Judgement("misses p95 latency ≤ 1 ms", sure=False) if name == "c00" else Judgement()

    found = heat()
    while (now := standing(found, SCORE, fast_default)).wanted is not None:
        each = round_of(now.left)
        found["rounds"].append(each | {"windows": each["windows"] | {"c00": window(10_000)}})
    assert contenders(found, SCORE, fast_default) == ["c00", "c15"]


def test_a_reason_that_many_share_is_said_once() -> None:
    """But for their own names, and with a few of those."""
    shared = {name: f"model '{name}': neither true nor false" for name in NAMES[:5]}
    assert failed_in_words(shared | {"c07": "model 'c07': no such file"}) == [
        "5 configurations could not be measured: `c00`, `c01`, `c02`, 2 more (model 'c00': neither true nor false).",
        "1 configuration could not be measured: `c07` (model 'c07': no such file).",
    ]
    assert failed_in_words({}) == []
