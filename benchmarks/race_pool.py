"""Measure every configuration of a matrix in every round, in several starts of one server: a pool to replay races from.

The matrix and the model are those of this checkout, exported and configured (`dvc repro triton-config`, with the
parameters that the pool is to be of).

Writes  benchmarks/results/race_pool.jsonl, one line a start: the score of each configuration in each round
Run     python benchmarks/race_pool.py digits --starts 5       3.5 minutes a start of 64 configurations
"""

from assay.ground.stage import run_stage

import argparse
import random
import tempfile
from pathlib import Path

from tqdm import tqdm

from assay.deciding.objective import OBJECTIVES
from assay.ground.paths import MODEL_REPOSITORY
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import anchor, bench, exported
from assay.racing.memory import bounded
from assay.validation.schema import load_params
from record import append

# As many as the longest of the schedules that are replayed takes.
ROUNDS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description="Add starts to the pool of races.")
    parser.add_argument("workload", help="what the pool calls this model")
    parser.add_argument("--starts", type=int, default=5)
    given, params = parser.parse_args(), load_params()
    concurrency, score = params.perf.deciding_concurrency, OBJECTIVES[params.perf.objective].score
    names = [cell.name for cell in params.cells]
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
        racers = exported([MODEL_REPOSITORY / name for name in names], Path(folder))
        candidates = [anchor(), *(bounded(each, concurrency) for each in racers)]
        every = [each.name for each in candidates]
        for _ in range(given.starts):
            rounds = []
            with bench(candidates, params.conditions) as windows:
                for _ in tqdm(range(ROUNDS), unit="round", mininterval=10):
                    measured = [(name, windows.measure(name, concurrency)) for name in random.sample(every, len(every))]
                    rounds.append({name: round(score(window), 5) for name, window in measured})
            told = {"concurrency": concurrency, "window_ms": params.perf.window_ms, "configurations": names}
            append("race_pool", {"workload": given.workload, **told, "rounds": rounds})


if __name__ == "__main__":
    run_stage(main)
