"""From rounds to ratios, intervals, words and the few numbers people compare."""

import copy
import math
from typing import Any

import numpy as np
import pytest

from analysis.level import batching_in_words, summarise_level
from analysis.ratio import Ratio, paired_ratio
from analysis.screening import MeasuredCell, screen
from parameters.cells import Cell


def statistics(requests: int, batch: int) -> dict[str, Any]:
    part = {"count": requests, "ns": requests * 1_000_000}
    return {
        "inference_count": requests,
        "execution_count": requests // batch,
        "inference_stats": dict.fromkeys(
            ("success", "queue", "compute_input", "compute_infer", "compute_output"), part
        ),
    }


def window(throughput: float, requests: int = 600, batch: int = 1) -> dict[str, Any]:
    latency = 8e6 / throughput
    row = {"Inferences/Second": throughput, "Avg latency": latency}
    row |= {f"{name} latency": latency for name in ("p50", "p95", "p99")}
    return {
        "perf_analyzer": row,
        "statistics": {"before": statistics(0, 1), "after": statistics(requests, batch)},
    }


def level(ratios: list[float], concurrency: int = 8, **settings: int) -> dict[str, Any]:
    rounds = [
        {"anchor": window(1000 + 10 * index), "candidate": window((1000 + 10 * index) * ratio, **settings)}
        for index, ratio in enumerate(ratios)
    ]
    return {"concurrency": concurrency, "rounds": rounds}


def test_a_ratio_is_the_geometric_mean_of_its_rounds() -> None:
    """Rounds of 2 and 1/2 average to 1, not to 1.25."""
    assert paired_ratio([2, 1], [1, 2]).ratio == pytest.approx(1)


def test_the_interval_is_students_t() -> None:
    """For logs 0.1, 0.2, 0.3 the half-width is 4.3027 x 0.1 / sqrt(3), by the printed table."""
    found = paired_ratio(np.exp([0.1, 0.2, 0.3]).tolist(), [1, 1, 1])
    half = 4.302652729911275 * 0.1 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((math.exp(0.2 - half), math.exp(0.2 + half)))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Of 4,000 simulated cells of 12 rounds, 95 % hold the true ratio, within chance."""
    random = np.random.default_rng(1)
    logs = random.normal(math.log(1.1), 0.1, (4000, 12))
    intervals = [paired_ratio(np.exp(row).tolist(), [1.0] * 12) for row in logs]
    covered = np.mean([each.low <= 1.1 <= each.high for each in intervals])
    assert 0.94 < covered < 0.96


@pytest.mark.parametrize(("above", "below"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([0.0, 1.0], [1.0, 1.0])])
def test_rounds_that_cannot_be_paired_are_refused(above: list[float], below: list[float]) -> None:
    """One round, unequal numbers of rounds, or a throughput of zero give no ratio."""
    with pytest.raises(ValueError, match="a ratio needs"):
        paired_ratio(above, below)


def test_a_level_holds_ratio_medians_and_effective_batch() -> None:
    """What a reader sees comes from the windows: ratios by round, medians, inferences an execution."""
    summary = summarise_level(level([1.2] * 12, batch=4))
    assert summary.throughput_ratio.ratio == pytest.approx(1.2)
    assert summary.latency_ratio.ratio == pytest.approx(1 / 1.2)
    assert summary.throughput == pytest.approx(1.2 * 1055)
    assert summary.effective_batch == 4
    assert summary.server_us["queue"] == pytest.approx(1000)


@pytest.mark.parametrize(("requests", "shown"), [(1000, {"p50", "p95", "p99"}), (999, {"p50", "p95"}), (199, {"p50"})])
def test_a_percentile_needs_ten_requests_beyond_it(requests: int, shown: set[str]) -> None:
    """Windows too short for a percentile leave it out instead of guessing."""
    latencies = summarise_level(level([1.0] * 12, requests=requests)).latency_us
    assert {name for name, value in latencies.items() if value is not None} == shown


@pytest.mark.parametrize(
    ("batching", "batch", "concurrency", "sentence"),
    [
        ("off", 1, 8, "Batching is off."),
        ("delay_0us", 1, 8, "Batching never happened: 1.00 inferences per execution."),
        ("delay_0us", 2, 8, "2.00 inferences per execution."),
        (
            "delay_500us_preferred_8",
            1,
            4,
            "Batching never happened: 1.00 inferences per execution; "
            "concurrency 4 can never fill the preferred batch 8, so requests wait the whole 500 µs.",
        ),
        (
            "delay_500us",
            4,
            8,
            "4.00 inferences per execution; "
            "concurrency 8 can never fill the preferred batch 64, so requests wait the whole 500 µs.",
        ),
        ("delay_500us_preferred_4", 4, 8, "4.00 inferences per execution."),
    ],
)
def test_batching_is_told_in_words(batching: str, batch: int, concurrency: int, sentence: str) -> None:
    """A reader learns whether batches formed, and when they never could."""
    summary = summarise_level(level([1.0] * 12, concurrency=concurrency, batch=batch))
    assert batching_in_words(Cell("fp32", 1, 64, batching), summary) == sentence


def measured(name: str, ratios: list[float]) -> MeasuredCell:
    return MeasuredCell(Cell("fp32", 1, 64, name), [summarise_level(level(ratios))])


def test_screening_names_the_best_and_its_equals() -> None:
    """A cell whose interval overlaps the best one's is not told apart from it; others are."""
    noise = [0.98, 1.02] * 6
    default = measured("off", noise)
    near = measured("delay_0us", [1.29 * value for value in noise])
    best = measured("delay_500us", [1.3 * value for value in noise])
    screening = screen([default, near, best], 8)
    assert (screening.best, screening.equals, screening.default) == (best, [near], default)


def test_an_interval_tells_whether_it_holds_one() -> None:
    """No difference is in the interval, or it is not."""
    assert Ratio(1.1, 0.9, 1.3).covers_one
    assert not Ratio(1.1, 1.05, 1.3).covers_one


def test_overlap_of_intervals_is_symmetric() -> None:
    """Order does not matter, touching counts, and a gap does not."""
    first, second, third = Ratio(1, 0.9, 1.1), Ratio(1.2, 1.1, 1.3), Ratio(2, 1.9, 2.1)
    assert first.overlaps(second)
    assert second.overlaps(first)
    assert not second.overlaps(third)


def test_summarising_does_not_change_the_raw_rounds() -> None:
    """Cells keep what was measured; everything derived is derived again."""
    raw = level([1.1] * 12)
    before = copy.deepcopy(raw)
    summarise_level(raw)
    assert raw == before
