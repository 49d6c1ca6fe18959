"""From screened cells to finalists, and from the run-off's rounds to a verdict in words."""

from typing import Any

import numpy as np
import pytest
from measured import level, one_round, window

from deciding.finalists import choose_finalists, screen
from deciding.objective import OBJECTIVES
from deciding.slo import check_accuracy, check_latency
from deciding.transfer import comparable, transfer_in_words
from deciding.verdict import Verdict, decide, simplicity
from deciding.words import verdict_in_words
from parameters.cells import Cell, matrix
from parameters.schema import Params, validate
from runtime.process import StageError

EXPORT = {"test_correct": 950, "test_examples": 1000}
NOISE = [0.97, 1.03] * 6
DEFAULT = Cell("fp32", 1, 64, "off")


def cell(batching: str = "off", instances: int = 1) -> Cell:
    return Cell("fp32", instances, 64, batching)


def rounds(speeds: dict[Cell, float], starts: int = 6, size: int = 4, **settings: Any) -> list[dict[str, Any]]:
    """Return a run-off in which each cell has its own speed, all with the noise of start and round."""
    random = np.random.default_rng(7)
    machine = np.repeat(random.normal(0, 0.2, starts), size)
    noise = np.exp(machine[:, np.newaxis] + random.normal(0, 0.02, (starts * size, len(speeds))))
    return [
        one_round(
            1 + index // size,
            **{
                each.name: window(speed * noise[index, at], **settings)
                for at, (each, speed) in enumerate(speeds.items())
            },
        )
        for index in range(starts * size)
    ]


def verdict(content: dict[str, Any], speeds: dict[Cell, float], **settings: Any) -> Verdict:
    return decide(list(speeds), rounds(speeds, **settings), validate(content), {"fp32": EXPORT})


def finalists(content: dict[str, Any], ratios: dict[Cell, float], most: int = 4, **settings: Any) -> list[Cell]:
    params = validate(content)
    screened = [
        screen(each, level([ratio * noise for noise in NOISE], **settings), params, EXPORT)
        for each, ratio in ratios.items()
    ]
    return [each.cell for each in choose_finalists(screened, most)]


def test_the_default_configuration_is_always_a_finalist(content: dict[str, Any]) -> None:
    """However far behind it is, the answer is about whether to leave it."""
    fast = cell("delay_0us", 2)
    assert finalists(content, {DEFAULT: 0.5, fast: 2.0}) == [DEFAULT, fast]


def test_cells_that_cannot_be_the_best_are_left_out(content: dict[str, Any]) -> None:
    """Only those whose interval reaches the best one's take part, the best first, and no more than allowed."""
    speeds = {DEFAULT: 1.0, cell("delay_0us"): 1.99, cell("delay_1us"): 1.2, cell("off", 2): 2.0, cell("off", 4): 1.98}
    assert finalists(content, speeds) == [DEFAULT, cell("off", 2), cell("delay_0us"), cell("off", 4)]
    assert finalists(content, speeds, most=2) == [DEFAULT, cell("off", 2)]


def test_nothing_near_the_default_leaves_it_alone(content: dict[str, Any]) -> None:
    """Where every other cell is surely worse, there is nobody to run against."""
    assert finalists(content, {DEFAULT: 2.0, cell("off", 2): 1.0}) == [DEFAULT]


def test_a_cell_that_fails_a_limit_is_no_finalist(content: dict[str, Any]) -> None:
    """The fastest cell does not count if its p95 is surely too long."""
    content["perf"]["slo"]["p95_ms"] = 6.0
    slow, fast = cell("delay_0us"), cell("off", 2)
    params = validate(content)
    screened = [
        screen(DEFAULT, level(NOISE, latency_factor=0.5), params, EXPORT),
        screen(slow, level([3 * noise for noise in NOISE], latency_factor=5), params, EXPORT),
        screen(fast, level([2 * noise for noise in NOISE]), params, EXPORT),
    ]
    assert [each.cell for each in choose_finalists(screened, 4)] == [DEFAULT, fast]


def test_cells_of_which_a_limit_is_in_doubt_leave_a_place_to_the_best_that_meets_it(content: dict[str, Any]) -> None:
    """However fast they are: the run-off may find that all of them miss it."""
    content["perf"]["slo"]["p95_ms"] = 6.0
    params = validate(content)
    doubtful = [cell("delay_0us"), cell("delay_1us")]
    sure = cell("off", 2)
    screened = [
        screen(DEFAULT, level(NOISE, latency_factor=0.5), params, EXPORT),
        *(screen(each, level([2.2 * n for n in NOISE], latency_factor=1.7), params, EXPORT) for each in doubtful),
        screen(sure, level([2 * noise for noise in NOISE]), params, EXPORT),
    ]
    assert [check.answer for each in screened for check in each.checks][1:] == ["cannot tell", "cannot tell", "meets"]
    assert sure in [each.cell for each in choose_finalists(screened, 2)]


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("throughput", window(2000), window(1000)),
        ("p95_latency", window(2000), window(1000)),
        ("p99_latency", window(2000, requests=1000), window(1000, requests=1000)),
        ("cpu", window(1000, cpu=(0.1, 0.1)), window(1000, cpu=(0.2, 0.1))),
    ],
)
def test_a_better_window_scores_more(name: str, better: dict[str, Any], worse: dict[str, Any]) -> None:
    """Whether more or less of it is good, the greater score is the better one: twice as good is log 2."""
    objective = OBJECTIVES[name]
    assert objective.score(better) - objective.score(worse) == pytest.approx(np.log(2))


