"""Time what it takes to add one value to an axis of the matrix, and to find that nothing changed.

In a temporary clone of the last commit, with one concurrency and windows of 50 ms: what
is timed is how the pipeline grows, not how long a cell is measured.

Writes  benchmarks/results/growth.jsonl, one line a size
Run     python benchmarks/growth.py 4 16 64
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
from pathlib import Path
from typing import Any

from clones import clone, require_committed, shorten, timed
from record import append

AXES: dict[int, dict[str, list[Any]]] = {
    4: {"instances": [1, 2], "max_batch_size": [64], "dynamic_batching": ["off", "delay_0us"]},
    16: {
        "instances": [1, 2, 3, 4],
        "max_batch_size": [64],
        "dynamic_batching": ["off", "delay_0us", "delay_100us", "delay_200us"],
    },
    64: {
        "instances": [1, 2, 3, 4],
        "max_batch_size": [8, 16, 32, 64],
        "dynamic_batching": ["off", "delay_0us", "delay_100us", "delay_200us"],
    },
}
ADDED = "delay_300us"
FAST: dict[str, Any] = {"concurrency": [8], "window_ms": 50}
SHORT: dict[str, dict[str, Any]] = {
    "screening": {"precision": 1.0},
    "finalists": {"at_most": 4},
    "runoff": {"starts": 3, "rounds": 2},
}


def grow(size: int) -> dict[str, Any]:
    """Return the times at one size of the matrix."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        shorten(folder, {"perf": FAST | AXES[size], **SHORT})
        first_s, _ = timed(folder, "dvc", "repro")
        nothing_s = min(timed(folder, "dvc", "repro")[0] for _ in range(3))
        values = ",".join([*AXES[size]["dynamic_batching"], ADDED])
        added_s, said = timed(folder, "dvc", "exp", "run", "-S", f"perf.dynamic_batching=[{values}]")
        cells = sum(line.startswith("Running stage 'cells/dvc.yaml:perf@") for line in said.splitlines())
    seconds = {"first": first_s, "no_op": nothing_s, "add_a_value": added_s}
    return {"cells": size, "cells_added": cells, "seconds": {name: round(value, 1) for name, value in seconds.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time how the pipeline grows.")
    parser.add_argument("sizes", type=int, nargs="+", choices=sorted(AXES))
    sizes = parser.parse_args().sizes
    require_committed()
    for size in sizes:
        result = grow(size)
        append("growth", result)
        print(result)


if __name__ == "__main__":
    run_stage(main)
