"""Replay the stopping rule and the verdict on the pool, to see how often they are right.

Every replay draws server starts from the pool with replacement, and from each a run of
consecutive rounds, as blocks: what a start or a slow minute does to all its rounds stays
together. The rules are the pipeline's own.

Reads   benchmarks/results/pool.jsonl
Writes  benchmarks/results/replay.json
Run     PYTHONPATH=stages python benchmarks/replay.py
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parameters.schema import load_params
from pool import COPIES, LINKS, SLOWED
from record import RESULTS, runs
from runtime.process import run_stage
from uncertainty.comparison import compare_all
from uncertainty.mean import share_estimate
from uncertainty.ratio import paired_ratio
from uncertainty.stopping import LOOKS, enough

REPLAYS = 2000
BUDGETS = [(3, 4), (3, 8), (6, 4), (6, 8), (6, 12), (6, 20), (12, 12)]
START_S = 5.0  # of a server with four models, its discarded windows included
DETECTION = 0.9

Pool = NDArray[np.float64]  # [starts, rounds, models]: logarithms of throughput


def read_pool() -> tuple[Pool, list[str], int]:
    """Return the pool, the models' names and the window length in milliseconds."""
    window_ms = load_params().perf.window_ms
    every = [run for run in runs("pool") if run["window_ms"] == window_ms]
    # Of the newest kind that there is: the slower models of another have other effects.
    starts = [run for run in every if LINKS in run] or [run for run in every if "links" in run]
    names = [*COPIES, *SLOWED]
    values = [[[each[name]["throughput"] for name in names] for each in start["rounds"]] for start in starts]
    return np.log(np.array(values)), names, window_ms


def rate(outcomes: list[bool]) -> dict[str, float]:
    """Return the share of replays in which something happened, with its 95 % interval."""
    return asdict(share_estimate(sum(outcomes), len(outcomes)))


def draw_cell(pool: Pool, chance: np.random.Generator) -> Pool:
    """Return the rounds of one start, beginning anywhere and going on from its first: [rounds, models]."""
    start = pool[chance.integers(len(pool))]
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


def replay_cell(pool: Pool, model: int, reference: int, precision: float, seed: int) -> dict[str, Any]:
    """Return how a cell of one model against another comes out: coverage, rounds, reach.

    The truth is the mean over the whole pool.
    """
    chance = np.random.default_rng(seed)
    truth = math.exp(float((pool[:, :, model] - pool[:, :, reference]).mean()))
    covered, used, reaches = [], [], []
    for _ in range(REPLAYS):
        speeds = np.exp(draw_cell(pool, chance))
        candidate, anchor = speeds[:, model].tolist(), speeds[:, reference].tolist()
        stop = next(n for n in range(1, LOOKS[-1] + 1) if enough(candidate[:n], anchor[:n], precision))
        ratio = paired_ratio(candidate[:stop], anchor[:stop])
        covered.append(ratio.low <= truth <= ratio.high)
        used.append(stop)
        reaches.append(ratio.reach)
    return {
        "truth": truth,
        "coverage": rate(covered),
        "median_rounds": float(np.median(used)),
        "median_reach": float(np.median(reaches)),
    }


def beats(scores: Pool, default: int) -> bool:
    """Return whether the verdict says that something is better than the default configuration."""
    best = int(scores.mean(axis=0).argmax())
    return best != default and any(
        {each.first, each.second} == {best, default} and each.is_different for each in compare_all(scores)
    )


def replay_runoff(pool: Pool, models: list[int], starts: int, rounds: int, judge: Callable[[Pool], bool]) -> list[bool]:
    """Return `judge`'s word on each replayed run-off of some of the models."""
    chance = np.random.default_rng(starts * 1000 + rounds)
    return [judge(draw_runoff(pool, starts, rounds, chance)[:, models]) for _ in range(REPLAYS)]


def interval_coverage(pool: Pool, models: list[int], starts: int, rounds: int) -> dict[str, float]:
    """Return how often the interval of the first two models' ratio holds the pool's own."""
    truth = math.exp(float((pool[:, :, models[0]] - pool[:, :, models[1]]).mean()))

    def covers(scores: Pool) -> bool:
        ratio = compare_all(scores)[0].ratio
        return ratio.low <= truth <= ratio.high

    return rate(replay_runoff(pool, models, starts, rounds, covers))


def smallest_detectable(pool: Pool, copies: list[int], starts: int, rounds: int) -> float | None:
    """Return the advantage that one of four equals needs to be found in 90 % of run-offs; None beyond 50 %."""

    def is_found(scores: Pool) -> bool:
        return beats(scores + shift, 0)

    shift = np.zeros(len(copies))
    for advantage in np.arange(0.01, 0.51, 0.01):
        shift[1] = math.log1p(advantage)
        if np.mean(replay_runoff(pool, copies, starts, rounds, is_found)) >= DETECTION:
            return float(advantage)
    return None


def main() -> None:
    params = load_params()
    pool, names, window_ms = read_pool()
    copies = [names.index(name) for name in COPIES]
    pool = equalised(pool, copies)
    starts, rounds = params.perf.runoff.starts, params.perf.runoff.rounds
    round_s = 4 * (3 * 1.2 * window_ms / 1000 + 0.1)
    result: dict[str, Any] = {
        "pool": {"starts": len(pool), "rounds": pool.shape[1], "window_ms": window_ms},
        "replays": REPLAYS,
        "true_effects": {
            name: 1 - math.exp(float((pool[:, :, names.index(name)] - pool[:, :, copies].mean(axis=2)).mean()))
            for name in SLOWED
        },
        "cells": {
            "equal": replay_cell(pool, copies[0], copies[1], params.perf.precision, seed=1),
            **{name: replay_cell(pool, names.index(name), copies[0], params.perf.precision, seed=2) for name in SLOWED},
        },
        "runoff": {
            "starts": starts,
            "rounds": rounds,
            "false_winner": rate(replay_runoff(pool, copies, starts, rounds, lambda scores: beats(scores, 0))),
            "detection": {
                name: rate(
                    replay_runoff(
                        pool, [names.index(name), *copies[:3]], starts, rounds, lambda scores: beats(scores, 0)
                    )
                )
                for name in SLOWED
            },
            "coverage": {
                "equal": interval_coverage(pool, copies, starts, rounds),
                **{name: interval_coverage(pool, [names.index(name), *copies[:3]], starts, rounds) for name in SLOWED},
            },
        },
        "smallest_detectable": [
            {
                "starts": s,
                "rounds": r,
                "seconds": round(s * (START_S + r * round_s), 1),
                "advantage": smallest_detectable(pool, copies, s, r),
                "false_winner": rate(replay_runoff(pool, copies, s, r, lambda scores: beats(scores, 0))),
            }
            for s, r in BUDGETS
        ],
    }
    (RESULTS / "replay.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run_stage(main)
