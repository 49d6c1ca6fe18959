"""From screened cells to finalists, and from the run-off's rounds to a verdict in words."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from measured import level, one_round, window
from runoffs import DEFAULT, EXPORT, cell, judged, rounds, verdict

from assay.deciding.finalists import choose_finalists, screen
from assay.deciding.objective import OBJECTIVES, against_anchor, sought
from assay.deciding.slo import Check, check_accuracy, check_all, check_latency
from assay.deciding.verdict import decide, simplicity
from assay.ground.process import StageError
from assay.load.columns import PERCENTILES
from assay.load.single_requests import histogram
from assay.measuring.readings import beyond_limit
from assay.params.cells import Cell
from assay.params.perf import Slo
from assay.statistics.interval import Interval
from assay.statistics.stopping import LOOKS, enough
from assay.telling.tables import metrics
from assay.telling.words import answer_in_words, verdict_in_words
from assay.validation.schema import Params, validate

CELLS = 6
NOISE = [0.97, 1.03] * 6


def finalists(content: dict[str, Any], ratios: dict[Cell, float], most: int = 4, **settings: Any) -> list[Cell]:
    params = validate(content)
    screened = [
        screen(each, level([ratio * noise for noise in NOISE], **settings), params.perf, EXPORT)
        for each, ratio in ratios.items()
    ]
    return [each.cell for each in choose_finalists(screened, most)]


def test_the_default_configuration_is_always_a_finalist(content: dict[str, Any]) -> None:
    """However far behind it is, the answer is about whether to leave it."""
    fast = cell("delay_0us", 2)
    assert finalists(content, {DEFAULT: 0.5, fast: 2.0}) == [DEFAULT, fast]


def test_cells_that_cannot_be_the_best_are_left_out(content: dict[str, Any]) -> None:
    """Only those that another start could bring near the best take part, the best first, and no more than allowed."""
    speeds = {DEFAULT: 1.0, cell("delay_0us"): 1.7, cell("delay_1us"): 1.4, cell("off", 2): 2.0, cell("off", 4): 1.98}
    assert finalists(content, speeds) == [DEFAULT, cell("off", 2), cell("off", 4), cell("delay_0us")]
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
        screen(DEFAULT, level(NOISE, latency_factor=0.5), params.perf, EXPORT),
        screen(slow, level([3 * noise for noise in NOISE], latency_factor=5), params.perf, EXPORT),
        screen(fast, level([2 * noise for noise in NOISE]), params.perf, EXPORT),
    ]
    assert [each.cell for each in choose_finalists(screened, 4)] == [DEFAULT, fast]


def test_a_slow_start_is_no_reason_to_leave_a_cell_out(content: dict[str, Any]) -> None:
    """One that misses its limit by a tenth or two may meet it in another start of the server; by a half it does not."""
    content["perf"]["slo"]["p95_ms"] = 10.0
    params, fast = validate(content), cell("off", 2)
    for times_the_limit, chosen in ((1.2, [DEFAULT, fast]), (1.5, [DEFAULT])):
        rounds_ = level([2 * noise for noise in NOISE], latency_factor=times_the_limit * 10 / 4)
        screened = [screen(DEFAULT, level(NOISE), params.perf, EXPORT), screen(fast, rounds_, params.perf, EXPORT)]
        assert screened[1].checks[0].answer == "fails"
        assert [each.cell for each in choose_finalists(screened, 4)] == chosen


def test_cells_of_which_a_limit_is_in_doubt_leave_a_place_to_the_best_that_meets_it(content: dict[str, Any]) -> None:
    """However fast they are: the run-off may find that all of them miss it."""
    content["perf"]["slo"]["p95_ms"] = 6.0
    params = validate(content)
    doubtful = [cell("delay_0us"), cell("delay_1us")]
    sure = cell("off", 2)
    screened = [
        screen(DEFAULT, level(NOISE, latency_factor=0.5), params.perf, EXPORT),
        *(screen(each, level([2.2 * n for n in NOISE], latency_factor=1.7), params.perf, EXPORT) for each in doubtful),
        screen(sure, level([2 * noise for noise in NOISE]), params.perf, EXPORT),
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
def test_a_better_window_scores_more(name: str, better: Any, worse: Any) -> None:
    """Whether more or less of it is good, the greater score is the better one: twice as good is log 2."""
    objective = OBJECTIVES[name]
    assert objective.score(better) - objective.score(worse) == pytest.approx(np.log(2))


def test_a_share_is_not_shown_as_what_is_allowed() -> None:
    """Of requests beyond a limit, 5.02 % are more than the 5 % that may be."""
    check = Check("p95 latency ≤ 5 ms", "fails", Interval(0.07, 0.0502, 0.0912), 0.05, of_requests=True)
    assert answer_in_words(check) == "fails (5.02–9.1 % of the requests took longer, 5 % may)"


def test_a_share_that_is_sure_is_one_number() -> None:
    """No request took longer, or each one did: not "0–0 %"."""
    check = Check("p95 latency ≤ 5 ms", "meets", Interval(0, 0, 0), 0.05, of_requests=True)
    assert answer_in_words(check) == "meets (0 % of the requests took longer, 5 % may)"


def test_an_accuracy_is_not_shown_as_the_one_that_was_asked_for() -> None:
    """An accuracy of 0.9496 is less than 0.95, and 0.9 is not asked for here."""
    check = Check("test accuracy ≥ 0.95", "fails", Interval(0.93, 0.9, 0.9496), 0.95)
    assert answer_in_words(check) == "fails (0.93, 95 % interval 0.9–0.9496)"
    in_doubt = replace(check, answer="cannot tell", found=Interval(0.9504, 0.941, 0.9581))
    assert answer_in_words(in_doubt) == "cannot tell (0.9504, 95 % interval 0.941–0.958)"
    half = Check("agreement ≥ 0.5", "meets", Interval(0.5003, 0.5003, 0.5003), 0.5)
    assert answer_in_words(half) == "meets (0.5003)"


@pytest.mark.parametrize(("objective", "rounds_"), [("throughput", 12), ("p95_latency", 32)])
def test_a_level_is_measured_until_the_objective_is_known(
    content: dict[str, Any], objective: str, rounds_: int
) -> None:
    """Where it decides: a steady throughput says nothing about a wild p95. Elsewhere it is the throughput."""
    content["perf"]["objective"] = objective
    params = validate(content)
    measured = level([1.0, 1.001] * 20)["rounds"]
    for index, each in enumerate(measured):
        each["windows"]["candidate"]["perf_analyzer"]["p95 latency"] *= 3 if index % 2 else 1
    stops = [
        n for n in LOOKS if enough(against_anchor(measured[:n], sought(8, params.perf)), params.screening.precision)
    ]
    assert stops[0] == rounds_
    assert sought(1, params.perf).name == "throughput"


def test_processor_time_that_the_kernel_did_not_count_is_no_objective() -> None:
    """A window without a tick of the kernel's clock says so, and not that requests are missing."""
    with pytest.raises(StageError, match=r"objective = cpu needs windows in which there is some server processor time"):
        OBJECTIVES["cpu"].score(window(1000, cpu=(0.0, 0.1)))


