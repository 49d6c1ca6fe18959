"""Replay the stopping rule and the verdict on the pool, to see how often they are right.

Every replay draws server starts from the pool with replacement, and from each a run of
consecutive rounds, as blocks: what a start or a slow minute does to all its rounds stays
together. The rules are the pipeline's own. Each rate's 95 % interval is over the starts that
might have been in the pool, not over replays, of which there can be any number.

Reads   benchmarks/results/pool.jsonl
Writes  benchmarks/results/replay.json
Run     python benchmarks/replay.py
"""

from assay.ground.stage import run_stage

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.ground.process import StageError
from assay.machine.lock import machine_shared
from assay.statistics.comparison import compare_all
from assay.statistics.mean import mean_estimate
from assay.statistics.ratio import ratio_of_logs
from assay.statistics.stopping import LOOKS, enough
from assay.validation.schema import load_params
from pool import COPIES, LINKS, SLOWED
from record import RESULTS, runs_on_one_server

REPLAYS = 2000
# For an interval: so many pools, drawn from this one by their starts, replayed less often.
POOLS, REPLAYS_A_POOL = 100, 500
BUDGETS = [(3, 4), (3, 8), (6, 4), (6, 8), (6, 12), (6, 20), (12, 12)]
START_S = 5.0  # of a server with four models, its discarded windows included
DETECTION = 0.9

Pool = NDArray[np.float64]  # [starts, rounds, models]: logarithms of throughput
Judge = Callable[[Pool], float]  # of scores [starts, models]


def read_pool() -> tuple[Pool, list[str], int]:
    """Return the last run's pool, the models' names and the window length in milliseconds; raises StageError."""
    window_ms = load_params().perf.window_ms
    # Older entries, and those of another machine, have slower models with other effects.
    known = [run for run in runs_on_one_server("pool") if run["window_ms"] == window_ms and LINKS in run]
    if not known:
        raise StageError(f"benchmarks/results/pool.jsonl has no start with windows of {window_ms} ms; run pool.py")
    starts = [run for run in known if run[LINKS] == known[-1][LINKS]]
    names = [*COPIES, *SLOWED]
    values = [[[each[name]["throughput"] for name in names] for each in start["rounds"]] for start in starts]
    return np.log(np.array(values)), names, window_ms


def draw_cell(start: Pool, chance: np.random.Generator) -> Pool:
    """Return the rounds of a start, beginning anywhere and going on from its first: [rounds, models]."""
    return np.roll(start, -int(chance.integers(len(start))), axis=0)[: LOOKS[-1]]


def draw_runoff(pool: Pool, starts: int, rounds: int, chance: np.random.Generator) -> Pool:
    """Return the mean of each model in each of several starts: [starts, models]."""
    blocks = []
    for index in chance.integers(0, len(pool), starts):
        first = int(chance.integers(pool.shape[1] - rounds + 1))
        blocks.append(pool[index, first : first + rounds].mean(axis=0))
    return np.array(blocks)


def equalised(pool: Pool, models: list[int]) -> Pool:
    """Return the pool with the means of some models made equal, as those of identical models are.

    What they differ by in the pool is chance, which drawing from it again and again would
    take for the truth.
    """
    equal = pool.copy()
    means = pool[:, :, models].mean(axis=(0, 1))
    equal[:, :, models] -= means - means.mean()
    return equal


