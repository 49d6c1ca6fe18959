"""Measure a pool of different configurations of one model, an hour after the other.

A visit is a run-off of all configurations in params.yaml's matrix, of the anchor's file: they take
turns in one server, round by round, over several starts of it. Visits at other hours, or on
other days, tell what the hour does to a verdict; the starts within them, how unequal the noise of
different configurations is.

Writes  benchmarks/results/configurations.jsonl, one line a visit
Run     python benchmarks/configurations.py      four minutes; once an hour, whenever you like
"""

from assay.ground.stage import run_stage

import argparse
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from assay.ground.files import write_text
from assay.ground.paths import ANCHOR
from assay.ground.records.measured import Window
from assay.machine.cores import server_cores, usable_cores
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import Candidate, anchor, bench
from assay.measuring.readings import cpu_per_1000, requests, throughput
from assay.measuring.windows import Windows
from assay.serving.model_config import ModelShape, render, serving_config, threads_for
from assay.validation.schema import Params, load_params
from record import append

PERCENTILES = (50, 90, 95, 99)


def configured(params: Params, folder: Path) -> list[Candidate]:
    """Write the anchor in every configuration of the matrix, the default one first."""
    original, cores = anchor(), server_cores(params.triton, params.load.client_cores, usable_cores())
    shape = ModelShape.read(ANCHOR / "1" / "model.onnx")
    found = []
    for cell in params.cells:
        copy = shutil.copytree(ANCHOR, folder / cell.name)
        config = serving_config(
            cell.name,
            shape,
            threads=threads_for(cell.instances, cores),
            instances=cell.instances,
            max_batch_size=cell.max_batch_size,
            batching=cell.batching,
        )
        write_text(copy / "config.pbtxt", render(config))
        found.append(Candidate(copy, original.input_data, original.examples))
    return found


def reading(window: Window) -> dict[str, float | None]:
    """Return the numbers of a window that decisions are made from."""
    row: Any = window["perf_analyzer"]
    return {
        "throughput": throughput(window),
        **{f"p{percent}_us": row[f"p{percent} latency"] for percent in PERCENTILES},
        "cpu_per_1000": cpu_per_1000(window, "server"),
        "requests": requests(window),
    }


def measure_start(windows: Windows, names: list[str], concurrency: int, rounds: int) -> list[dict[str, Any]]:
    """Return the rounds of one server start: what each configuration's window said."""
    for name in names:
        windows.measure(name, concurrency)
    found = []
    for _ in range(rounds):
        order = random.sample(names, k=len(names))
        found.append({name: reading(windows.measure(name, concurrency)) for name in order})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Add a visit to the pool of configurations.")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=12)
    arguments, params = parser.parse_args(), load_params()
    concurrency, starts = params.perf.deciding_concurrency, []
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as name:
        candidates = configured(params, Path(name))
        names = [candidate.name for candidate in candidates]
        for _ in tqdm(range(arguments.starts), unit="start"):
            with bench(candidates, params.conditions) as windows:
                starts.append(measure_start(windows, names, concurrency, arguments.rounds))
    append(
        "configurations",
        {"concurrency": concurrency, "window_ms": params.perf.window_ms, "configurations": names, "starts": starts},
    )


if __name__ == "__main__":
    run_stage(main)