def test_a_percentile_that_no_window_carries_is_no_objective() -> None:
    """Deciding by p99 needs windows of 1,000 requests: the error says how to get them."""
    with pytest.raises(
        StageError, match=r"p99_latency needs 1000 requests.*holds 600; make perf\.window_ms 2\.2 times"
    ):
        OBJECTIVES["p99_latency"].score(window(1000))


@pytest.mark.parametrize(("slow", "answer"), [(0, "meets"), (1, "cannot tell"), (8, "fails")])
def test_a_latency_limit_has_three_answers(slow: int, answer: str) -> None:
    """Of twelve windows none is beyond the limit, a single one that may be chance, or most."""
    blocks = [[window(1000, latency_factor=2.0 if at < slow else 1.0)] for at in range(12)]
    assert check_latency(95, 10.0, blocks).answer == answer


@pytest.mark.parametrize(("slow", "answer"), [(0, "meets"), (60, "cannot tell"), (240, "fails")])
def test_requests_are_judged_and_not_a_typical_window(slow: int, answer: str) -> None:
    """Where every second window holds slow requests, those of all windows together count: 5 % are allowed."""
    quiet: Any = {**window(1000, requests=600), "latency_bins": {"900": 600}}  # 7.8 ms
    busy: Any = {**window(1000, requests=600), "latency_bins": {"900": 600 - slow, "1000": slow}}  # 20.9 ms
    check = check_latency(95, 10.0, [[quiet if at % 2 else busy] for at in range(12)])
    assert check.answer == answer
    assert check.found.value == pytest.approx(slow / 1200)
    assert check.bound == pytest.approx(0.05)


