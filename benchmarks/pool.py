"""Measure a pool of rounds of models of which the truth is known, to replay decisions on.

Four copies of the anchor and three anchors that are slower by about 5, 10 and 20 % of
their service time take turns in one server, round by round, in many starts of it. How much
longer those three compute is set before the first start on a machine, by what it does to
their throughput under the pool's own load, and kept for all others.

Writes  benchmarks/results/pool.jsonl, one line a server start
Run     python benchmarks/pool.py --starts 12      a minute a start; add more whenever you like
"""

from assay.ground.stage import run_stage

import argparse
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from assay.ground.records.measured import Window
from assay.machine.fingerprint import fingerprint
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import Candidate, bench
from assay.measuring.readings import cpu_per_1000, percentile_us, requests, throughput
from assay.measuring.windows import Windows
from assay.serving.backend import find_or_build
from assay.validation.schema import Params, load_params
from known_models import copies, links_for, slowed
from record import append, runs

COPIES = ["copy_1", "copy_2", "copy_3", "copy_4"]
SLOWED = {"slower_5": 0.05, "slower_10": 0.10, "slower_20": 0.20}
ROUNDS = 32
CONCURRENCY = 8
CALIBRATION_STARTS = 3
# Under this name a start records the lengths that were set under load: older entries have others, or none.
LINKS = "links_under_load"


def service_microseconds(params: Params, folder: Path) -> float:
    """Return the time from one answer of a saturated anchor to the next: what its service takes."""
    with bench(copies(["calibration"], folder), params.conditions) as windows:
        windows.measure("calibration", CONCURRENCY)
        return 1e6 / throughput(windows.measure("calibration", CONCURRENCY))


def measured_slowness(guess: dict[str, int], params: Params, folder: Path) -> list[float]:
    """Return how much longer a service of each slower model takes under load, as a share of the anchor's."""
    slower = [slowed(name, count, folder) for name, count in guess.items()]
    with bench([*copies(["anchor_again"], folder), *slower], params.conditions) as windows:
        rounds = measure_start(windows, ["anchor_again", *guess])
    logs = {name: np.mean([math.log(each[name]["throughput"] or 0) for each in rounds]) for name in rounds[0]}
    return [math.exp(logs["anchor_again"] - logs[name]) - 1 for name in guess]


def links(params: Params, folder: Path) -> dict[str, int]:
    """Return how much longer each slower model computes: as in the last start here and on this server, or measured now.

    A chain has a cost of its own and its links compete with everything else on the machine:
    what three lengths do under load gives the line on which the wanted ones lie.
    """
    here = {"machine": fingerprint(), "server": find_or_build().identity}
    known = [run[LINKS] for run in runs("pool") if LINKS in run and here.items() <= run.items()]
    if known:
        return dict(known[-1])
    service_us = service_microseconds(params, folder / "alone")
    guess = {name: links_for(share * service_us) for name, share in SLOWED.items()}
    found = [measured_slowness(guess, params, folder / f"guess_{start}") for start in range(CALIBRATION_STARTS)]
    slope, fixed = np.polyfit(list(guess.values()), np.mean(found, axis=0), 1)
    # Slower by a share of throughput s is longer by s / (1 - s).
    return {name: max(1, round((share / (1 - share) - fixed) / slope)) for name, share in SLOWED.items()}


def reading(window: Window) -> dict[str, float | None]:
    """Return the numbers of a window that decisions are made from."""
    return {
        "throughput": throughput(window),
        "p95_us": percentile_us(window, 95),
        "cpu_per_1000": cpu_per_1000(window, "server"),
        "requests": requests(window),
    }


def measure_start(windows: Windows, names: list[str]) -> list[dict[str, Any]]:
    """Return the rounds of one server start: what each model's window said."""
    for name in names:
        windows.measure(name, CONCURRENCY)
    rounds = []
    for _ in tqdm(range(ROUNDS), unit="round"):
        order = random.sample(names, k=len(names))
        rounds.append({name: reading(windows.measure(name, CONCURRENCY)) for name in order})
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description="Add server starts to the pool.")
    parser.add_argument("--starts", type=int, default=12)
    params = load_params()
    for _ in range(parser.parse_args().starts):
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lengths = links(params, folder)
            slower = [slowed(each, count, folder) for each, count in lengths.items()]
            candidates: list[Candidate] = [*copies(COPIES, folder), *slower]
            with bench(candidates, params.conditions) as windows:
                rounds = measure_start(windows, [candidate.name for candidate in candidates])
        entry = {"concurrency": CONCURRENCY, "window_ms": params.perf.window_ms, LINKS: lengths}
        append("pool", {**entry, "rounds": rounds})


if __name__ == "__main__":
    run_stage(main)
