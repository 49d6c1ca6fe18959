"""Replay races from a pool, by several schedules, and say how much worse the best that is left is than the best of all.

A replay takes the rounds of one start in random order, lets a schedule decide who leaves, and asks what the best of
those that are left is worth; the truth is the mean of all rounds of the other starts. Which of them is the best, the
run-off tells. How often that finds a winner where none is, is asked of configurations made equal.

Reads   benchmarks/results/race_pool.jsonl
Writes  benchmarks/results/replay_races.json
Run     python benchmarks/replay_races.py
"""

from assay.ground.stage import run_stage

import json
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.ground.files import write_json
from assay.racing.schedule import Rung, ends, next_rung, windows
from assay.racing.standing import Judgement, contenders
from assay.statistics.comparison import paired_p
from assay.validation.schema import load_params
from race_pool import ROUNDS
from record import RESULTS, runs
from replay import REPLAYS, beats
from replay_configurations import noise_of

SURVIVORS = 4
# With so many survivors, the rules of the pipeline itself are replayed, to the finalists that they choose; fewer take
# more rounds than the pool has.
NUMBERS = (4, 6)
LEVEL = 0.05  # of a test of the race by tests
LONGEST = 12  # rounds of it

Scores = NDArray[np.float64]  # [rounds, configurations], the default one first
Schedule = Callable[[Scores], tuple[list[int], int]]  # who is left, and how many windows that took


def halving(scores: Scores, rung_of: Callable[[int], Rung | None]) -> tuple[list[int], int]:
    """Let the worse part of those that are left leave at the end of each rung, by the mean of all rounds so far.

    Raises ValueError if that takes more rounds than there are.
    """
    left, used, taken = list(range(scores.shape[1])), 0, 0
    while rung := rung_of(len(left)):
        used += rung.rounds
        if used > len(scores):
            raise ValueError(f"{used} rounds of {len(scores)}")
        taken += rung.rounds * (len(left) + 1)
        means = scores[:used].mean(axis=0)
        better = sorted(left[1:], key=lambda place: -means[place])
        left = [0, *better[: rung.kept - 1]]
    return left, taken


def by_tests(scores: Scores) -> tuple[list[int], int]:
    """Let those leave after each round, from the third on, that a paired t test against the best finds worse.

    Birattari and others 2002, F-race, with the t test in place of Friedman's; the best of those that are left at the
    end stay.
    """
    left, taken = list(range(scores.shape[1])), 0
    for used in range(1, LONGEST + 1):
        taken += len(left) + 1
        if used < 3:
            continue
        table = scores[:used]
        best = max(left, key=lambda place: table[:, place].mean())
        left = [place for place in left if place in (0, best) or not _worse(table[:, place] - table[:, best])]
        if len(left) <= SURVIVORS:
            break
    means = scores[:used].mean(axis=0)
    return [0, *sorted(left[1:], key=lambda place: -means[place])[: SURVIVORS - 1]], taken


def _worse(differences: NDArray[np.float64]) -> bool:
    return bool(differences.mean() < 0 and paired_p(differences) < LEVEL)


def rung(entrants: int, *, few: int, many: int, kept: float) -> Rung | None:
    """Return a rung: few rounds of many entrants, many of few of them."""
    if entrants <= SURVIVORS:
        return None
    rounds = many if entrants <= 4 * SURVIVORS else few
    return Rung(entrants, rounds, max(SURVIVORS, round(kept * entrants)))


