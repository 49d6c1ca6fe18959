"""Replay the verdict on different configurations, whose noise differs, with truths that were planted.

The pool holds visits to six configurations of one model. Of each visit and configuration the
mean is taken away, so that all are equal in truth; what is left is their noise, with what a start
does to all of them. One is then made three times as noisy, or better by a planted effect. A
replay draws whole starts, of any visit, and lets the pipeline's own rules decide between four
finalists, the default configuration among them. Each rate's 95 % interval is over the starts
that might have been in the pool. The same is asked of normal noise with the variances that the
pool has: a replay draws few different starts again and again, a simulation never does.

Reads   benchmarks/results/configurations.jsonl
Writes  benchmarks/results/replay_configurations.json
Run     python benchmarks/replay_configurations.py
"""

from assay.ground.stage import run_stage

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.ground.files import write_json
from assay.machine.lock import machine_shared
from assay.statistics.comparison import compare_all
from assay.validation.schema import load_params
from between_hours import visits_on_one_machine
from record import RESULTS
from replay import DETECTION, POOLS, REPLAYS, REPLAYS_A_POOL, beats

FINALISTS = 4
NOISIER = 3.0
EFFECT = 0.10
BUDGETS = [(6, 12), (8, 12), (10, 8), (10, 12), (12, 12), (16, 8), (16, 12)]
# Of a server with four finalists, its discarded windows and checks included, and of a round of theirs.
START_S, ROUND_S = 1.9, 0.84

Noise = NDArray[np.float64]  # [starts, rounds, configurations], the default one first
Draw = Callable[[np.random.Generator, int, int], NDArray[np.float64]]  # a run-off: [starts, finalists]
Judge = Callable[[NDArray[np.float64]], float]
Factors = tuple[float, float, float, float]
Budget = tuple[int, int]
TRUTHS: dict[str, Factors] = {
    "as it is": (1, 1, 1, 1),
    "one noisier": (1, NOISIER, 1, 1),
    "default noisier": (NOISIER, 1, 1, 1),
}


def noise_of(visits: list[NDArray[np.float64]]) -> Noise:
    """Return what is left of visits, [starts, rounds, configurations] each, without the means of their configurations.

    What a round does to all of them is left out, too: it is in no difference. A mean of n starts
    takes a share 1/n of their variance away, which is given back.
    """
    own = [each - each.mean(axis=2, keepdims=True) for each in visits]
    return np.concatenate([(each - each.mean(axis=(0, 1))) * math.sqrt(len(each) / (len(each) - 1)) for each in own])


def with_the_defaults(noise: Noise) -> Noise:
    """Return the noise of every configuration scaled to that of the default one."""
    spread = noise.mean(axis=1).std(axis=0)
    return np.asarray(noise * (spread[0] / spread))


def replayed(noise: Noise, factors: Factors, advantage: float = 0.0) -> Draw:
    """Return how a run-off is drawn: whole starts, a run of consecutive rounds of each, four configurations.

    `factors` scale the noise of the finalists; the second is better by a share, the advantage.
    """
    effects = np.array([0, math.log1p(advantage), 0, 0])

    def draw(chance: np.random.Generator, starts: int, rounds: int) -> NDArray[np.float64]:
        others = chance.permutation(np.arange(1, noise.shape[2]))[: FINALISTS - 1]
        rows = chance.integers(0, len(noise), starts)
        first = chance.integers(0, noise.shape[1] - rounds + 1, starts)
        means = [noise[row, begin : begin + rounds].mean(axis=0) for row, begin in zip(rows, first, strict=True)]
        return np.asarray(np.array(means)[:, [0, *others]] * np.array(factors) + effects)

    return draw


def simulated(noise: Noise, factors: Factors) -> Draw:
    """Return how a run-off of normal noise is drawn, with the variances of the pool's configurations."""
    spread = noise.mean(axis=1).std(axis=0)

    def draw(chance: np.random.Generator, starts: int, _rounds: int) -> NDArray[np.float64]:
        others = chance.permutation(np.arange(1, len(spread)))[: FINALISTS - 1]
        return np.asarray(chance.normal(0, spread[[0, *others]], (starts, FINALISTS)) * np.array(factors))

    return draw