def test_percentiles_bound_the_share_beyond_a_limit() -> None:
    """Of 1,000 requests with p90 below and p95 above the limit, at least 51 and at most 100 took longer."""
    each = window(1000, requests=1000)
    each["perf_analyzer"] |= {"p50 latency": 4e3, "p90 latency": 9e3, "p95 latency": 11e3, "p99 latency": 2e4}
    assert beyond_limit(each, 10_000) == (51, 100)
    assert beyond_limit(each, 3_000) == (500, 1000)
    assert beyond_limit(each, 30_000) == (0, 10)


def test_a_mean_leaves_room_for_few_slow_requests() -> None:
    """The slowest eleven of 1,000 took 20 ms at least; the mean of all allows eight of them 30 ms, or two 50."""
    each = window(1000, requests=1000)
    each["perf_analyzer"] |= {"p50 latency": 4e3, "p90 latency": 9e3, "p95 latency": 11e3, "p99 latency": 2e4}
    each["perf_analyzer"]["Avg latency"] = 2790.0
    assert [beyond_limit(each, limit)[1] for limit in (21_000, 30_000, 50_000, 500_000)] == [10, 8, 2, 0]


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.5])
@pytest.mark.parametrize("count", [1, 7, 90, 2000])
def test_percentiles_and_mean_bound_what_happened(count: int, spread: float) -> None:
    """Whatever the latencies of a window are, the requests beyond any limit are among what its row allows."""
    latencies = np.sort(np.random.default_rng(count).lognormal(9, spread, count))
    each = window(1000, requests=count)
    ranks = {percent: int(percent / 100 * (count - 1) + 0.5) for percent in PERCENTILES}
    each["perf_analyzer"] |= {f"p{percent} latency": float(int(latencies[rank])) for percent, rank in ranks.items()}
    each["perf_analyzer"]["Avg latency"] = float(int(latencies.mean()))
    for limit in np.geomspace(1_000, 10 * latencies[-1], 50):
        fewest, most = beyond_limit(each, limit)
        assert 0 <= fewest <= int((latencies > limit).sum()) <= most <= count


@pytest.mark.parametrize(("limit_ms", "told"), [(9.0, True), (900.0, False)])
def test_a_limit_that_percentiles_cannot_judge_asks_for_shorter_windows(
    content: dict[str, Any], limit_ms: float, told: bool
) -> None:
    """Where requests are too large to keep each one's latency, the verdict says why it cannot tell."""
    content["perf"]["slo"]["p99_ms"] = limit_ms
    made = rounds({DEFAULT: 1000.0})
    for each in made:
        each["windows"][DEFAULT.name]["perf_analyzer"] |= {"p50 latency": 4e3, "p90 latency": 5e3, "Avg latency": 5e3}
    said = " ".join(verdict_in_words(judged([DEFAULT], made, validate(content)), 1))
    assert ("cannot tell" in said) == told
    assert ("with a shorter `perf.window_ms`, of 20 at least" in said) == told


def test_single_requests_say_to_a_hundredth_what_percentiles_bound() -> None:
    """Only requests in the limit's own bin are in doubt, and bins are 1 % wide."""
    latencies = np.random.default_rng(3).lognormal(9, 0.5, 2000)
    each: Any = {**window(1000, requests=2000), "latency_bins": histogram(latencies.tolist())}
    for limit in (3_000, 8_103, 20_000):
        fewest, most = beyond_limit(each, limit)
        assert fewest <= int((latencies > limit).sum()) <= most
        assert most - fewest <= ((latencies > limit / 1.01) & (latencies < limit * 1.01)).sum()