def doubling(entrants: int, *, first: int) -> Rung | None:
    """Return a rung of sequential halving, as the pipeline's are, with another number of windows."""
    if entrants <= SURVIVORS:
        return None
    return Rung(entrants, max(1, first // entrants), max(SURVIVORS, entrants // 2))


def to_finalists(scores: Scores, survivors: int) -> tuple[list[int], int]:
    """Run a race as the pipeline does, and choose the finalists among those that are left.

    Raises ValueError if that takes more rounds than there are.
    """
    names = [str(place) for place in range(scores.shape[1])]
    if (needed := max(ends(len(names), survivors), default=0)) > len(scores):
        raise ValueError(f"{needed} rounds of {len(scores)}")
    rounds: Any = [{"windows": dict(zip(names, each, strict=True))} for each in scores.tolist()]
    taken: Any = rounds[:needed]
    heat: Any = {"entrants": names, "survivors": survivors, "rounds": taken, "fell_out": {}}
    found = contenders(heat, lambda window: window, lambda *_: Judgement())  # type: ignore[arg-type,return-value]  # of scores
    return [int(name) for name in found], windows(len(names), survivors)


SCHEDULES: dict[str, Schedule] = {
    "as it is": partial(halving, rung_of=partial(next_rung, survivors=SURVIVORS)),
    "half as many windows a rung": partial(halving, rung_of=partial(doubling, first=32)),
    "2 then 4 rounds": partial(halving, rung_of=partial(rung, few=2, many=4, kept=0.5)),
    "2 rounds throughout": partial(halving, rung_of=partial(rung, few=2, many=2, kept=0.5)),
    "3 then 4 rounds": partial(halving, rung_of=partial(rung, few=3, many=4, kept=0.5)),
    "1 then 4 rounds": partial(halving, rung_of=partial(rung, few=1, many=4, kept=0.5)),
    "2 then 4 rounds, a third stays": partial(halving, rung_of=partial(rung, few=2, many=4, kept=1 / 3)),
    "paired tests": by_tests,
}


def of_one_matrix(workload: str) -> list[dict[str, Any]]:
    """Return the starts of a workload with its newest matrix, and as many rounds as any schedule takes."""
    found = [run for run in runs("race_pool") if run["workload"] == workload and len(run["rounds"]) >= ROUNDS]
    return [run for run in found if run["configurations"] == found[-1]["configurations"]]


def tables(starts: Sequence[dict[str, Any]]) -> list[Scores]:
    """Return the scores of each start; what a round does to all is in no difference, and left out."""
    names = starts[0]["configurations"]
    found = [np.array([[each[name] for name in names] for each in start["rounds"]]) for start in starts]
    return [each - each.mean(axis=1, keepdims=True) for each in found]


def replayed(pool: Sequence[Scores], schedule: Schedule) -> dict[str, float]:
    """Return by how much the best that is left is worse than the best of all, as a share, and windows."""
    chance, regrets, taken = random.Random(0), list[float](), list[int]()  # noqa: S311  the same for each schedule
    finalists = list[int]()
    for _ in range(REPLAYS):
        place = chance.randrange(len(pool))
        truth = np.mean([each.mean(axis=0) for other, each in enumerate(pool) if other != place], axis=0)
        order = chance.sample(range(len(pool[place])), len(pool[place]))
        left, took = schedule(pool[place][order])
        regrets.append(float(1 - np.exp(truth[left].max() - truth.max())))
        taken.append(took)
        finalists.append(len(left))
    return {
        "windows": float(np.median(taken)),
        "left": round(float(np.mean(finalists)), 1),
        "regret_median": round(float(np.median(regrets)), 4),
        "regret_95": round(float(np.quantile(regrets, 0.95)), 4),
    }


def false_winners(pool: Sequence[Scores], race: Schedule, starts: int, rounds: int) -> float:
    """Return how often something is said to beat the default configuration, of which in truth all are equals.

    They are once the truth of the other starts is taken away. A race in one start chooses the finalists; whole starts
    out of the others, any of them any number of times, are their run-off.
    """
    chance = np.random.default_rng(0)
    others = [np.delete(np.array(pool), place, axis=0) for place in range(len(pool))]
    equals = [each - rest.mean(axis=(0, 1)) for each, rest in zip(pool, others, strict=True)]
    noises = [noise_of([rest]) for rest in others]
    won = list[bool]()
    for _ in range(REPLAYS):
        place = int(chance.integers(len(pool)))
        left, _ = race(chance.permutation(equals[place]))
        drawn = noises[place][chance.integers(0, len(pool) - 1, starts), :rounds]
        won.append(beats(drawn.mean(axis=1)[:, left], 0))
    return float(np.mean(won))


def main() -> None:
    runoff, result = load_params().runoff, dict[str, Any]()
    for workload in dict.fromkeys(run["workload"] for run in runs("race_pool")):
        pool = tables(of_one_matrix(workload))
        within = np.concatenate([each - each.mean(axis=0) for each in pool])
        means = np.array([each.mean(axis=0) for each in pool])
        result[workload] = {
            "starts": len(pool),
            "configurations": pool[0].shape[1],
            "replays": REPLAYS,
            "deviation_within_a_round": round(float(within.std()), 3),
            "deviation_of_configurations": round(float(means.mean(axis=0).std()), 3),
            "schedules": {name: replayed(pool, schedule) for name, schedule in SCHEDULES.items()},
            "false_winners": false_winners(pool, SCHEDULES["as it is"], runoff.starts, runoff.rounds),
            "survivors": {str(each): replayed(pool, partial(to_finalists, survivors=each)) for each in NUMBERS},
        }
    write_json(RESULTS / "replay_races.json", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run_stage(main)
