"""Find where the time of a request to the embedded server goes: passing messages, our backend, ONNX Runtime.

By turns: the anchor on the backend of `triton/backends`, the same on that of another revision, and a
model of the same tensors in Python that answers with zeros and looks at nothing. ONNX Runtime is
timed in this process, after each load. With one request in flight the three parts add up to
its time; with more they overlap, and only the change from that revision is told. Last, in this
process, too, what binding inputs and outputs would gain over handing them to a run.

Writes  benchmarks/results/backend.jsonl, one line a run
Run     PYTHONPATH=stages python benchmarks/backend.py --before REVISION      2 minutes
        PYTHONPATH=stages python benchmarks/backend.py --rounds 0     prints the table of the last run
"""

from runtime.stage import run_stage

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from timeit import timeit
from typing import Any

import numpy as np

from analysis.parity import onnx_session
from arms import by_turns, compared
from measuring.bench import anchor
from measuring.model_alone import ModelAlone
from measuring.readings import throughput
from measuring.windows import Windows
from record import ROOT, append, last_run
from runtime.paths import ANCHOR, BACKENDS
from runtime.process import StageError
from server.embedded import serve
from server.lock import machine_to_ourselves
from server.model_config import read_config, render
from uncertainty.ratio import paired_ratio

CONCURRENCIES, BATCHES = (1, 8, 16), (1, 8)
WINDOW_MS = 100
RUNS = 1000
BACKEND = BACKENDS / "onnxruntime" / "model.py"
NOTHING = """
import json
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        (output,) = json.loads(args["model_config"])["output"]
        self.name, self.width = output["name"], output["dims"][0]

    def execute(self, requests):
        sizes = [pb_utils.get_input_tensor_by_name(each, "image").shape()[0] for each in requests]
        answers = [np.zeros((size, self.width), np.float32) for size in sizes]
        return [pb_utils.InferenceResponse([pb_utils.Tensor(self.name, answer)]) for answer in answers]
"""


def run_arms(x: np.ndarray) -> dict[str, Callable[[], float]]:
    """Return how long one run of the anchor takes on `x` [N, ...] in microseconds, plainly and with bound tensors."""
    session = onnx_session(str(ANCHOR / "1" / "model.onnx"), 1)
    (model_input,), (output,) = session.get_inputs(), session.get_outputs()

    def plainly() -> None:
        session.run([output.name], {model_input.name: x})

    def bound() -> None:
        binding = session.io_binding()
        binding.bind_cpu_input(model_input.name, x)
        binding.bind_output(output.name)
        session.run_with_iobinding(binding)
        binding.copy_outputs_to_cpu()

    def microseconds(way: Callable[[], None]) -> float:
        return 1e6 * timeit(way, number=RUNS) / RUNS

    return {"plainly": partial(microseconds, plainly), "bound": partial(microseconds, bound)}


def write_model(folder: Path, program: str) -> Path:
    """Write the anchor's folder with a program of its own in place of a backend, and dynamic batching."""
    shutil.copytree(ANCHOR, folder)
    config = read_config(folder / "config.pbtxt")
    config.name, config.backend = folder.name, "python"
    config.dynamic_batching.max_queue_delay_microseconds = 0
    (folder / "1" / "model.py").write_text(program, encoding="utf-8")
    (folder / "config.pbtxt").write_text(render(config))
    return folder


def backend_of(revision: str) -> str:
    """Return our backend's program as another revision has it; raises StageError if there is none."""
    path = f"{revision}:{BACKEND.relative_to(ROOT)}"
    shown = subprocess.run(["git", "show", path], cwd=ROOT, check=False, capture_output=True, text=True)
    if shown.returncode:
        raise StageError(f"--before {revision}: {shown.stderr.strip()}")
    return shown.stdout


def measure(before: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Return inferences a second of each program by concurrency and batch size, and the model's time alone."""
    programs = {"ours": BACKEND.read_text(encoding="utf-8"), "before": backend_of(before), "nothing": NOTHING}
    folders = [write_model(folder / name, program) for name, program in programs.items()]
    requests = anchor()
    alone = ModelAlone(ANCHOR, requests.examples)
    found: dict[str, Any] = {
        "alone_us": {str(batch): [] for batch in BATCHES},
        "throughput": {},
        "run_us": {str(batch): by_turns(run_arms(requests.examples[:batch]), rounds) for batch in BATCHES},
    }
    with serve(folders, 60) as server:
        for batch in BATCHES:
            place = folder / f"batch_{batch}"
            place.mkdir()
            inputs = dict.fromkeys(programs, requests.input_data)
            windows = Windows(server, inputs, place, "grpc", WINDOW_MS, batch_size=batch)

            def ask(windows: Windows, name: str, concurrency: int) -> float:
                return throughput(windows.measure(name, concurrency))

            for concurrency in CONCURRENCIES:
                arms = {name: partial(ask, windows, name, concurrency) for name in programs}
                found["throughput"][f"{concurrency} x {batch}"] = by_turns(arms, rounds)
                found["alone_us"][str(batch)].append(round(alone.microseconds(batch), 1))
    return found


def table() -> list[str]:
    """Return a line for each load: where the time of a request goes, and what the change of the backend gained."""
    run = last_run("backend")
    lines = ["concurrency x batch   throughput against before   us a request   messages   ONNX Runtime   our backend"]
    for load, rounds in run["throughput"].items():
        line = f"{load:>19}   {paired_ratio(rounds['ours'], rounds['before'])!s:>25}"
        concurrency, batch = load.split(" x ")
        if concurrency == "1":
            took_us = 1e6 * int(batch) / median(rounds["ours"])
            messages = 1 / paired_ratio(rounds["nothing"], rounds["ours"]).ratio
            alone = median(run["alone_us"][batch]) / took_us
            line += f"   {took_us:12.0f}   {messages:8.0%}   {alone:12.0%}   {1 - messages - alone:11.0%}"
        lines.append(line)
    for batch, ways in run["run_us"].items():
        lines.append(
            f"a run with bound tensors against a plain one, batch {batch}: {compared(ways)['bound']} x the time"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Divide a request's time among messages, backend and model.")
    parser.add_argument("--before", help="a commit whose backend is measured beside this one's")
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    if given.rounds:
        if not given.before:
            parser.error("--before: name a commit whose backend is measured beside this one's")
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            found = measure(given.before, given.rounds, Path(folder))
        append("backend", {"window_ms": WINDOW_MS, "before": given.before, **found})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