@pytest.mark.parametrize(("limit", "answer"), [(0.9, "meets"), (0.95, "cannot tell"), (0.99, "fails")])
def test_an_accuracy_limit_has_three_answers(limit: float, answer: str) -> None:
    """950 of 1,000 are between 0.935 and 0.962."""
    assert check_accuracy(limit, 950, 1000).answer == answer


def test_nobody_can_tell_that_batches_are_as_accurate_where_a_variant_is_not_batch_safe() -> None:
    """What is known is the accuracy of examples asked alone: too little is too little, enough may not be."""
    slo = Slo(p95_ms=None, p99_ms=None, accuracy=0.9)

    def answer(variant: str, batching: str, correct: int = 950) -> str:
        export = {"test_correct": correct, "test_examples": 1000, "batch": {"safe": variant != "int8_dynamic"}}
        (check,) = check_all(slo, [], export, Cell(variant, 1, 64, batching))
        return f"{check.limit}: {check.answer}"

    assert answer("int8_dynamic", "off") == answer("int8_static", "delay_0us") == "test accuracy ≥ 0.9: meets"
    alone = "test accuracy ≥ 0.9, known of examples asked alone"
    assert answer("int8_dynamic", "delay_0us") == f"{alone}: cannot tell"
    assert answer("int8_dynamic", "delay_0us", correct=700) == f"{alone}: fails"


def test_limits_on_answers_are_judged_in_every_output_that_they_are_about() -> None:
    """Rows that say the same, and how far floats are apart, whether these are scores of classes or not."""
    outputs = {
        "scores": {"largest": 0.9, "typical": 0.1, "rows": 100, "same": 99},
        "mask": {"largest": 0.01, "typical": 0.0, "rows": None, "same": None},
        "label": {"largest": None, "typical": None, "rows": 100, "same": 90},
    }

    def answers(outputs: dict[str, Any], **limits: float) -> list[str]:
        export = {"batch": None, "agreement": outputs}
        checks = check_all(Slo(p95_ms=None, p99_ms=None, **limits), [], export, Cell("int8_static", 1, 8, "off"))
        return [f"{check.limit}: {check.answer}" for check in checks]

    assert answers(outputs, agreement=0.95, difference=0.05) == [
        "agreement of 'scores' ≥ 0.95: meets",
        "difference of 'scores' ≤ 0.05: fails",
        "difference of 'mask' ≤ 0.05: meets",
        "agreement of 'label' ≥ 0.95: fails",
    ]
    assert answers({"scores": outputs["scores"]}, difference=0.05) == ["difference ≤ 0.05: fails"]
    boxes = {"largest": 0.0, "typical": 0.0, "rows": 0, "same": 0}
    assert answers({"boxes": boxes, "scores": outputs["scores"]}, agreement=0.95) == [
        "agreement of 'scores' ≥ 0.95: meets"
    ]
    assert answers({"boxes": boxes, "mask": outputs["mask"]}, agreement=0.95) == ["agreement ≥ 0.95: cannot tell"]


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
    answer, alone, *_ = verdict_in_words(found, CELLS)
    assert answer.startswith("**Run `fp32-2-64-off`** (2 instances, no batching): 1.5")
    assert answer.endswith("× the throughput of the default configuration `fp32-1-64-off` (1 instance, no batching).")
    assert alone == "Every other finalist is worse, beyond chance."


def test_nothing_beats_the_default_configuration(content: dict[str, Any]) -> None:
    """When others are equal or worse, the verdict says exactly that."""
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1000.0, cell("delay_0us"): 800.0})
    assert found.recommended is found.default
    assert (
        verdict_in_words(found, CELLS)[0]
        == "**Run `fp32-1-64-off`** (1 instance, no batching), the default configuration: nothing beats it."
    )