def test_processor_time_that_the_kernel_did_not_count_is_no_objective() -> None:
    """A window without a tick of the kernel's clock says so, and not that requests are missing."""
    with pytest.raises(StageError, match=r"objective = cpu needs windows in which the kernel counts processor time"):
        OBJECTIVES["cpu"].score(window(1000, cpu=(0.0, 0.1)))


def test_a_percentile_that_no_window_carries_is_no_objective() -> None:
    """Deciding by p99 needs windows of 1,000 requests: the error says how to get them."""
    with pytest.raises(StageError, match=r"p99_latency needs 1000 requests.*holds 600; raise perf\.window_ms"):
        OBJECTIVES["p99_latency"].score(window(1000))


@pytest.mark.parametrize(("limit", "answer"), [(20.0, "meets"), (8.0, "cannot tell"), (4.0, "fails")])
def test_a_latency_limit_has_three_answers(limit: float, answer: str) -> None:
    """Surely below, surely above, or the interval holds the limit."""
    blocks = [[window(1000 * noise, concurrency=8)] for noise in NOISE]
    check = check_latency(95, limit, blocks)
    assert check.answer == answer
    assert check.found
    assert check.found.value == pytest.approx(8.0, rel=0.01)


def test_windows_too_short_for_a_percentile_cannot_tell() -> None:
    """A p99 of 600 requests is not guessed."""
    check = check_latency(99, 10.0, [[window(1000)], [window(1000)]])
    assert (check.answer, check.found) == ("cannot tell", None)


@pytest.mark.parametrize(("limit", "answer"), [(0.9, "meets"), (0.95, "cannot tell"), (0.99, "fails")])
def test_an_accuracy_limit_has_three_answers(limit: float, answer: str) -> None:
    """950 of 1,000 are between 0.935 and 0.962."""
    assert check_accuracy(limit, 950, 1000).answer == answer


def test_the_simplest_configuration_comes_first() -> None:
    """No batching before batching, then fewer instances, then the variant named first, then the shorter delay."""
    order = [
        Cell("fp32", 1, 64, "off"),
        Cell("int8", 1, 64, "off"),
        Cell("fp32", 2, 64, "off"),
        Cell("fp32", 1, 64, "delay_0us"),
        Cell("fp32", 1, 64, "delay_500us"),
        Cell("fp32", 1, 64, "delay_500us_preferred_4_8"),
        Cell("fp32", 2, 8, "delay_0us"),
        Cell("fp32", 2, 64, "delay_0us"),
    ]
    shuffled = order[::-2] + order[::2]
    assert sorted(shuffled, key=lambda each: simplicity(each, ["fp32", "int8"])) == order


def test_a_clear_winner_is_named_with_its_advantage(content: dict[str, Any]) -> None:
    """The sentence has the ratio to the default configuration with its interval."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0, cell("delay_0us"): 1100.0})
    assert found.recommended
    assert found.recommended.cell == cell("off", 2)
    assert not found.default_is_unbeaten
    against = found.recommended.against_default
    assert against
    assert against.low < 1.5 < against.high
    answer, alone, *_ = verdict_in_words(found)
    assert answer.startswith("**Run `fp32-2-64-off`**: 1.5")
    assert answer.endswith("× the throughput of the default configuration `fp32-1-64-off`.")
    assert alone == "Every other finalist is worse, beyond chance."


def test_nothing_beats_the_default_configuration(content: dict[str, Any]) -> None:
    """When others are equal or worse, the verdict says exactly that."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1000.0, cell("delay_0us"): 800.0})
    assert found.recommended is found.default
    assert verdict_in_words(found)[0] == "**Run `fp32-1-64-off`**, the default configuration: nothing beats it."


def test_of_equals_the_simplest_is_recommended(content: dict[str, Any]) -> None:
    """A default that batches gives way to a plain configuration that is as good."""
    content["perf"]["dynamic_batching"] = ["delay_0us", "off"]
    default, plain = matrix(validate(content))[:2]
    found = verdict(content, {default: 1000.0, plain: 1000.0})
    assert found.default_is_unbeaten
    assert found.recommended
    assert found.recommended.cell == plain
    assert verdict_in_words(found)[0].endswith("this one cannot be told apart from it and is simpler.")


def test_a_simpler_equal_that_does_not_beat_the_default_is_not_recommended(content: dict[str, Any]) -> None:
    """Between the best and the default, equal to both: changing to it may gain nothing."""
    between, best = cell("off", 2), cell("delay_0us", 2)
    made = rounds({DEFAULT: 1000.0, between: 1000.0, best: 1018.0})
    found = decide([DEFAULT, between, best], made, validate(content), {"fp32": EXPORT})
    assert [each.cell for each in found.equals] == [best, between]
    assert found.recommended
    assert found.recommended.cell == best
    assert (
        f"not told apart from it: `{between.name}`. The one recommended is the simplest of them that surely beats the "
        "default configuration."
    ) in verdict_in_words(found)[1]


