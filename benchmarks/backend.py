"""Compare our ONNX Runtime backend with the one in Python that it replaced, and find where a request's time goes.

By turns, in one server, the anchor three times: on our backend, on the Python one, and on a backend
that answers with zeros and looks at nothing. A fourth is on another build of an ONNX Runtime backend,
such as NVIDIA's own, if there is one at hand. ONNX Runtime is timed in this process, after each load.
The server's statistics divide the time of a request.

Writes  benchmarks/results/backend.jsonl, one line a run
Run     python benchmarks/backend.py                4 minutes
        (`--beside /opt/tritonserver/backends/onnxruntime/libtriton_onnxruntime.so` for a fourth)
        python benchmarks/backend.py --rounds 0     prints the tables of the last run
"""

from assay.ground.stage import run_stage

import argparse
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from arms import in_turns
from assay.ground.paths import ANCHOR
from assay.ground.process import StageError
from assay.ground.records.measured import Window
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import anchor
from assay.measuring.readings import cpu_per_1000, increase, requests, throughput
from assay.measuring.windows import Windows
from assay.params.triton import BACKEND
from assay.profiling.model_alone import ModelAlone
from assay.serving import backend
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
from assay.serving.model_config import PYTHON_BACKEND, read_config, render
from assay.serving.tritonserver import with_our_backend
from assay.statistics.ratio import paired_ratio
from record import ROOT, append, last_run

# The last commit that has it.
PYTHON_REVISION = "acdea47"
PYTHON_PROGRAM = "triton/backends/onnxruntime/model.py"
NO_OP, BESIDE = "no_op", "beside"
# What each arm is called here -> its backend, as Triton calls that.
BACKENDS = {"native": BACKEND, "python": PYTHON_BACKEND, "no_op": NO_OP}
LOADS = ((1, 1), (4, 1), (8, 1), (16, 1), (1, 8), (8, 8))  # requests in flight, examples in one
PARTS = ("queue", "compute_input", "compute_infer", "compute_output")
WINDOW_MS = 100


def python_program() -> str:
    """Return the backend in Python as Git keeps it; raises StageError in a clone without that commit."""
    command = ["git", "show", f"{PYTHON_REVISION}:{PYTHON_PROGRAM}"]
    shown = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, encoding="utf-8", errors="replace")
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


def with_others(beside: Path | None, place: Place) -> Launch:
    """Return how to start a server that has the backend that does nothing, too, and another one's library."""
    launch = with_our_backend(find_installation(), place, ())
    libraries = {name: place.folder / "backends" / name / f"libtriton_{name}.so" for name in (NO_OP, BESIDE)}
    for library in libraries.values():
        library.parent.mkdir()
    source = Path(__file__).parent / "no_op_backend.cc"
    words = [*backend.compiler(), *backend.FLAGS, "-iquote", str(backend.SOURCES), str(source)]
    subprocess.run([*words, "-o", str(libraries[NO_OP])], check=True)
    if beside:
        shutil.copy2(beside, libraries[BESIDE])
    return launch


def measure(rounds: int, beside: Path | None, folder: Path) -> dict[str, Any]:
    """Return, for each load, what every round gave: inferences a second and the server's processor time for one."""
    arms = BACKENDS | ({BESIDE: BESIDE} if beside else {})
    folders = [write_model(folder / name, backend_name) for name, backend_name in arms.items()]
    asked = anchor()
    alone = ModelAlone(ANCHOR, asked.examples)
    found: dict[str, Any] = {"loads": []}
    with launched(partial(with_others, beside), folders, 60) as server:
        for concurrency, batch in LOADS:
            place = folder / f"{concurrency}_{batch}"
            place.mkdir()
            inputs = dict.fromkeys(arms, asked.input_data)
            windows = Windows(server, inputs, place, "grpc", WINDOW_MS, batch_size=batch)
            measured = in_turns({name: partial(windows.measure, name, concurrency) for name in arms}, rounds)
            found["loads"].append(
                {
                    "concurrency": concurrency,
                    "batch": batch,
                    "throughput": {name: [throughput(each) for each in some] for name, some in measured.items()},
                    "cpu_per_1000": {
                        name: [cpu_per_1000(each, "server") for each in some] for name, some in measured.items()
                    },
                    "server_us": {name: server_us(some) for name, some in measured.items()},
                    "alone_us": round(alone.microseconds(batch), 1),
                }
            )
    return found


def server_us(windows: list[Window]) -> dict[str, float]:
    """Return the mean microseconds of a request's parts in the server, as its statistics tell them."""
    count = sum(map(requests, windows))
    return {
        part: round(sum(increase(each, "inference_stats", part, "ns") for each in windows) / count / 1000, 1)
        for part in PARTS
    }


def against_python(loads: list[dict[str, Any]]) -> list[str]:
    """Return a line a load: our backend against the one in Python, and against none."""
    lines = ["concurrency x batch   throughput / Python's   CPU an inference / Python's   throughput / no-op's    1/s"]
    for load in loads:
        speeds, costs = load["throughput"], load["cpu_per_1000"]
        lines.append(
            f"{load['concurrency']:>11} x {load['batch']:<5}   {paired_ratio(speeds['native'], speeds['python'])!s:>21}"
            f"   {paired_ratio(costs['native'], costs['python'])!s:>27}"
            f"   {paired_ratio(speeds['native'], speeds['no_op'])!s:>20}   {median(speeds['native']):8.0f}"
        )
    return lines


def against_another(loads: list[dict[str, Any]]) -> list[str]:
    """Return a line a load: the other build against ours, where there was one."""
    if BESIDE not in loads[0]["throughput"]:
        return []
    lines = ["concurrency x batch   the other's throughput / ours   its CPU an inference / ours"]
    for load in loads:
        speeds, costs = load["throughput"], load["cpu_per_1000"]
        lines.append(
            f"{load['concurrency']:>11} x {load['batch']:<5}   {paired_ratio(speeds[BESIDE], speeds['native'])!s:>29}"
            f"   {paired_ratio(costs[BESIDE], costs['native'])!s:>27}"
        )
    return lines


def where_it_goes(loads: list[dict[str, Any]]) -> list[str]:
    """Return a line for each load of one request in flight: a request's microseconds, and those of its parts.

    Messages are the whole of a request to the backend that does nothing; what our backend's parts
    do not explain beyond that is the rest.
    """
    lines = [
        "examples   a request   messages   input   ONNX Runtime   output   the rest   ONNX Runtime in this process"
    ]
    for load in loads:
        if load["concurrency"] == 1:
            took, messages = (1e6 * load["batch"] / median(load["throughput"][name]) for name in ("native", NO_OP))
            ours = load["server_us"]["native"]
            begun, computed, ended = (ours[part] for part in PARTS[1:])
            rest = took - messages - begun - computed - ended
            lines.append(
                f"{load['batch']:>8}   {took:6.0f} us   {messages:5.0f} us   {begun:5.1f}   {computed:12.1f}"
                f"   {ended:6.1f}   {rest:8.1f}   {load['alone_us']:28.1f}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare backends, and divide a request's time among their parts.")
    parser.add_argument("--beside", type=Path, metavar="LIBRARY", help="another ONNX Runtime backend's")
    parser.add_argument("--rounds", type=int, default=16)
    given = parser.parse_args()
    if given.rounds:
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            append("backend", {"window_ms": WINDOW_MS, **measure(given.rounds, given.beside, Path(folder))})
    loads = last_run("backend")["loads"]
    print("\n".join([*against_python(loads), *against_another(loads), *where_it_goes(loads)]))


if __name__ == "__main__":
    run_stage(main)
