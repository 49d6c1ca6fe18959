"""Intervals, when to stop, and which differences are real."""

import math
from itertools import pairwise

import numpy as np
import pytest

from assay.statistics.comparison import compare_all, possibly_equal, shaffer, spreads
from assay.statistics.interval import Interval
from assay.statistics.mean import mean_estimate
from assay.statistics.ratio import paired_ratio
from assay.statistics.share import share_estimate, share_of_blocks
from assay.statistics.stopping import LOOKS, enough, next_look


def test_a_ratio_is_the_geometric_mean_of_its_rounds() -> None:
    """Rounds of 2 and 1/2 average to 1, not to 1.25."""
    assert paired_ratio([2, 1], [1, 2]).value == pytest.approx(1)


def test_the_interval_is_students_t() -> None:
    """For logs 0.1, 0.2, 0.3 the half-width is 4.3027 x 0.1 / sqrt(3), by the printed table."""
    found = paired_ratio(np.exp([0.1, 0.2, 0.3]).tolist(), [1, 1, 1])
    half = 4.302652729911275 * 0.1 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((math.exp(0.2 - half), math.exp(0.2 + half)))
    assert found.reach == pytest.approx(math.exp(half) - 1)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Of 4,000 simulated cells of 12 rounds, 95 % hold the true ratio, within chance."""
    random = np.random.default_rng(1)
    logs = random.normal(math.log(1.1), 0.1, (4000, 12))
    intervals = [paired_ratio(np.exp(row).tolist(), [1.0] * 12) for row in logs]
    covered = np.mean([each.low <= 1.1 <= each.high for each in intervals])
    assert 0.94 < covered < 0.96


def test_stopping_on_precision_keeps_the_coverage() -> None:
    """Of 2,000 cells with heavy tails that stop when their interval is short, 94 % or more hold the truth."""
    random = np.random.default_rng(2)
    held = []
    for _ in range(2000):
        logs = 0.05 * random.standard_t(4, LOOKS[-1])
        stop = next(n for n in LOOKS if enough(logs[:n].tolist(), precision=0.05))
        held.append(paired_ratio(np.exp(logs[:stop]).tolist(), [1.0] * stop).covers_one)
    assert np.mean(held) >= 0.94


def test_a_level_stops_at_a_look_only() -> None:
    """Precise from the start, it stops after 12 rounds, not before, nor at 13; noisy, after 32."""
    sure, wild = [0.0, 0.001] * 20, [0.0, 1.1] * 20
    assert [n for n in range(33) if enough(sure[:n], 0.05)] == list(LOOKS)
    assert [n for n in range(34) if enough(wild[:n], 0.05)] == [32, 33]


def test_the_next_look_follows_the_rounds() -> None:
    """Progress counts towards the next look, and the last one is the end."""
    assert [next_look(n) for n in (0, 11, 12, 20, 31, 32, 40)] == [12, 12, 16, 24, 32, 32, 32]


@pytest.mark.parametrize(("above", "below"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([0.0, 1.0], [1.0, 1.0])])
def test_rounds_that_cannot_be_paired_are_refused(above: list[float], below: list[float]) -> None:
    """One round, unequal numbers of rounds, or a throughput of zero give no ratio."""
    with pytest.raises(ValueError, match="a ratio needs"):
        paired_ratio(above, below)


def test_an_interval_tells_whether_it_holds_one() -> None:
    """No difference is in the interval, or it is not."""
    assert Interval(1.1, 0.9, 1.3).covers_one
    assert not Interval(1.1, 1.05, 1.3).covers_one


def test_one_value_has_no_interval() -> None:
    """Nothing can be said about the spread of a single value."""
    with pytest.raises(ValueError, match="at least two"):
        mean_estimate([1.0])


def test_a_share_has_wilsons_interval() -> None:
    """Of 10 out of 10 the interval is 0.722 to 1, as in the published example."""
    found = share_estimate(10, 10)
    assert (found.low, found.high) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_pairs_that_may_be_equal_are_counted() -> None:
    """Of four things, all six pairs may be equal, or three, two, one, none: never four or five."""
    assert possibly_equal(4) == {0, 1, 2, 3, 6}
    assert possibly_equal(5) == {0, 1, 2, 3, 4, 6, 10}


def test_adjusting_follows_a_worked_example() -> None:
    """Of three things, the smallest p value counts three times, the others once: two pairs never are the equal ones."""
    assert shaffer([0.01, 0.04, 0.035], 3) == pytest.approx([0.03, 0.04, 0.035])
    # Six pairs of four things: 6, 3, 3, 3, 2 and 1 may still be equal.
    values = [0.001, 0.002, 0.01, 0.02, 0.03, 0.04]
    assert shaffer(values, 4) == pytest.approx([0.006, 0.006, 0.03, 0.06, 0.06, 0.06])


def test_adjusted_values_never_exceed_one_and_keep_the_order() -> None:
    """Adjusted values stay probabilities, and the larger of two stays the larger."""
    values = np.random.default_rng(3).uniform(0, 1, 21).tolist()
    adjusted = shaffer(values, 7)
    assert max(adjusted) <= 1
    ranked = [adjusted[index] for index in np.argsort(values)]
    assert all(first <= second for first, second in pairwise(ranked))


def test_comparing_two_is_the_paired_t_test() -> None:
    """For differences 1, 2, 3 the t value is 2 x sqrt(3) with 2 degrees of freedom: p = 0.0742."""
    (found,) = compare_all(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]))
    assert found.p == pytest.approx(0.0742, abs=1e-4)
    assert found.ratio.value == pytest.approx(math.exp(2))
    assert not found.is_different


def test_what_a_block_does_to_all_is_no_error() -> None:
    """A slow start of the server slows everything: the differences stay sure."""
    random = np.random.default_rng(4)
    blocks = random.normal(0, 1, (6, 1)) + random.normal(0, 0.001, (6, 4)) + np.array([0, 0, 0, 0.1])
    different = {(each.first, each.second) for each in compare_all(blocks) if each.is_different}
    assert different == {(0, 3), (1, 3), (2, 3)}


def test_equal_things_are_told_apart_in_one_experiment_of_twenty() -> None:
    """Over 2,000 run-offs of four equal finalists, any false difference shows in at most 5 %, within chance."""
    random = np.random.default_rng(5)
    false = [any(each.is_different for each in compare_all(random.normal(0, 1, (6, 4)))) for _ in range(2000)]
    assert np.mean(false) < 0.06


@pytest.mark.parametrize("noisy", [0, 2])
def test_one_noisy_thing_leads_nobody_astray(noisy: int) -> None:
    """Of equals of which one is three times as noisy, a false difference shows in 5 %; intervals hold in 95 %."""
    random = np.random.default_rng(6)
    spread = np.where(np.arange(4) == noisy, 3.0, 1.0)
    found = [compare_all(random.normal(0, spread, (6, 4))) for _ in range(2000)]
    assert np.mean([any(each.is_different for each in pairs) for pairs in found]) < 0.06
    concerned = [each.ratio for pairs in found for each in pairs if noisy in (each.first, each.second)]
    assert 0.93 < np.mean([each.covers_one for each in concerned]) < 0.97
    others = [each.ratio for pairs in found for each in pairs if noisy not in (each.first, each.second)]
    assert 0.93 < np.mean([each.covers_one for each in others]) < 0.97


def test_a_noisy_thing_is_known_by_its_spread() -> None:
    """What a start does to all is not counted; a thing of three times the noise shows about three times the spread."""
    random = np.random.default_rng(8)
    scores = random.normal(0, 1, (2000, 1)) + random.normal(0, [0.02, 0.02, 0.06, 0.02], (2000, 4))
    quiet, *_, last = found = spreads(scores)
    assert found[2] == pytest.approx(math.hypot(0.06, 0.02 / math.sqrt(3)), rel=0.1)
    assert quiet == pytest.approx(last, rel=0.1)


def test_a_share_over_blocks_has_the_spread_of_blocks() -> None:
    """Twelve blocks of which half hold 10 % and half none: 5 %, give or take what blocks differ, not requests."""
    found = share_of_blocks([100, 0] * 6, [1000] * 12)
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.0168, 0.0832), abs=1e-3)
    assert share_of_blocks([10**5, 2 * 10**5], [10**6, 2 * 10**6]).low == pytest.approx(0.1, abs=1e-3)


def test_blocks_that_agree_by_chance_know_no_more_than_independent_observations() -> None:
    """None of 41 late may be 8 % that are; of 14,400 it is surely less than the 1 % that a p99 allows."""
    few = share_of_blocks([0] * 6, [7, 8, 4, 8, 6, 8])
    assert (few.value, few.low, few.high) == pytest.approx((0, 0, 0.0857), abs=1e-4)
    assert share_of_blocks([0] * 12, [1200] * 12).high < 0.01
    assert share_of_blocks([4, 4], [4, 4]).low == pytest.approx(0.676, abs=1e-3)


def test_no_spread_at_all_is_no_doubt() -> None:
    """Scores without any error differ for certain instead of dividing by zero."""
    (found,) = compare_all(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert found.p == 0
