"""Compare our ONNX Runtime backend with the one in Python that it replaced, and find where a request's time goes.

By turns, in one server, the anchor three times: on our backend, on the Python one, and on a backend
that answers with zeros and looks at nothing. ONNX Runtime is timed in this process, after each
load. With one request in flight messages, ONNX Runtime and our backend's own work add up to its
time; with more they overlap.

Writes  benchmarks/results/backend.jsonl, one line a run
Run     PYTHONPATH=stages python benchmarks/backend.py                4 minutes
        PYTHONPATH=stages python benchmarks/backend.py --rounds 0     prints the tables of the last run
"""

from runtime.stage import run_stage

import argparse
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from arms import in_turns
from measuring.bench import anchor
from measuring.model_alone import ModelAlone
from measuring.readings import requests, throughput
from measuring.windows import Windows
from record import ROOT, append, last_run
from runtime.paths import ANCHOR
from runtime.process import StageError
from server import backend
from server.embedded import with_our_backend
from server.installation import find_installation
from server.launch import Launch, Place, launched
from server.lock import machine_to_ourselves
from server.model_config import PYTHON_BACKEND, read_config, render
from uncertainty.ratio import paired_ratio

# The last commit that has it.
PYTHON_REVISION = "acdea47"
PYTHON_PROGRAM = "triton/backends/onnxruntime/model.py"
NO_OP = "no_op"
BACKENDS = {"native": backend.BACKEND, "python": PYTHON_BACKEND, "no_op": NO_OP}
LOADS = ((1, 1), (4, 1), (8, 1), (16, 1), (1, 8), (8, 8))  # requests in flight, examples in one
WINDOW_MS = 100


def python_program() -> str:
    """Return the backend in Python as Git keeps it; raises StageError in a clone without that commit."""
    command = ["git", "show", f"{PYTHON_REVISION}:{PYTHON_PROGRAM}"]
    shown = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if shown.returncode:
        raise StageError(f"{PYTHON_PROGRAM} of {PYTHON_REVISION} is not in this clone: {shown.stderr.strip()}")
    return shown.stdout


def write_model(folder: Path, backend_name: str) -> Path:
    """Write the anchor's folder for another backend."""
    shutil.copytree(ANCHOR, folder)
    config = read_config(folder / "config.pbtxt")
    config.name, config.backend = folder.name, backend_name
    if backend_name == PYTHON_BACKEND:
        (folder / "1" / "model.py").write_text(python_program(), encoding="utf-8")
    (folder / "config.pbtxt").write_text(render(config))
    return folder


def with_no_op(place: Place) -> Launch:
    """Return how to start a server that has the backend that does nothing, too."""
    launch = with_our_backend(find_installation(), place, ())
    folder = place.folder / "backends" / NO_OP
    folder.mkdir()
    source = Path(__file__).parent / "no_op_backend.cc"
    library = folder / f"libtriton_{NO_OP}.so"
    words = [*backend.compiler(), *backend.FLAGS, "-iquote", str(backend.SOURCES), str(source), "-o", str(library)]
    subprocess.run(words, check=True)
    return launch


def measure(rounds: int, folder: Path) -> dict[str, Any]:
    """Return, for each load, what every round gave: inferences a second and the server's seconds of processor time."""
    folders = [write_model(folder / name, backend_name) for name, backend_name in BACKENDS.items()]
    asked = anchor()
    alone = ModelAlone(ANCHOR, asked.examples)
    found: dict[str, Any] = {"loads": [], "server_us": {}}
    with launched(with_no_op, folders, 60) as server:
        for concurrency, batch in LOADS:
            place = folder / f"{concurrency}_{batch}"
            place.mkdir()
            inputs = dict.fromkeys(BACKENDS, asked.input_data)
            windows = Windows(server, inputs, place, "grpc", WINDOW_MS, batch_size=batch)
            measured = in_turns({name: partial(windows.measure, name, concurrency) for name in BACKENDS}, rounds)
            found["loads"].append(
                {
                    "concurrency": concurrency,
                    "batch": batch,
                    "throughput": {name: [throughput(each) for each in some] for name, some in measured.items()},
                    "cpu_us": {name: [cpu_us(each) / batch for each in some] for name, some in measured.items()},
                    "alone_us": round(alone.microseconds(batch), 1),
                }
            )
    return found


def cpu_us(window: dict[str, Any]) -> float:
    """Return the microseconds of processor time that the server took for a request."""
    return round(1e6 * float(window["cpu_seconds"]["server"]) / requests(window), 3)


def against_python(loads: list[dict[str, Any]]) -> list[str]:
    """Return a line a load: our backend against the one in Python, and against none."""
    lines = ["concurrency x batch   throughput / Python's   CPU an inference / Python's   throughput / no-op's    1/s"]
    for load in loads:
        speeds, costs = load["throughput"], load["cpu_us"]
        lines.append(
            f"{load['concurrency']:>11} x {load['batch']:<5}   {paired_ratio(speeds['native'], speeds['python'])!s:>21}"
            f"   {paired_ratio(costs['native'], costs['python'])!s:>27}"
            f"   {paired_ratio(speeds['native'], speeds['no_op'])!s:>20}   {median(speeds['native']):8.0f}"
        )
    return lines


def where_it_goes(loads: list[dict[str, Any]]) -> list[str]:
    """Return a line for each load of one request in flight: the parts of its time."""
    lines = ["examples a request   us a request   messages   ONNX Runtime   our backend"]
    for load in loads:
        if load["concurrency"] == 1:
            took_us = 1e6 * load["batch"] / median(load["throughput"]["native"])
            messages = 1 / paired_ratio(load["throughput"]["no_op"], load["throughput"]["native"]).ratio
            alone = load["alone_us"] / took_us
            own = 1 - messages - alone
            lines.append(f"{load['batch']:>18}   {took_us:12.0f}   {messages:8.0%}   {alone:12.0%}   {own:11.0%}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare backends, and divide a request's time among their parts.")
    parser.add_argument("--rounds", type=int, default=16)
    rounds = parser.parse_args().rounds
    if rounds:
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            append("backend", {"window_ms": WINDOW_MS, **measure(rounds, Path(folder))})
    loads = last_run("backend")["loads"]
    print("\n".join([*against_python(loads), *where_it_goes(loads)]))


if __name__ == "__main__":
    run_stage(main)