def test_an_interval_that_is_clear_of_one_by_chance_is_explained(content: dict[str, Any]) -> None:
    """Of three starts, one pair alone differs and all pairs together do not: the table shows it, the words say why."""
    content["runoff"]["rounds"] = 4
    speeds = {DEFAULT: 1000.0, cell("off", 2): 1060.0, cell("delay_0us"): 1000.0, cell("delay_0us", 2): 1000.0}
    found = verdict(content, speeds, starts=3)
    against = found.finalists[1].against_default
    assert against
    assert against.low > 1
    assert not found.finalists[1].beats_default
    assert found.recommended is found.default
    assert (
        "`fp32-2-64-off` has an interval better than the default configuration's, compared with nothing else; among "
        "all pairs of finalists, that may be chance."
    ) in verdict_in_words(found, CELLS)
    slower = verdict(content, {**speeds, cell("off", 2): 968.0}, starts=3)
    assert slower.finalists[1] in slower.equals
    assert any(
        "`fp32-2-64-off` has an interval worse than the default configuration's" in sentence
        for sentence in verdict_in_words(slower, CELLS)
    )
    sure = verdict(content, speeds, starts=12)
    assert sure.finalists[1].beats_default
    assert not any("may be chance" in sentence for sentence in verdict_in_words(sure, CELLS))


def test_of_equals_the_simplest_is_recommended(content: dict[str, Any]) -> None:
    """A default that batches gives way to a plain configuration that is as good."""
    content["perf"]["dynamic_batching"] = ["delay_0us", "off"]
    default, plain = validate(content).cells[:2]
    found = verdict(content, {default: 1000.0, plain: 1000.0})
    assert found.default_is_unbeaten
    assert found.recommended
    assert found.recommended.cell == plain
    assert verdict_in_words(found, CELLS)[0].endswith("this one cannot be told apart from it and is simpler.")


def test_a_simpler_equal_that_does_not_beat_the_default_is_not_recommended(content: dict[str, Any]) -> None:
    """Between the best and the default, too noisy to be told apart from either: changing to it may gain nothing."""
    between, best = cell("off", 2), cell("delay_0us", 2)
    made = rounds({DEFAULT: 1000.0, between: 1010.0, best: 1030.0})
    for each in made:
        each["windows"][between.name]["perf_analyzer"]["Inferences/Second"] *= 1 + 0.05 * (-1) ** each["start"]
    found = judged([DEFAULT, between, best], made, validate(content))
    assert [each.cell for each in found.equals] == [best, between]
    assert found.recommended
    assert found.recommended.cell == best
    assert (
        f"not told apart from it, nor beaten by another: `{between.name}`. The one recommended is the simplest of them "
        "that surely beats the default configuration."
    ) in verdict_in_words(found, CELLS)[1]


def with_a_noisy_best(steady: dict[Cell, float], noisy: Cell) -> list[Any]:
    """Return a run-off in which the best cell varies so much that it is told apart from none of the others."""
    made = rounds({**steady, noisy: 1100.0})
    for each in made:
        each["windows"][noisy.name]["perf_analyzer"]["Inferences/Second"] *= np.exp(0.3 * (-1) ** each["start"])
    return made


def test_a_default_that_anything_beats_is_beaten(content: dict[str, Any]) -> None:
    """Though the best one is too noisy to be told apart from it: the one that surely beats it is recommended."""
    steady, noisy = cell("off", 2), cell("delay_0us", 2)
    made = with_a_noisy_best({DEFAULT: 1000.0, steady: 1060.0}, noisy)
    found = judged([DEFAULT, steady, noisy], made, validate(content))
    assert [each.beats_default for each in found.finalists] == [False, True, False]
    assert [each.cell for each in found.equals] == [noisy, steady]
    assert not found.default_is_unbeaten
    assert found.recommended
    assert found.recommended.cell == steady
    answer, equals, *_ = verdict_in_words(found, CELLS)
    assert "(2 instances, no batching): 1.0" in answer
    assert answer.endswith("× the throughput of the default configuration `fp32-1-64-off` (1 instance, no batching).")
    assert f"nor beaten by another: `{steady.name}`. The one recommended is the simplest of them that surely" in equals


