"""Find out whether the server's memory and threads stay as they are, and how soon it is ready.

A million requests to the anchor, plain and batched, with two instances each; then models that are
loaded, asked and unloaded hundreds of times, in a server that allows that; then starts of the
embedded server with two instances, by the clock, from the call to the first moment in which it is
ready to answer.

Writes  benchmarks/results/endurance.jsonl, one line a run
Run     python benchmarks/endurance.py              4 minutes
        python benchmarks/endurance.py --requests 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from assay.ground.paths import ANCHOR
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import anchor
from assay.measuring.readings import increase
from assay.measuring.windows import Windows
from assay.params.cells import parse_batching
from assay.servers.embedded import serve
from assay.serving.client import Server
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
from assay.serving.model_config import ModelShape, render, serving_config
from assay.serving.tritonserver import with_our_backend
from assay.tensors.named import part
from record import append, last_run

WINDOW_MS, CONCURRENCY = 3000, 16
STARTS = 20
# Cycles between two looks at memory.
CYCLES_A_LOOK = 50


def write_model(folder: Path, batching: str) -> Path:
    """Write the anchor's folder with two instances and a way of batching."""
    shutil.copytree(ANCHOR, folder)
    shape = ModelShape.read(folder / "1" / "model.onnx")
    config = serving_config(folder.name, shape, threads=1, instances=2, batching=parse_batching(batching))
    (folder / "config.pbtxt").write_text(render(config))
    return folder


def look(server: Server) -> dict[str, float]:
    """Return the server's resident memory in MiB and its number of threads."""
    process = psutil.Process(server.pid)
    return {"mib": round(process.memory_info().rss / 2**20, 2), "threads": process.num_threads()}


def many_requests(folder: Path, wanted: int) -> list[dict[str, float]]:
    """Return looks at the server after each window of two models by turns, until it has answered so many requests."""
    folders = [write_model(folder / batching, batching) for batching in ("off", "delay_0us")]
    asked = anchor()
    with serve(folders, 60) as server:
        inputs = {each.name: asked.input_data for each in folders}
        windows = Windows(server, inputs, folder, "grpc", WINDOW_MS)
        looks: list[dict[str, float]] = []
        answered = 0
        while answered < wanted:
            for each in folders:
                window = windows.measure(each.name, CONCURRENCY)
                answered += increase(window, "inference_stats", "success", "count")
                looks.append({"answered": answered, **look(server)})
        return looks


def with_control(place: Place) -> Launch:
    """Return how to start a server that loads and unloads what it is told to."""
    launch = with_our_backend(find_installation(), place, ())
    flags = [word for word in launch.command if not word.startswith("--model-control-mode")]
    return Launch([*flags, "--model-control-mode=explicit"], launch.environment)


def many_loads(folder: Path, cycles: int) -> list[dict[str, float]]:
    """Return looks at a server in which one model is loaded, asked and unloaded, again and again."""
    model = write_model(folder / "loaded", "delay_0us")
    example = part(anchor().examples, 0, 1)
    looks = []
    with launched(with_control, [model], 60) as server:
        for cycle in range(1, cycles + 1):
            server.load(model, 60)
            server.infer(model.name, example, ["logits"], "grpc")
            server.unload(model.name)
            if cycle % CYCLES_A_LOOK == 0:
                looks.append({"cycles": cycle, **look(server)})
    return looks


def starts(folder: Path) -> list[float]:
    """Return the seconds from calling for a server with two instances until it is ready."""
    model = write_model(folder / "started", "off")
    found = []
    for _ in range(STARTS):
        began = time.monotonic()
        with serve([model], 60):
            found.append(round(time.monotonic() - began, 3))
    return found


def table(run: dict[str, Any]) -> list[str]:
    """Return what grew, from the first look after a tenth of the work to the last, and the starts."""
    lines = []
    for what, looks in (("requests", run["requests"]), ("loads and unloads", run["loads"])):
        early, late = looks[max(1, len(looks) // 10)], looks[-1]
        count = int(late.get("answered") or late["cycles"])
        lines.append(
            f"{count:,} {what}: {early['mib']:.1f} -> {late['mib']:.1f} MiB, "
            f"{early['threads']} -> {late['threads']} threads"
        )
    seconds = run["starts"]
    lines.append(f"ready with two instances after {median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Look for growth of the server, and time its start.")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--cycles", type=int, default=500)
    given = parser.parse_args()
    if given.requests:
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found = {
                "starts": starts(folder),
                "loads": many_loads(folder, given.cycles),
                "requests": many_requests(folder, given.requests),
            }
        append("endurance", found)
    print("\n".join(table(last_run("endurance"))))


if __name__ == "__main__":
    run_stage(main)