def is_any_different(scores: NDArray[np.float64]) -> float:
    """Return 1 if any pair is told apart, which in truth none is."""
    return float(any(each.is_different for each in compare_all(scores)))


def holds_one(scores: NDArray[np.float64]) -> float:
    """Return how many of the intervals hold the truth: no difference."""
    return float(np.mean([each.ratio.covers_one for each in compare_all(scores)]))


def mean_word(draw: Draw, judge: Judge, starts: int, rounds: int, replays: int) -> float:
    """Return the mean of a judge's word on run-offs."""
    chance = np.random.default_rng(1000 * starts + rounds)
    return float(np.mean([judge(draw(chance, starts, rounds)) for _ in range(replays)]))


def rate(noise: Noise, judge: Judge, factors: Factors, budget: Budget) -> dict[str, float]:
    """Return how often something happens among equals, with the 95 % interval of pools like this one."""
    chance = np.random.default_rng(1)
    value = mean_word(replayed(noise, factors), judge, *budget, REPLAYS)
    pools = [noise[chance.integers(0, len(noise), len(noise))] for _ in range(POOLS)]
    centred = [each - each.mean(axis=(0, 1)) for each in pools]
    found = [mean_word(replayed(each, factors), judge, *budget, REPLAYS_A_POOL) for each in centred]
    low, high = np.quantile(found, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}


def is_found(scores: NDArray[np.float64]) -> float:
    """Return 1 if something is said to be better than the default configuration."""
    return float(beats(scores, 0))


def found_by_budget(noise: Noise) -> list[dict[str, Any]]:
    """Return how often an effect is found by finalists with the default's noise, after so many starts and rounds."""
    equal = with_the_defaults(noise)
    return [
        {
            "starts": starts,
            "rounds": rounds,
            "seconds": round(starts * (START_S + rounds * ROUND_S)),
            **{
                name: mean_word(replayed(equal, factors, EFFECT), is_found, starts, rounds, REPLAYS)
                for name, factors in TRUTHS.items()
            },
        }
        for starts, rounds in BUDGETS
    ]


def smallest_found(noise: Noise, factors: Factors, budget: Budget) -> float | None:
    """Return the advantage that is found in nine run-offs of ten; None beyond 60 %."""
    equal = with_the_defaults(noise)
    for percent in range(2, 61):
        if mean_word(replayed(equal, factors, percent / 100), is_found, *budget, REPLAYS // 4) >= DETECTION:
            return percent / 100
    return None


@machine_shared()
def main() -> None:
    params, runs = load_params(), visits_on_one_machine()
    names = runs[0]["configurations"]
    visits = [
        np.log([[[each[name]["throughput"] for name in names] for each in start] for start in run["starts"]])
        for run in runs
    ]
    noise, budget = noise_of(visits), (params.runoff.starts, params.runoff.rounds)
    spreads = noise.mean(axis=1).std(axis=0, ddof=1).round(4).tolist()
    result: dict[str, Any] = {
        "pool": {
            "visits": len(runs),
            "starts": len(noise),
            "rounds": noise.shape[1],
            "window_ms": runs[-1]["window_ms"],
        },
        "spread_between_starts": dict(zip(names, spreads, strict=True)),
        "runoff": {"starts": budget[0], "rounds": budget[1], "finalists": FINALISTS, "replays": REPLAYS},
        "replayed": {
            name: {
                "false_difference": rate(noise, is_any_different, factors, budget),
                "coverage": rate(noise, holds_one, factors, budget),
                "smallest_found": smallest_found(noise, factors, budget),
            }
            for name, factors in TRUTHS.items()
        },
        "simulated": {
            name: {
                "false_difference": mean_word(simulated(noise, factors), is_any_different, *budget, 5 * REPLAYS),
                "coverage": mean_word(simulated(noise, factors), holds_one, *budget, 5 * REPLAYS),
            }
            for name, factors in TRUTHS.items()
        },
        "found": {"effect": EFFECT, "budgets": found_by_budget(noise)},
    }
    write_json(RESULTS / "replay_configurations.json", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run_stage(main)
