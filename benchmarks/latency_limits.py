"""Find how near to a limit on latency a verdict can still tell: by windows' percentiles, and by single requests.

Windows of the anchor are measured by turns with and without an export of single requests, over
several starts of the server. Limits at growing multiples of the latency that a share of all those
requests exceeded are then judged twice on the same windows, by what each way knows of them.

Writes  benchmarks/results/latency_limits.jsonl, one line a run
Run     python benchmarks/latency_limits.py --starts 10
"""

from assay.ground.stage import run_stage

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from tqdm import tqdm

from assay.deciding.slo import check_latency
from assay.ground.records.measured import Window
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import anchor, bench
from assay.measuring.readings import beyond_limit, completed
from assay.statistics.limit import Answer
from assay.tensors.named import values_in
from assay.validation.schema import Params, load_params
from known_models import copies
from record import append

CONCURRENCY = 8
ROUNDS = 12
# Finely around the truth, then up to where a mean alone leaves no room for slow requests.
MULTIPLES = [*(round(0.5 + 0.02 * step, 2) for step in range(126)), *range(4, 41)]
Starts = list[list[Window]]


def measure_start(params: Params) -> tuple[list[Window], dict[str, list[float]]]:
    """Return the exported windows of one server start, and the seconds that windows of each way took."""
    seconds: dict[str, list[float]] = {"single_requests": [], "percentiles": []}
    exported = []
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as exports,
        bench(copies(["limited"], Path(folder)), params.conditions) as plain,
    ):
        with_export = replace(plain, folder=Path(exports), values_a_request={"limited": values_in(anchor().examples)})
        for windows in (plain, with_export):
            windows.measure("limited", CONCURRENCY)
        for _ in range(ROUNDS):
            for name, windows in (("percentiles", plain), ("single_requests", with_export)):
                began = time.monotonic()
                window = windows.measure("limited", CONCURRENCY)
                seconds[name].append(time.monotonic() - began)
                if windows is with_export:
                    exported.append(window)
    return exported, seconds


def without_single_requests(starts: Starts) -> Starts:
    """Return the windows as they are where nothing is exported."""
    return [[{**window, "latency_bins": None} for window in start] for start in starts]


def exceeded_by(starts: Starts, percent: int) -> float:
    """Return the latency in milliseconds that no more than 100 - percent of all exported requests exceed."""
    windows = [window for start in starts for window in start]
    total, low, high = sum(map(completed, windows)), 1.0, 1e7
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        beyond = sum(beyond_limit(window, middle)[1] for window in windows)
        low, high = (middle, high) if beyond > total * (1 - percent / 100) else (low, middle)
    return high / 1000


def answers(starts: Starts, percent: int) -> dict[str, dict[str, float | None]]:
    """Return, of each way, up to which multiple of the true latency a limit surely fails, and from which it is met."""
    true_ms = exceeded_by(starts, percent)
    found: dict[str, dict[str, float | None]] = {}
    for name, windows in (("single_requests", starts), ("percentiles", without_single_requests(starts))):
        said: dict[float, Answer] = {
            multiple: check_latency(percent, multiple * true_ms, windows).answer for multiple in MULTIPLES
        }
        found[name] = {
            "fails_up_to": max((multiple for multiple in said if said[multiple] == "fails"), default=None),
            "meets_from": min((multiple for multiple in said if said[multiple] == "meets"), default=None),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge limits on latency both ways.")
    parser.add_argument("--starts", type=int, default=10)
    count, params = parser.parse_args().starts, load_params()
    with machine_to_ourselves():
        measured = [measure_start(params) for _ in tqdm(range(count), unit="start")]
    starts = [windows for windows, _ in measured]
    seconds = {
        name: round(median(each for _, spent in measured for each in spent[name]), 3)
        for name in ("single_requests", "percentiles")
    }
    result = {
        "concurrency": CONCURRENCY,
        "window_ms": params.perf.window_ms,
        "starts": count,
        "rounds": ROUNDS,
        "requests": sum(completed(window) for start in starts for window in start),
        "seconds_a_window": seconds,
        "multiples": {f"p{percent}": answers(starts, percent) for percent in (95, 99)},
    }
    append("latency_limits", result)
    print(result)


if __name__ == "__main__":
    run_stage(main)
