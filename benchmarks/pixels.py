"""Compare a model that takes an image as bytes with the same model of fractions, whose requests are four times as long.

The exported classifier, and what it would be if whoever asks had to divide by 255, take turns in one
server, over several starts of it, one request and eight in flight.

Reads   params.yaml, artifacts/onnx/fp32/classifier.onnx, artifacts/data/test.npz
Writes  benchmarks/results/pixels.jsonl, one line a run
Run     python benchmarks/pixels.py       2 minutes, after `dvc repro onnx`
        python benchmarks/pixels.py --starts 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
from functools import partial
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from arms import in_turns
from assay.ground.paths import ARRAYS, ONNX
from assay.ground.process import StageError
from assay.learning.training.pixels import LARGEST, scaled
from assay.machine.cores import server_cores, usable_cores
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import Candidate, asked, bench
from assay.measuring.readings import cpu_per_1000, throughput
from assay.params.cells import CLASSIFIER
from assay.serving.model_config import ModelShape, input_names, render, serving_config
from assay.statistics.ratio import paired_ratio
from assay.tensors.arrays import read_split
from assay.tensors.named import message_bytes, part
from assay.validation.schema import Params, load_params
from record import append, last_run

FRACTIONS, BYTES = "fractions", "bytes"
CONCURRENCIES = (1, 8)


def of_fractions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model that takes pixels as bytes as one that takes them from 0 to 1, and answers the same.

    Raises StageError unless it begins with a conversion and a multiplication by constants.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    (image,) = graph.input
    constants = {tensor.name: tensor for tensor in graph.initializer}
    cast, factors = graph.node[0], [name for name in graph.node[1].input if name in constants]
    if (cast.op_type, graph.node[1].op_type, len(factors)) != ("Cast", "Mul", 1):
        raise StageError("the exported classifier does not begin with scaling bytes: is it one of images?")
    larger = numpy_helper.to_array(constants[factors[0]]) * np.float32(LARGEST)
    constants[factors[0]].CopyFrom(numpy_helper.from_array(larger, factors[0]))
    graph.node[1].input[:] = [image.name if name == cast.output[0] else name for name in graph.node[1].input]
    image.type.tensor_type.elem_type = TensorProto.FLOAT
    graph.node.remove(cast)
    return changed


def candidates(model: onnx.ModelProto, params: Params, folder: Path) -> list[Candidate]:
    """Write both models in the default configuration, and the requests of each."""
    pixels, _ = read_split(ARRAYS / "test.npz")
    threads = server_cores(params.triton, params.load.client_cores, usable_cores())
    found = []
    for name, form, examples in ((FRACTIONS, of_fractions(model), scaled(pixels)), (BYTES, model, pixels)):
        (folder / name / "1").mkdir(parents=True)
        onnx.save(form, folder / name / "1" / "model.onnx")
        config = serving_config(name, ModelShape.of(form), threads=threads)
        (folder / name / "config.pbtxt").write_text(render(config))
        found += asked([folder / name], dict.fromkeys(input_names(folder / name), examples), folder / f"{name}.json")
    return found


def measure_start(both: list[Candidate], params: Params, rounds: int) -> dict[str, Any]:
    """Return, for each concurrency, what every round of one server start gave: inferences a second and their cost."""
    found = {}
    with bench(both, params.conditions) as windows:
        for concurrency in CONCURRENCIES:
            arms = {each.name: partial(windows.measure, each.name, concurrency) for each in both}
            measured = in_turns(arms, rounds)
            found[str(concurrency)] = {
                "throughput": {name: [throughput(each) for each in some] for name, some in measured.items()},
                "cpu_per_1000": {
                    name: [cpu_per_1000(each, "server") for each in some] for name, some in measured.items()
                },
            }
    return found


def table() -> list[str]:
    """Return a line a concurrency: the last run's ratios of bytes to fractions, an observation a server start."""
    run = last_run("pixels")
    sizes, starts = run["request_bytes"], run["starts"]
    lines = [
        f"{run['model']} on {run['shape']}: requests of {sizes[BYTES]:,} bytes against {sizes[FRACTIONS]:,}",
        "concurrency   throughput, bytes / fractions   server CPU an inference, bytes / fractions",
    ]
    for concurrency in map(str, CONCURRENCIES):
        speeds, costs = (
            {name: [mean(start[concurrency][what][name]) for start in starts] for name in (BYTES, FRACTIONS)}
            for what, mean in (("throughput", geometric_mean), ("cpu_per_1000", fmean))
        )
        lines.append(
            f"{concurrency:>11}   {paired_ratio(speeds[BYTES], speeds[FRACTIONS])!s:>29}"
            f"   {paired_ratio(costs[BYTES], costs[FRACTIONS])!s:>42}"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare images as bytes with images as floats.")
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    if given.starts:
        if given.starts < 2:
            parser.error("--starts: an interval needs at least two")
        params, model = load_params(), onnx.load(ONNX / "fp32" / f"{CLASSIFIER}.onnx")
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            both = candidates(model, params, Path(folder))
            starts = [measure_start(both, params, given.rounds) for _ in range(given.starts)]
        perf = params.perf
        described = {
            "model": params.model,
            "shape": params.raw_data.shown_shape,
            "request_bytes": {each.name: message_bytes(part(each.examples, 0, 1)) for each in both},
            "protocol": params.load.protocol,
            "shared_memory": params.load.shared_memory,
            "window_ms": perf.window_ms,
        }
        append("pixels", {**described, "starts": starts})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