def test_less_is_better_is_told_as_less(content: dict[str, Any]) -> None:
    """For a latency, the winner has a fraction of the default's."""
    content["perf"]["objective"] = "p95_latency"
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 2000.0})
    assert found.recommended
    assert found.recommended.value == pytest.approx(4000, rel=0.3)
    assert verdict_in_words(found)[0].startswith("**Run `fp32-2-64-off`**: 0.5")


def test_a_finalist_that_may_miss_a_limit_is_not_recommended(content: dict[str, Any]) -> None:
    """Only what surely meets every limit is, and the others are named with what was found."""
    content["perf"]["slo"]["accuracy"] = 0.95
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    assert found.recommended is None
    first, second, *_ = verdict_in_words(found)
    assert first == "**No configuration can be recommended**: none of the finalists surely meets every limit."
    assert second == (
        "`fp32-1-64-off` was not considered: test accuracy ≥ 0.95: cannot tell (0.95, 95 % interval 0.935–0.962)."
    )


def test_a_start_that_was_killed_halfway_does_not_count(content: dict[str, Any]) -> None:
    """Rounds of an unfinished server start are left out of the verdict."""
    speeds = {DEFAULT: 1000.0, cell("off", 2): 1000.0}
    complete = rounds(speeds)
    partial = [{**one_round(7, **{each.name: window(1.0) for each in speeds})}]
    params: Params = validate(content)
    assert decide(list(speeds), complete + partial, params, {"fp32": EXPORT}) == decide(
        list(speeds), complete, params, {"fp32": EXPORT}
    )


def test_a_lone_configuration_is_measured_and_named(content: dict[str, Any]) -> None:
    """With nobody to compare it with, the verdict is about its limits."""
    found = verdict(content, {DEFAULT: 1000.0})
    assert found.recommended is found.default
    assert "no other configuration came close" in verdict_in_words(found)[-1]


def record(server: str, recommended: str | None, equals: list[str], **ratios: float) -> dict[str, Any]:
    """Return a kept verdict: each finalist's ratio to the default, with an interval of ten percent."""
    finalists_ = [
        {"cell": name, "against_default": {"ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}}
        for name, ratio in ratios.items()
    ]
    default = {"cell": "default", "against_default": None}
    verdict_ = {"recommended": recommended, "equals": equals, "finalists": [default, *finalists_]}
    return {"server": server, "backend": "0123", "basis": {"cells": 3}, "verdict": verdict_}


@pytest.mark.parametrize(
    ("here", "sentence"),
    [
        (
            record("local", "b", ["b", "a"], a=1.2, b=1.3),
            "On this machine the embedded server recommended `a`. That **held**: here, too, nothing is surely better; "
            "against the default, better above 1: 2.00 (1.80–2.20) on embedded and 1.20 (1.08–1.32) on local.",
        ),
        (record("local", "b", ["b"], a=1.2, b=1.9), "did not hold**: here it is surely worse than the best"),
        (record("local", "b", ["b"], b=1.9), "did not hold**: here it was not among the finalists."),
    ],
)
def test_a_verdict_is_compared_with_another_servers(here: dict[str, Any], sentence: str) -> None:
    """What the embedded server recommended holds where nothing is surely better than it, and only there."""
    assert sentence in transfer_in_words(here, record("embedded", "a", ["a"], a=2.0, b=1.5))


def test_a_default_that_stays_the_default_holds_without_sizes() -> None:
    """Where the default configuration is the answer on both, there is no ratio to compare."""
    said = transfer_in_words(record("url", "default", ["default"]), record("embedded", "default", ["default"]))
    assert said.endswith("nothing is surely better.")


def test_no_recommendation_is_nothing_to_compare_with() -> None:
    """A server on which no configuration met its limits says nothing about another."""
    said = transfer_in_words(record("url", "a", ["a"], a=1.5), record("embedded", None, []))
    assert said == "On this machine the embedded server gave no recommendation to compare with."


def test_only_verdicts_on_the_same_basis_are_compared() -> None:
    """Another machine, matrix or model is another question; and a server is not compared with itself."""
    ours, same = record("local", "a", ["a"], a=1.5), record("embedded", "a", ["a"], a=2.0)
    elsewhere = {**record("docker", "a", ["a"], a=2.0), "basis": {"cells": 4}}
    assert comparable(ours, [ours, same, elsewhere]) == [same]


def test_a_running_server_is_visited_not_started(content: dict[str, Any]) -> None:
    """The sentence about the method does not claim restarts that did not happen."""
    content["triton"]["server"] = "url"
    content["perf"]["runoff"]["rounds"] = 4
    assert (
        "4 rounds in each of 6 visits to a running server"
        in verdict_in_words(verdict(content, {DEFAULT: 1000, cell("delay_0us"): 1500}))[-1]
    )