def test_what_the_default_surely_beats_is_not_recommended(content: dict[str, Any]) -> None:
    """However simple, and though it is not told apart from a noisy best one."""
    default, noisy = cell("off", 2), cell("delay_0us", 2)
    content["perf"]["instances"] = [2, 1]
    made = with_a_noisy_best({default: 1000.0, DEFAULT: 940.0}, noisy)
    found = judged([default, DEFAULT, noisy], made, validate(content))
    assert [each.cell for each in found.equals] == [noisy, default]
    assert found.recommended is found.default
    sentences = verdict_in_words(found, CELLS)
    assert sentences[0].endswith("the default configuration: nothing beats it.")
    assert not any("may be chance" in each for each in sentences)


def test_less_is_better_is_told_as_less(content: dict[str, Any]) -> None:
    """For a latency, the winner has a fraction of the default's."""
    content["perf"]["objective"] = "p95_latency"
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 2000.0})
    assert found.recommended
    assert found.recommended.value == pytest.approx(4000, rel=0.3)
    assert verdict_in_words(found, CELLS)[0].startswith("**Run `fp32-2-64-off`** (2 instances, no batching): 0.5")


def test_a_lone_finalist_that_may_miss_a_limit_is_no_group(content: dict[str, Any]) -> None:
    """Where one alone was measured, and others were left out before, each sentence says which one it is about."""
    content["perf"]["slo"]["accuracy"] = 0.95
    said = verdict_in_words(verdict(content, {DEFAULT: 1000.0}), 2, failing=1)
    assert said[0] == "**No configuration can be recommended**: the only finalist does not surely meet every limit."
    assert said[-2:] == [
        "1 configuration was left out before, for a limit that it misses.",
        "`fp32-1-64-off` was measured alone, at concurrency 8.",
    ]


def test_a_finalist_that_may_miss_a_limit_is_not_recommended(content: dict[str, Any]) -> None:
    """Only what surely meets every limit is, and the others are named with what was found."""
    content["perf"]["slo"]["accuracy"] = 0.95
    found = verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    assert found.recommended is None
    first, second, *_ = verdict_in_words(found, CELLS)
    assert first == "**No configuration can be recommended**: no finalist surely meets every limit."
    assert second == (
        "`fp32-1-64-off` was not considered: test accuracy ≥ 0.95: cannot tell (0.95, 95 % interval 0.935–0.962)."
    )


def test_a_start_that_was_killed_halfway_does_not_count(content: dict[str, Any]) -> None:
    """Rounds of an unfinished server start are left out of the verdict."""
    speeds = {DEFAULT: 1000.0, cell("off", 2): 1000.0}
    complete = rounds(speeds)
    partial = [{**one_round(7, **{each.name: window(1.0) for each in speeds})}]
    params: Params = validate(content)
    assert judged(list(speeds), complete + partial, params) == judged(list(speeds), complete, params)


def test_a_lone_configuration_is_measured_and_named(content: dict[str, Any]) -> None:
    """With nobody to compare it with, the verdict is about its limits."""
    found = verdict(content, {DEFAULT: 1000.0})
    assert found.recommended is found.default
    *_, alone = verdict_in_words(found, CELLS)
    assert alone == f"`fp32-1-64-off` was measured alone, at concurrency 8: none of the {CELLS - 1} others came close."
    assert verdict_in_words(found, 2)[-1].endswith(": the other did not come close.")


def test_a_matrix_of_one_is_not_said_to_win(content: dict[str, Any]) -> None:
    """Nothing is beaten, and nothing came close or not, where there is nothing else."""
    assert verdict_in_words(verdict(content, {DEFAULT: 1000.0}), 1) == [
        "**Run `fp32-1-64-off`** (1 instance, no batching), "
        "the only configuration that was measured: nothing was compared with it.",
        "`fp32-1-64-off` was measured alone, at concurrency 8.",
    ]
    alone, two = verdict(content, {DEFAULT: 1000.0}), verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    said = [metrics({}, each, Interval(1, 0.9, 1.1), None)["perf"].get("told_apart") for each in (alone, two)]
    assert said == [None, True]


