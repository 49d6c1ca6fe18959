"""Compare HTTP with gRPC, and messages with the system's shared memory, at several sizes of an input.

A model that only takes a mean is asked in all four ways by turns, so that hardly anything but
the passing of its input is measured.

Writes  benchmarks/results/protocols.jsonl, one line a run
Run     python benchmarks/protocols.py       3 minutes
        python benchmarks/protocols.py --rounds 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from arms import Rounds, by_turns, compared
from assay.load.input_data import write_input_data
from assay.load.shared_memory import regions, reserved
from assay.machine.lock import machine_to_ourselves
from assay.measuring.readings import throughput
from assay.measuring.windows import Windows
from assay.servers.embedded import serve
from assay.serving.client import Protocol
from assay.serving.model_config import ModelShape, render, serving_config
from record import append, last_run

# Numbers of 4 bytes in an input: a digit, a CIFAR-10 image four times over, an ImageNet image.
SIZES = {"size_3_kB": 784, "size_49_kB": 12_288, "size_602_kB": 150_528}
WAYS: dict[str, tuple[Protocol, bool]] = {
    "grpc": ("grpc", False),
    "http": ("http", False),
    "grpc, shared memory": ("grpc", True),
    "http, shared memory": ("http", True),
}
CONCURRENCIES = (1, 8)
WINDOW_MS = 100
REQUESTS = 16


def write_mean_model(folder: Path, size: int) -> Path:
    """Write a servable model: numbers [N, size] -> mean [N, 1]."""
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=[1])],
        "mean",
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["batch", size])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "1").mkdir(parents=True)
    onnx.save(model, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(render(serving_config(folder.name, ModelShape.of(model), threads=1)))
    return folder


def measure(rounds: int, folder: Path) -> dict[str, dict[str, Rounds]]:
    """Return requests a second by model, concurrency and way of asking."""
    folders = {name: write_mean_model(folder / name, size) for name, size in SIZES.items()}
    inputs = {name: folder / f"{name}.json" for name in SIZES}
    for name, size in SIZES.items():
        numbers = np.random.default_rng(0).random((REQUESTS, size), np.float32)
        write_input_data(inputs[name], {"numbers": numbers})
    shared = [regions(folders[name], inputs[name]) for name in SIZES]
    with serve(list(folders.values()), 60) as server, reserved(server, shared):
        clients = {}
        for way, (protocol, shared_memory) in WAYS.items():
            place = folder / way
            place.mkdir()
            clients[way] = Windows(server, inputs, place, protocol, WINDOW_MS, shared_memory=shared_memory)

        def ask(way: str, name: str, concurrency: int) -> float:
            return throughput(clients[way].measure(name, concurrency))

        return {
            name: {
                str(concurrency): by_turns({way: partial(ask, way, name, concurrency) for way in WAYS}, rounds)
                for concurrency in CONCURRENCIES
            }
            for name in SIZES
        }


def table() -> list[str]:
    """Return the last run's ratios to gRPC without shared memory, a line a size and concurrency."""
    lines = [f"{'input':>12} {'concurrency':>11}  " + "  ".join(f"{way:>20}" for way in list(WAYS)[1:])]
    for name, levels in last_run("protocols")["throughput"].items():
        for concurrency, rounds in levels.items():
            ratios = "  ".join(f"{ratio!s:>20}" for ratio in compared(rounds).values())
            lines.append(f"{name.removeprefix('size_').replace('_', ' '):>12} {concurrency:>11}  {ratios}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare protocols and shared memory.")
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    if rounds:
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            append("protocols", {"window_ms": WINDOW_MS, "throughput": measure(rounds, Path(folder))})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
