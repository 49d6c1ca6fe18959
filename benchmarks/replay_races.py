"""Replay races from a pool, by several schedules, and say how much worse the best that is left is than the best of all.

A replay takes the rounds of one start in random order, lets the pipeline's own rules decide who leaves, and asks what
the best of those that are left is worth; the truth is the mean of all rounds of the other starts. A run-off then tells
the finalists apart: who is best of those that are left is found by it, and no part of this.

Reads   benchmarks/results/race_pool.jsonl
Writes  benchmarks/results/replay_races.json
Run     python benchmarks/replay_races.py
"""

from assay.ground.stage import run_stage

import json
import random
from typing import Any

import numpy as np

from assay.ground.files import write_json
from assay.racing import schedule
from assay.racing.standing import standing
from record import RESULTS, runs

REPLAYS = 2000
SURVIVORS = 4
# Rounds of the first rungs and of the last ones, and the share that stays.
SCHEDULES: dict[str, tuple[int, int, float]] = {
    "2 then 4, half stays": (2, 4, 0.5),
    "2 throughout, half stays": (2, 2, 0.5),
    "3 then 4, half stays": (3, 4, 0.5),
    "2 then 4, a third stays": (2, 4, 1 / 3),
    "2 then 6, a third stays": (2, 6, 1 / 3),
    "2 then 3, half stays": (2, 3, 0.5),
}


def of_one_server(workload: str) -> list[dict[str, Any]]:
    """Return the starts of a workload with the newest matrix."""
    found = [run for run in runs("race_pool") if run["workload"] == workload]
    return [run for run in found if run["configurations"] == found[-1]["configurations"]]


def regrets(starts: list[dict[str, Any]], chance: random.Random) -> list[float]:
    """Return by how much the best that is left is worse than the best of all, in each replay, as a share."""
    names = starts[0]["configurations"]
    means = np.array([[np.mean([each[name] for each in start["rounds"]]) for name in names] for start in starts])
    means -= means.mean(axis=1, keepdims=True)  # what a start does to all
    found = []
    for _ in range(REPLAYS):
        place = chance.randrange(len(starts))
        truth = dict(zip(names, np.delete(means, place, axis=0).mean(axis=0), strict=True))
        pool = starts[place]["rounds"]
        rounds: list[Any] = [{"windows": each} for each in chance.sample(pool, len(pool))]
        heat: Any = {"entrants": names, "survivors": SURVIVORS, "rounds": rounds, "fell_out": {}}
        now = standing(heat, lambda value: value, lambda *_: None)  # type: ignore[arg-type,return-value]  # of scores
        if now.wanted is not None:
            raise SystemExit(f"error: a schedule wants {now.wanted} rounds, and the pool has {len(pool)}")
        best_left = max(truth[name] for name in now.left)
        found.append(float(1 - np.exp(best_left - max(truth.values()))))
    return found


def main() -> None:
    result: dict[str, Any] = {}
    for workload in dict.fromkeys(run["workload"] for run in runs("race_pool")):
        starts = of_one_server(workload)
        count = len(starts[0]["configurations"])
        result[workload] = {"starts": len(starts), "configurations": count, "replays": REPLAYS, "schedules": {}}
        for name, (few, many, kept) in SCHEDULES.items():
            schedule.ROUNDS, schedule.MANY_ROUNDS, schedule.KEPT = few, many, kept
            found = regrets(starts, random.Random(0))  # noqa: S311  the same replays for each schedule
            result[workload]["schedules"][name] = {
                "windows": schedule.windows(count, SURVIVORS),
                "regret_median": round(float(np.median(found)), 4),
                "regret_95": round(float(np.quantile(found, 0.95)), 4),
            }
    write_json(RESULTS / "replay_races.json", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run_stage(main)
