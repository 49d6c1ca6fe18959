"""Time a race to its verdict, by the number of configurations, of the small `cnn` on digits.

In a temporary clone of the last commit, with the shipped windows and run-off, where the model is exported and the
configurations are written. 432 are of six variants.

Writes  benchmarks/results/race_growth.jsonl, one line a size
Run     python benchmarks/race_growth.py 4 16 64 256 432 512       30 minutes
        python benchmarks/race_growth.py 64 --starts 6             with another run-off; or --finalists 2
        python benchmarks/race_growth.py                           prints the table of the last run of each
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
from pathlib import Path
from typing import Any

from assay.ground.files import read_json
from clones import clone, require_committed, shorten, timed
from record import append, runs

VARIANTS = ["fp32", "openvino", "int8_dynamic", "int8_static", "pruned", "pruned_int8"]
_STEPS = [f"delay_{delay}us" for delay in range(0, 1500, 100)]
AXES: dict[int, dict[str, list[Any]]] = {
    4: {"instances": [1, 2], "max_batch_size": [64], "dynamic_batching": ["off", "delay_0us"]},
    16: {"instances": [1, 2, 3, 4], "max_batch_size": [64], "dynamic_batching": ["off", *_STEPS[:3]]},
    64: {"instances": [1, 2, 3, 4], "max_batch_size": [8, 16, 32, 64], "dynamic_batching": ["off", *_STEPS[:3]]},
    256: {"instances": [1, 2, 3, 4], "max_batch_size": [8, 16, 32, 64], "dynamic_batching": ["off", *_STEPS]},
    432: {"instances": [1, 2, 3, 4], "max_batch_size": [8, 16, 64], "dynamic_batching": ["off", *_STEPS[:5]]},
    512: {
        "instances": [1, 2, 3, 4, 5, 6, 7, 8],
        "max_batch_size": [8, 16, 32, 64],
        "dynamic_batching": ["off", *_STEPS],
    },
}
# The stages from the configurations to the verdict, each brought up to date in turn.
STAGES = ("race/dvc.yaml:screen", "runoff", "verdict")


def grow(size: int, starts: int, most: int) -> dict[str, Any]:
    """Return the seconds of each stage and of all to the verdict, and what came out, at one size of the matrix.

    The run-off is of at most so many finalists, in so many starts of the server.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        runoff: dict[str, dict[str, Any]] = {"runoff": {"starts": starts}, "finalists": {"at_most": most}}
        changes: dict[str, dict[str, Any]] = {"perf": {"search": "race"} | AXES[size], **runoff}
        shorten(folder, changes | ({"onnx": {"variants": VARIANTS}} if size == 432 else {}), model="cnn")
        timed(folder, "dvc", "repro", "triton-config")
        stages_s = {stage: timed(folder, "dvc", "repro", stage)[0] for stage in STAGES}
        nothing_s = min(timed(folder, "dvc", "repro", "verdict")[0] for _ in range(3))
        (*_, heat) = heats = read_json(folder / "reports" / "perf" / "race" / "heats.json")["heats"]
        finalists = read_json(folder / "reports" / "finalists" / "race.json")["finalists"]
    seconds = {**stages_s, "all": sum(stages_s.values()), "no_op": nothing_s}
    return {
        "configurations": size,
        "starts": starts,
        "at_most": most,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "heats": len(heats),
        "rounds": len(heat["rounds"]),
        "windows": sum(len(each["windows"]) for heat in heats for each in heat["rounds"]),
        "finalists": finalists,
    }


def table() -> list[str]:
    """Return the last run of each size and run-off."""
    last = {(run["configurations"], run["starts"], run["at_most"]): run for run in runs("race_growth")}
    return [
        f"{size} configurations: {run['windows']} windows in {run['seconds'][STAGES[0]]:.0f} s, run-off of "
        f"{len(run['finalists'])} in {starts} starts {run['seconds'][STAGES[1]]:.0f} s; to the verdict "
        f"{run['seconds']['all']:.0f} s; nothing changed {run['seconds']['no_op']:.1f} s"
        for (size, starts, _), run in sorted(last.items())
    ]


def size_of_a_matrix(text: str) -> int:
    """Return the number of configurations; raises ArgumentTypeError if no matrix here has so many."""
    if text not in map(str, AXES):
        raise argparse.ArgumentTypeError(f"no matrix here has {text} configurations")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a race to its verdict.")
    # No choices: argparse holds them against an empty list, too.
    parser.add_argument("sizes", type=size_of_a_matrix, nargs="*", metavar="|".join(map(str, sorted(AXES))))
    parser.add_argument("--starts", type=int, default=12, help="of the run-off; shipped are 12")
    parser.add_argument("--finalists", type=int, default=4, help="at most; shipped are 4")
    given = parser.parse_args()
    if given.sizes:
        require_committed()
    for size in given.sizes:
        append("race_growth", grow(size, given.starts, given.finalists))
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
