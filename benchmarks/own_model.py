"""What one's own model costs until it is measured: seconds, memory and disk of bringing it and of each stage.

Works in a temporary clone of the last commit. Without a model, one is made whose weights are kept beside its file, and
all of which every answer takes. Memory is the most that one process of a step had resident, DVC or its stage, pages of
files that it reads among them; disk is counted in blocks, a file with several links once.

Writes  benchmarks/results/own_model.jsonl, one line a run
Run     python benchmarks/own_model.py                                           8 minutes, 12 GB of disk
        python benchmarks/own_model.py magika.onnx --set 'bytes=integers 0 256'  2 minutes
        python benchmarks/own_model.py --rounds 0                                prints the table of the last runs
"""

from assay.ground.stage import run_stage

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from ruamel.yaml import YAML

from assay.ground import environment
from assay.ground.process import StageError, ending_with_us
from clones import clone, require_committed
from record import append, runs

WIDTH = 4096  # 67 MB a layer
CELL = "fp32-1-64-off"
STAGES = (
    "checks/dvc.yaml:raw-data",
    "checks/dvc.yaml:machine",
    "data",
    "train",
    "onnx@fp32",
    "triton-config",
    f"cells/dvc.yaml:perf@{CELL}",
)


def make_layers(path: Path, gigabytes: float) -> None:
    """Write a chain of matrix products with so many bytes of weights beside it: an answer takes all of them."""
    count, chance = max(1, round(gigabytes * 1e9 / 4 / WIDTH**2)), np.random.default_rng(0)
    weights = path.with_suffix(".weights")
    tensors = []
    with weights.open("wb") as file:  # a model in memory ends at 2 GB
        for place in range(count):
            file.write((chance.standard_normal((WIDTH, WIDTH), np.float32) / np.float32(WIDTH**0.5)).tobytes())
            tensor = TensorProto(
                name=f"w{place}",
                data_type=TensorProto.FLOAT,
                dims=[WIDTH, WIDTH],
                data_location=TensorProto.EXTERNAL,
            )
            for key, value in (("location", weights.name), ("offset", 4 * WIDTH**2 * place), ("length", 4 * WIDTH**2)):
                tensor.external_data.add(key=key, value=str(value))
            tensors.append(tensor)
    names = ["x", *(f"h{place}" for place in range(1, count)), "y"]
    nodes = [helper.make_node("MatMul", [names[place], f"w{place}"], [names[place + 1]]) for place in range(count)]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", WIDTH]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "layers", [x], [y], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)


def measured(folder: Path, *command: str) -> dict[str, float]:
    """Run a command in a folder; return its seconds, and the most megabytes that one process of it had resident.

    Raises StageError if it fails.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        ending_with_us(command), cwd=folder, env=environment.of_children(), stdout=subprocess.PIPE
    )
    said = process.stdout.read() if process.stdout else b""
    _, status, used = os.wait4(process.pid, 0)  # of the process, and of all that it waited for
    if status:
        raise StageError(f"`{' '.join(command)}` failed, after it printed:\n{said.decode(errors='replace')}")
    return {"seconds": time.monotonic() - began, "megabytes": used.ru_maxrss * 1024 / 1e6}


def choose_one_cell(folder: Path, window_ms: int) -> None:
    """Write into a clone's params.yaml that one cell of the brought model is measured."""
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["model"], content["onnx"]["variants"] = "own", ["fp32"]
    content["perf"].update(instances=[1], max_batch_size=[64], dynamic_batching=["off"], concurrency=[1])
    content["perf"]["window_ms"], content["screening"]["precision"] = window_ms, 1.0
    yaml.dump(content, folder / "params.yaml")


def used(folder: Path) -> int:
    """Return the bytes on disk of all files, each once however many links it has."""
    found = [each.lstat() for each in folder.rglob("*") if each.is_file()]
    return sum({each.st_ino: 512 * each.st_blocks for each in found}.values())


def measure(model: Path, options: list[str], given: argparse.Namespace, temporary: Path) -> dict[str, Any]:
    """Bring a model several times and measure a cell of it; return what each step took."""
    folder = temporary / "clone"
    clone(folder)
    before, steps = used(folder), {}
    steps["bring"] = [
        measured(folder, sys.executable, "-m", "assay.bring", str(model), *options) for _ in range(given.rounds)
    ]
    choose_one_cell(folder, given.window_ms)
    steps |= {name: [measured(folder, "dvc", "repro", "--single-item", name)] for name in STAGES}
    return {"steps": steps, "disk_megabytes": (used(folder) - before) / 1e6}


def table() -> list[str]:
    """Return what was found of the last run of each model."""
    lines = []
    for run in {run["model"]: run for run in runs("own_model")}.values():
        lines.append(f"{run['model']}, {run['megabytes']:,.0f} MB; {run['disk_megabytes']:,.0f} MB more on the disk")
        for name, times in run["steps"].items():
            seconds, memory = (median(each[key] for each in times) for key in ("seconds", "megabytes"))
            lines.append(f"  {name:<24} {seconds:>6.1f} s  {memory:>7,.0f} MB")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a model of one's own costs.", allow_abbrev=False)
    parser.add_argument("model", nargs="?", type=Path, help="an ONNX file; further options are those of bring")
    parser.add_argument("--gigabytes", type=float, default=2.3, help="the size of the model that is made")
    parser.add_argument("--window-ms", type=int, default=2000, help="long enough for a few answers of a slow model")
    parser.add_argument("--rounds", type=int, default=3, help="how often it is brought")
    given, options = parser.parse_known_args()
    if given.rounds:
        require_committed()
        with tempfile.TemporaryDirectory() as name:
            temporary = Path(name)
            model = given.model.resolve() if given.model else temporary / "layers.onnx"
            if not given.model:
                make_layers(model, given.gigabytes)
            size = sum(each.stat().st_size for each in model.parent.glob(f"{model.stem}.*")) / 1e6
            found = measure(model, options, given, temporary)
            called = f"{model.parent.name}/{model.name}" if given.model else model.name
            append("own_model", {"model": called, "megabytes": size, "options": options, **found})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
