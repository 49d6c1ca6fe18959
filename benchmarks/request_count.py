"""How long perf_analyzer reads before it measures, by the number of different requests of an ImageNet image's size.

perf_analyzer reads all requests anew for every window, and sends them in turn. More of them are closer to what a server
meets, and longer to read; whether they are slower to answer is measured, too: the same model is asked each number of
them by turns.

Writes  benchmarks/results/request_count.jsonl, one line a run
Run     python benchmarks/request_count.py        2 minutes
        python benchmarks/request_count.py --rounds 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from arms import compared, in_turns
from assay.load.input_data import write_input_data
from assay.machine.lock import machine_to_ourselves
from assay.measuring.readings import throughput
from assay.measuring.windows import Windows
from assay.servers.embedded import serve
from protocols import write_mean_model
from record import append, last_run

# Numbers of 4 bytes in an ImageNet image, 602 kB.
SIZE = 150_528
COUNTS = (4, 8, 16, 32, 64, 111)  # the last: as many as fit 64 MiB
CONCURRENCY, WINDOW_MS = 4, 50


def measure(rounds: int, folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return seconds beyond those in which it counts, and inferences a second, by the number of requests."""
    model, chance = write_mean_model(folder / "mean", SIZE), np.random.default_rng(0)
    with serve([model], 60) as server:
        clients = {}
        for count in COUNTS:
            place = folder / str(count)
            place.mkdir()
            write_input_data(place / "data.json", {"numbers": chance.random((count, SIZE), np.float32)})
            clients[str(count)] = Windows(server, {model.name: place / "data.json"}, place, "grpc", WINDOW_MS)
        arms = {count: partial(client.measure, model.name, CONCURRENCY) for count, client in clients.items()}
        found = in_turns(arms, rounds)
    return {
        "beyond_s": {count: [each["seconds"] - each["counted_s"] for each in found[count]] for count in found},
        "throughput": {count: [throughput(each) for each in found[count]] for count in found},
    }


def table() -> list[str]:
    """Return the last run: seconds beyond a window, and throughput against that of the fewest requests."""
    run = last_run("request_count")
    ratios = compared({count: run["throughput"][count] for count in map(str, COUNTS)})
    lines = [f"{'requests':>8} {'bytes':>12}  {'seconds beyond':>14}  throughput, × that of {COUNTS[0]}"]
    for count in map(str, COUNTS):
        size, beyond = 4 * SIZE * int(count), median(run["beyond_s"][count])
        lines.append(f"{count:>8} {size:>12,}  {beyond:>14.2f}  {ratios.get(count, 1)}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what many large requests cost perf_analyzer.")
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    if rounds:
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            append("request_count", {"window_ms": WINDOW_MS, **measure(rounds, Path(folder))})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