def replay_cell(pool: Pool, pairs: list[tuple[int, int]], precision: float) -> dict[str, Any]:
    """Return how cells of one model against another, the pairs in turn, come out: coverage, rounds, reach.

    The truth is the mean over the whole pool.
    """
    chance = np.random.default_rng(1)
    truths = np.exp([(pool[:, :, model] - pool[:, :, reference]).mean() for model, reference in pairs])
    covered, used, reaches = [], [], []
    for start in pool:
        hits = 0
        for replay in range(REPLAYS // len(pool)):
            model, reference = pairs[replay % len(pairs)]
            drawn = draw_cell(start, chance)
            logs = (drawn[:, model] - drawn[:, reference]).tolist()
            stop = next(n for n in range(1, LOOKS[-1] + 1) if enough(logs[:n], precision))
            ratio = ratio_of_logs(logs[:stop])
            hits += ratio.low <= truths[replay % len(pairs)] <= ratio.high
            used.append(stop)
            reaches.append(ratio.reach)
        covered.append(hits / (REPLAYS // len(pool)))
    return {
        "truth": float(np.exp(np.log(truths).mean())),
        "coverage": asdict(mean_estimate(covered)),
        "median_rounds": float(np.median(used)),
        "median_reach": float(np.median(reaches)),
    }


def beats(scores: Pool, default: int) -> bool:
    """Return whether the verdict says that something is better than the default configuration."""
    best = int(scores.mean(axis=0).argmax())
    return best != default and any(
        {each.first, each.second} == {best, default} and each.is_different for each in compare_all(scores)
    )


def replay_runoff(
    pool: Pool, models: list[int], starts: int, rounds: int, judge: Judge, *, replays: int = REPLAYS
) -> float:
    """Return the mean of `judge`'s word on replayed run-offs of some of the models."""
    chance = np.random.default_rng(starts * 1000 + rounds)
    words = [judge(draw_runoff(pool, starts, rounds, chance)[:, models]) for _ in range(replays)]
    return float(np.mean(words))


def rate(pool: Pool, replay: Callable[[Pool, int], float], copies: list[int]) -> dict[str, float]:
    """Return how often something happens in replays of the pool, with the 95 % interval of pools like it."""
    chance = np.random.default_rng(1)
    drawn = [equalised(pool[chance.integers(0, len(pool), len(pool))], copies) for _ in range(POOLS)]
    low, high = np.quantile([replay(each, REPLAYS_A_POOL) for each in drawn], [0.025, 0.975])
    return {"value": replay(pool, REPLAYS), "low": float(low), "high": float(high)}


def interval_coverage(pool: Pool, models: list[int], starts: int, rounds: int, replays: int) -> float:
    """Return how often the intervals of the first model's ratios to the others hold the pool's own."""
    truths = np.exp((pool[:, :, models[:1]] - pool[:, :, models]).mean(axis=(0, 1)))

    def covers(scores: Pool) -> float:
        ratios = [each.ratio for each in compare_all(scores) if each.first == 0]
        return float(np.mean([each.low <= truth <= each.high for each, truth in zip(ratios, truths[1:], strict=True)]))

    return replay_runoff(pool, models, starts, rounds, covers, replays=replays)


def smallest_detectable(pool: Pool, copies: list[int], starts: int, rounds: int) -> float | None:
    """Return the advantage that one of four equals needs to be found in 90 % of run-offs; None beyond 50 %."""

    def is_found(scores: Pool) -> bool:
        return beats(scores + shift, 0)

    shift = np.zeros(len(copies))
    for advantage in np.arange(0.01, 0.51, 0.01):
        shift[1] = math.log1p(advantage)
        if replay_runoff(pool, copies, starts, rounds, is_found) >= DETECTION:
            return float(advantage)
    return None


@machine_shared()
def main() -> None:
    params = load_params()
    pool, names, window_ms = read_pool()
    copies = [names.index(name) for name in COPIES]
    pool = equalised(pool, copies)
    precision, starts, rounds = params.screening.precision, params.runoff.starts, params.runoff.rounds
    round_s = 4 * (3 * 1.2 * window_ms / 1000 + 0.1)
    slower = {name: names.index(name) for name in SLOWED}

    def found_out(models: list[int], s: int = starts, r: int = rounds) -> dict[str, float]:
        return rate(pool, lambda each, n: replay_runoff(each, models, s, r, lambda x: beats(x, 0), replays=n), copies)

    def covered(models: list[int]) -> dict[str, float]:
        return rate(pool, lambda each, n: interval_coverage(each, models, starts, rounds, n), copies)

    result: dict[str, Any] = {
        "pool": {"starts": len(pool), "rounds": pool.shape[1], "window_ms": window_ms},
        "replays": REPLAYS,
        "true_effects": {
            name: 1 - math.exp(float((pool[:, :, model] - pool[:, :, copies].mean(axis=2)).mean()))
            for name, model in slower.items()
        },
        "cells": {
            "equal": replay_cell(pool, list(itertools.permutations(copies, 2)), precision),
            **{
                name: replay_cell(pool, [(model, copy) for copy in copies], precision) for name, model in slower.items()
            },
        },
        "runoff": {
            "starts": starts,
            "rounds": rounds,
            "false_winner": found_out(copies),
            "detection": {name: found_out([model, *copies[:3]]) for name, model in slower.items()},
            "coverage": {
                "equal": covered(copies),
                **{name: covered([model, *copies[:3]]) for name, model in slower.items()},
            },
        },
        "smallest_detectable": [
            {
                "starts": s,
                "rounds": r,
                "seconds": round(s * (START_S + r * round_s), 1),
                "advantage": smallest_detectable(pool, copies, s, r),
                "false_winner": found_out(copies, s, r),
            }
            for s, r in BUDGETS
        ],
    }
    (RESULTS / "replay.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run_stage(main)
