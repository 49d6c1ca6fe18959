"""Find the window length that buys most precision for a second of measuring.

Two copies of the anchor take turns in rounds, as in every cell, with windows of several
lengths one after the other in random order, in several starts of the server. Long windows
average more noise away; short ones give more rounds in the same time, and pair what
happens closer together.

Writes  benchmarks/results/window_length.jsonl, one line a server start
Run     python benchmarks/window_length.py --starts 6   measures, 2 minutes a start
        python benchmarks/window_length.py --starts 0   prints the table of all
"""

from assay.ground.stage import run_stage

import argparse
import math
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import bench
from assay.measuring.readings import throughput
from assay.measuring.windows import Windows
from assay.statistics.interval import t_quantile
from assay.validation.schema import load_params
from known_models import copies
from record import append, runs_on_one_server

LENGTHS_MS = (50, 100, 200, 400, 800)
CONCURRENCY = 8
SECONDS_A_LENGTH = 24
BUDGET_S = 20
RESAMPLES = 2000


def measure_start(windows: Windows, names: list[str]) -> dict[str, list[dict[str, float]]]:
    """Return the rounds of one server start: log ratio and seconds of each, by window length."""
    rounds: dict[str, list[dict[str, float]]] = defaultdict(list)
    for name in names:
        windows.measure(name, CONCURRENCY)
    spent = dict.fromkeys(LENGTHS_MS, 0.0)
    while unfinished := [length for length in LENGTHS_MS if spent[length] < SECONDS_A_LENGTH]:
        window_ms = random.choice(unfinished)  # noqa: S311  shuffling is no secret
        began = time.monotonic()
        order = random.sample(names, k=2)
        speeds = {name: throughput(windows.measure(name, CONCURRENCY, window_ms)) for name in order}
        seconds = time.monotonic() - began
        spent[window_ms] += seconds
        log_ratio = math.log(speeds[names[0]] / speeds[names[1]])
        rounds[str(window_ms)].append({"log_ratio": round(log_ratio, 6), "seconds": round(seconds, 3)})
    return rounds


Group = tuple[np.ndarray, np.ndarray]  # log ratios and seconds of one start's rounds


def reach(groups: list[Group]) -> float:
    """Return how far, in %, the 95 % interval of a ratio would reach after BUDGET_S seconds of such rounds.

    The spread is that within server starts: what a start does to a ratio is not the window's doing.
    """
    logs = np.concatenate([group[0] - group[0].mean() for group in groups])
    seconds = np.concatenate([group[1] for group in groups])
    spread = math.sqrt(float((logs**2).sum()) / (len(logs) - len(groups)))
    count = max(3, round(BUDGET_S / float(seconds.mean())))
    return 100 * math.expm1(t_quantile(count - 1) * spread / math.sqrt(count))


def column(rounds: list[dict[str, float]], name: str) -> np.ndarray:
    """Return one number of each round."""
    return np.array([each[name] for each in rounds])


def table() -> list[str]:
    """Return a line for each length: the reach with a 95 % interval from resampled server starts."""
    starts = [run["rounds"] for run in runs_on_one_server("window_length")]
    chance = np.random.default_rng(0)
    lines = [f"window   seconds a round   reach of a 95 % interval after {BUDGET_S} s, {len(starts)} server starts"]
    for length in map(str, LENGTHS_MS):
        groups = [(column(start[length], "log_ratio"), column(start[length], "seconds")) for start in starts]
        draws = chance.integers(0, len(groups), (RESAMPLES, len(groups)))
        low, high = np.percentile([reach([groups[index] for index in draw]) for draw in draws], [2.5, 97.5])
        seconds = float(np.concatenate([group[1] for group in groups]).mean())
        lines.append(f"{length:>4} ms   {seconds:15.2f}   ±{reach(groups):.1f} % ({low:.1f}–{high:.1f})")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare window lengths at equal time.")
    parser.add_argument("--starts", type=int, default=6)
    params, names = load_params(), ["copy_1", "copy_2"]
    for _ in range(parser.parse_args().starts):
        with (
            machine_to_ourselves(),
            tempfile.TemporaryDirectory() as folder,
            bench(copies(names, Path(folder)), params.conditions) as windows,
        ):
            measured = measure_start(windows, names)
        append("window_length", {"concurrency": CONCURRENCY, "rounds": measured})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