def test_what_a_limit_leaves_alone_is_told_apart_from_nothing(content: dict[str, Any]) -> None:
    """The other finalist is not considered, and nobody says that it is worse."""
    content["perf"]["slo"]["accuracy"] = 0.9
    export = {**EXPORT, "test_correct": 500}
    content["onnx"]["variants"] = ["fp32", "int8_dynamic"]
    params = validate(content)
    other = replace(DEFAULT, variant="int8_dynamic")
    made = rounds({DEFAULT: 1000.0, other: 1001.0})
    found = decide(
        [DEFAULT, other],
        made,
        {"fp32": EXPORT, "int8_dynamic": export},
        params.perf,
        rounds_a_start=params.runoff.rounds,
        repetition=params.triton.repetition,
        variants=params.onnx.variants,
    )
    assert [each.eligible for each in found.finalists] == [True, False]
    assert "told_apart" not in metrics({}, found, Interval(1, 0.9, 1.1), None)["perf"]


def test_finalists_that_may_miss_a_limit_are_not_said_to_be_beaten(content: dict[str, Any]) -> None:
    """The words are about those that surely meet every limit, and say so: the table has another that is faster."""
    content["perf"]["slo"]["p95_ms"] = 50
    fast, slow = cell("off", 2), cell("delay_0us")
    cells = [DEFAULT, fast, slow, cell("delay_0us", 2)]
    measured = rounds({DEFAULT: 1000.0, fast: 3000.0, slow: 500.0, cells[3]: 1000.0})
    for each in measured:
        each["windows"][fast.name] |= window(3000.0, latency_factor=40)
    of_two = judged(cells[:3], measured, validate(content))
    assert [each.eligible for each in of_two.finalists] == [True, False, True]
    answer, alone, *_ = verdict_in_words(of_two, CELLS)
    assert answer.endswith("the default configuration: nothing that surely meets the limits beats it.")
    assert alone == "Every other finalist that surely meets the limits is worse, beyond chance."
    _, equals, *_ = verdict_in_words(judged(cells, measured, validate(content)), CELLS)
    assert (
        " had the best throughput of those that surely meet the limits; not told apart from it, nor beaten by another: "
        in equals
    )


def test_a_default_that_may_miss_a_limit_is_said_to(content: dict[str, Any]) -> None:
    """Who is recommended need not beat it, then: the ratio may lie on either side of 1."""
    content["perf"]["slo"]["p95_ms"] = 50
    slow = cell("off", 2)
    measured = rounds({DEFAULT: 1000.0, slow: 900.0})
    for each in measured:
        each["windows"][DEFAULT.name] |= window(1000.0, latency_factor=40)
    answer, *_ = verdict_in_words(judged([DEFAULT, slow], measured, validate(content)), CELLS)
    assert answer.startswith(f"**Run `{slow.name}`** (2 instances, no batching): 0.8")
    assert answer.endswith("`fp32-1-64-off` (1 instance, no batching), which does not surely meet every limit.")


def test_what_a_limit_kept_out_is_not_said_to_be_beaten(content: dict[str, Any]) -> None:
    """Cells that miss a limit may be as fast as they like: the sentences say why they are not there."""
    found = verdict(content, {DEFAULT: 1000.0})
    assert verdict_in_words(found, CELLS, failing=CELLS - 1) == [
        "**Run `fp32-1-64-off`** (1 instance, no batching), "
        "the default configuration: nothing that surely meets the limits beats it.",
        "5 configurations were left out before, for a limit that they miss.",
        "`fp32-1-64-off` was measured alone, at concurrency 8.",
    ]
    alone, two = verdict(content, {DEFAULT: 1000.0}), verdict(content, {DEFAULT: 1000.0, cell("off", 2): 1500.0})
    said = [metrics({}, each, Interval(1, 0.9, 1.1), None)["perf"].get("told_apart") for each in (alone, two)]
    assert said == [None, True]
    *_, left_out, method = verdict_in_words(found, CELLS, failing=1)
    assert left_out == "1 configuration was left out before, for a limit that it misses."
    assert method.endswith(": none of the 4 others came close.")


def test_a_running_server_is_visited_not_started(content: dict[str, Any]) -> None:
    """The sentence about the method does not claim restarts that did not happen."""
    content["triton"]["server"] = "url"
    content["runoff"]["rounds"] = 4
    assert (
        "4 rounds in each of 6 server visits"
        in verdict_in_words(verdict(content, {DEFAULT: 1000, cell("delay_0us"): 1500}), CELLS)[-1]
    )
