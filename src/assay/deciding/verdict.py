"""Decide between the finalists of the run-off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.deciding.objective import OBJECTIVES, Objective
from assay.deciding.slo import Check, answer_to_all, check_all
from assay.ground.numerals import counted
from assay.ground.records.measured import Round
from assay.measuring.journal import complete_starts
from assay.measuring.readings import throughput
from assay.params.cells import Cell
from assay.params.perf import Perf
from assay.statistics.comparison import Comparison, compare_all, spreads
from assay.statistics.interval import Interval
from assay.statistics.limit import Answer
from assay.statistics.ratio import ratio_of_logs

Exports = dict[str, dict[str, Any]]  # of each variant: its classifier's entry in reports/onnx/<variant>.json


@dataclass(frozen=True)
class Finalist:
    """A configuration in the run-off: its objective's value and how it compares with the default one.

    `value` is the geometric mean over the starts, in the objective's unit; `against_default`
    is above 1 where this one is better, None for the default configuration itself; `beats_default`
    whether it is surely better, all pairs that may be recommended considered. `spread` is
    how much its objective varied between starts beyond what all finalists shared: a standard
    deviation, as a share. `throughput` is the median window's, in inferences per second.
    """

    cell: Cell
    value: float
    throughput: float
    against_default: Interval | None
    beats_default: bool
    spread: float
    checks: list[Check]

    @property
    def answer(self) -> Answer:
        """Whether it meets every limit."""
        return answer_to_all(self.checks)

    @property
    def eligible(self) -> bool:
        """Whether it surely meets every limit: no other is considered."""
        return self.answer == "meets"


@dataclass(frozen=True)
class Verdict:
    """What the run-off says; numbers and names alone, so that a file can hold it.

    The default configuration is the first finalist. `objective_name`, `equal_names` and
    `recommended_name` are those of `objective`, `equals` and `recommended`.
    """

    objective_name: str
    concurrency: int
    starts: int
    repetition: str
    rounds: int
    finalists: list[Finalist]
    equal_names: list[str]
    recommended_name: str | None

    @property
    def objective(self) -> Objective:
        """What makes one configuration better than another."""
        return OBJECTIVES[self.objective_name]

    @property
    def equals(self) -> list[Finalist]:
        """The eligible finalists that no other one surely beats: the best, which comes first, and its equals."""
        return [self.finalist(name) for name in self.equal_names]

    @property
    def recommended(self) -> Finalist | None:
        """The simplest of the equals, of those that beat the default configuration if it is none of them.

        None if no finalist surely meets every limit.
        """
        return None if self.recommended_name is None else self.finalist(self.recommended_name)

    def finalist(self, name: str) -> Finalist:
        """Return a finalist by its cell's name."""
        (found,) = (each for each in self.finalists if each.cell.name == name)
        return found

    @property
    def repetitions(self) -> str:
        """What the rounds were repeated over, in words."""
        return counted(self.starts, self.repetition)

    @property
    def default(self) -> Finalist:
        """The default configuration."""
        return self.finalists[0]

    @property
    def default_is_unbeaten(self) -> bool:
        """Whether nothing is surely better than the default configuration."""
        return self.default in self.equals


def simplicity(cell: Cell, variants: Sequence[str]) -> tuple[Any, ...]:
    """Return a key that sorts the simplest configuration first.

    No batching comes before batching, then fewer instances, then the earlier variant of
    `onnx.variants`, then no option and the share of the cores as threads, then the shorter delay,
    fewer preferred sizes and the smaller batch.
    """
    batching = cell.batching
    return (
        batching is not None,
        cell.instances,
        variants.index(cell.variant),
        bool(cell.option),
        cell.threads or 0,
        batching.delay_us if batching else 0,
        len(batching.preferred) if batching else 0,
        cell.max_batch_size,
    )


def decide(
    cells: Sequence[Cell],
    rounds: Sequence[Round],
    exports: Exports,
    perf: Perf,
    *,
    rounds_a_start: int,
    repetition: str,
    variants: Sequence[str],
) -> Verdict:
    """Return the verdict on `cells`, the default configuration first, from the run-off's rounds.

    What those are repeated over is the `repetition`, in words; `variants` are in the order of params.yaml.
    """
    objective = OBJECTIVES[perf.objective]
    blocks = complete_starts(rounds, rounds_a_start)
    scores = np.array(
        [
            [np.mean([objective.score(each["windows"][cell.name]) for each in block]) for cell in cells]
            for block in blocks
        ]
    )
    checks = [
        check_all(
            perf.slo,
            [[each["windows"][cell.name] for each in block] for block in blocks],
            exports[cell.variant],
            cell,
        )
        for cell in cells
    ]
    eligible = [index for index, each in enumerate(checks) if answer_to_all(each) == "meets"]
    comparisons = _comparisons(scores, eligible)
    sign = 1 if objective.more_is_better else -1
    finalists = [
        Finalist(
            cell,
            math.exp(sign * float(scores[:, index].mean())),
            median(throughput(each["windows"][cell.name]) for block in blocks for each in block),
            None if index == 0 else ratio_of_logs((scores[:, index] - scores[:, 0]).tolist()),
            (0, index) in comparisons and comparisons[0, index].second_is_better,
            spread,
            checks[index],
        )
        for index, (cell, spread) in enumerate(zip(cells, spreads(scores), strict=True))
    ]
    equals = _equals(eligible, scores.mean(axis=0).tolist(), comparisons)
    worth_a_change = equals
    if 0 in eligible and 0 not in equals:  # something beats the default configuration; not every one of these may
        worth_a_change = [index for index in equals if finalists[index].beats_default] or equals
    recommended = min(worth_a_change, key=lambda index: simplicity(cells[index], variants), default=None)
    return Verdict(
        objective_name=objective.name,
        concurrency=perf.deciding_concurrency,
        starts=len(blocks),
        repetition=repetition,
        rounds=rounds_a_start,
        finalists=finalists,
        equal_names=[cells[index].name for index in equals],
        recommended_name=None if recommended is None else cells[recommended].name,
    )


def _comparisons(scores: NDArray[np.float64], eligible: list[int]) -> dict[tuple[int, int], Comparison]:
    """Return the comparison of every pair that can decide something: of finalists that may be recommended."""
    if len(eligible) < 2:
        return {}
    return {(eligible[each.first], eligible[each.second]): each for each in compare_all(scores[:, eligible])}


def _equals(eligible: list[int], scores: list[float], comparisons: dict[tuple[int, int], Comparison]) -> list[int]:
    """Return those of the eligible that no other surely beats, the better ones first.

    The best is one of them, and none of the others differs from it. Not all that do not differ from it are: where the
    best one is noisy, so is one that another, steadier finalist surely beats.
    """
    different = [(pair, each) for pair, each in comparisons.items() if each.is_different]
    beaten = {first if each.second_is_better else second for (first, second), each in different}
    return sorted(set(eligible) - beaten, key=lambda index: scores[index], reverse=True)
