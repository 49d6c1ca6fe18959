"""Measure how long each stage takes to import what it begins with, and TensorFlow with and without what it tries.

`train` and `export` load TensorFlow later, when they know that the model is one of Keras's.

Whole processes by turns, from their start to their end.

Writes  benchmarks/results/startup.jsonl, one line a run
Run     python benchmarks/startup.py       3 minutes
        python benchmarks/startup.py --rounds 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import subprocess
import sys
import time
from functools import partial
from statistics import median

from arms import by_turns, compared
from assay.ground.paths import STAGES
from assay.machine.lock import machine_to_ourselves
from record import append, last_run

SCRIPTS = sorted(path.stem for path in STAGES.glob("*.py"))
TENSORFLOW = {
    "plain import": "import tensorflow, keras",
    "load_tensorflow": "from assay.ground.quiet import load_tensorflow; load_tensorflow()",
}


def seconds(code: str) -> float:
    """Return how long a Python process takes to run a line."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], cwd=STAGES, check=True, stderr=subprocess.PIPE)
    return time.monotonic() - began


def table() -> list[str]:
    """Return the last run's medians, and the ratio of loading TensorFlow our way to the plain one."""
    run = last_run("startup")
    lines = [f"{name:>16}  {median(values):5.2f} s" for name, values in {**run["scripts"], **run["tensorflow"]}.items()]
    return [*lines, f"load_tensorflow / plain import: {compared(run['tensorflow'])['load_tensorflow']}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what stages take to start.")
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    if rounds:
        lines = {"python alone": "pass", **{name: f"import {name}" for name in SCRIPTS}}
        with machine_to_ourselves():
            scripts = by_turns({name: partial(seconds, code) for name, code in lines.items()}, rounds)
            tensorflow = by_turns({name: partial(seconds, code) for name, code in TENSORFLOW.items()}, rounds)
        append("startup", {"scripts": scripts, "tensorflow": tensorflow})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
