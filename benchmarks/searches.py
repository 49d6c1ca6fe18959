"""Let the race and Model Analyzer search 64 configurations for the best, and ask what their choices are worth.

The space is 1 to 4 instances, batches of at most 2, 4, 8 and 16, and delays of 0, 100, 200 and 500 µs, at concurrency
8, of the small `cnn` on digits. Quick search knows no delays, and looks among the 16 without. The tools take turns. All
that anybody chose then runs off side by side, over more starts than the pipeline has: that is what choices are worth.
How Model Analyzer is installed stands in analyzer.py; its instances compute with one thread each.

Writes  benchmarks/results/searches.jsonl, one line a comparison: seconds and choice of each run, and their worth
Run     python benchmarks/searches.py --program FOLDER/bin/model-analyzer --runs 5      40 minutes
        python benchmarks/searches.py                   prints the table of the last comparison
"""

from assay.ground.stage import run_stage

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from analyzer import THROUGHPUT, measure_if_asked, profile
from assay.ground.files import read_json
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import asked, bench
from assay.measuring.readings import throughput
from assay.params.matrix import matrix
from assay.params.perf import Perf
from assay.serving.model_config import THREADS, input_names, read_config, render
from assay.serving.model_folder import CONFIG, put_together
from assay.statistics.interval import Interval
from assay.statistics.ratio import ratio_of_logs
from assay.tensors.arrays import read_split
from assay.validation.schema import load_params
from clones import clone, require_committed, shorten, timed
from record import append, last_run

INSTANCES, BATCHES, DELAYS, CONCURRENCY = [1, 2, 3, 4], [2, 4, 8, 16], [0, 100, 200, 500], 8
SPACE: dict[str, Any] = {
    "instances": INSTANCES,
    "max_batch_size": BATCHES,
    "dynamic_batching": [f"delay_{delay}us" for delay in DELAYS],
    "concurrency": [CONCURRENCY],
}
CELLS = [cell.name for cell in matrix(["fp32"], Perf(**SPACE))]
MODEL = CELLS[0]
STARTS, ROUNDS = 20, 12


def race(folder: Path) -> dict[str, Any]:
    """Race, run off and decide, where the model is there; return the seconds and the choice."""
    stages = ("race/dvc.yaml:screen", "race/dvc.yaml:contenders", "runoff", "verdict")
    seconds, _ = timed(folder, "dvc", "repro", "--force", "--single-item", *stages)
    recommended = read_json(folder / "reports" / "verdict.json")["recommended"]
    return {"seconds": round(seconds, 1), "choice": recommended["cell"] if recommended else MODEL}


def prepare(clone_folder: Path, search: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the model together with one thread an instance, and ask for a search among its configurations."""
    put_together([clone_folder / "artifacts" / "model_repository" / MODEL], folder / "models")
    path = folder / "models" / MODEL / CONFIG
    config = read_config(path)
    config.parameters[THREADS].string_value = "1"
    path.write_text(render(config), encoding="utf-8")
    return {
        "run_config_search_min_instance_count": min(INSTANCES),
        "run_config_search_max_instance_count": max(INSTANCES),
        "run_config_search_min_model_batch_size": min(BATCHES),
        "run_config_search_max_model_batch_size": max(BATCHES),
        "run_config_search_min_concurrency": CONCURRENCY,
        "run_config_search_max_concurrency": CONCURRENCY,
        "concurrency_sweep_disable": True,
        "inference_output_fields": ["model_name", "model_config_path", "concurrency", "perf_throughput"],
        **search,
    }


QUICK = {"run_config_search_mode": "quick", "profile_models": {MODEL: {"cpu_only": True}}}
OPTUNA = {
    "run_config_search_mode": "optuna",
    "profile_models": {
        MODEL: {
            "cpu_only": True,
            "parameters": {"concurrency": [CONCURRENCY]},
            "model_config_parameters": {
                "max_batch_size": BATCHES,
                "instance_group": [{"kind": "KIND_CPU", "count": INSTANCES}],
                "dynamic_batching": {"max_queue_delay_microseconds": DELAYS},
            },
        }
    },
}


def analyzer(program: Path, clone_folder: Path, search: dict[str, Any]) -> dict[str, Any]:
    """Run one of Model Analyzer's searches; return the seconds, the measurements that it made and its choice."""
    with tempfile.TemporaryDirectory() as name:
        profiled = profile(program, clone_folder, MODEL, Path(name), partial(prepare, clone_folder, search))
        rows = [row for row in profiled.rows if int(row["Concurrency"]) == CONCURRENCY]
        best = max(rows, key=lambda row: float(row[THROUGHPUT]))
        config = read_config(profiled.configurations / best["Model Config Path"] / CONFIG)
    delay = config.dynamic_batching.max_queue_delay_microseconds
    choice = f"fp32-{config.instance_group[0].count}-{config.max_batch_size}-delay_{delay}us"
    return {"seconds": round(profiled.seconds, 1), "measurements": len(rows), "choice": choice}


def side_by_side(folder: Path, names: Sequence[str]) -> dict[str, list[float]]:
    """Measure configurations by turns in one server; return the mean logarithm of each one's throughput, by start."""
    conditions, found = load_params(folder / "params.yaml").conditions, dict[str, list[float]]()
    folders = [folder / "artifacts" / "model_repository" / name for name in names]
    (taken,), (images, _) = input_names(folders[0]), read_split(folder / "artifacts" / "data" / "test.npz")
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as temporary:
        candidates = asked(folders, {taken: images}, Path(temporary) / "input_data.json")
        for _ in tqdm(range(STARTS), unit="start"):
            with bench(candidates, conditions) as windows:
                order = np.random.default_rng().permuted
                rounds = [{name: windows.measure(name, CONCURRENCY) for name in order(names)} for _ in range(ROUNDS)]
            for name in names:
                mean = float(np.mean([np.log(throughput(each[name])) for each in rounds]))
                found.setdefault(name, []).append(round(mean, 5))
    return found


def measure(program: Path, runs: int) -> None:
    """Add a comparison of so many runs of each tool."""
    require_committed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        shorten(folder, {"perf": SPACE | {"search": "race"}}, model="cnn")
        timed(folder, "dvc", "repro", "triton-config")
        tools: dict[str, Callable[[], dict[str, Any]]] = {
            "race": lambda: race(folder),
            "quick": lambda: analyzer(program, folder, QUICK),
            "optuna": lambda: analyzer(program, folder, OPTUNA),
        }
        made: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
        for turn in tqdm(range(runs), unit="turn"):
            for tool in np.random.default_rng(turn).permuted(list(tools)):
                made[tool].append(tools[tool]())
        chosen = {MODEL: None} | {run["choice"]: None for of_tool in made.values() for run in of_tool}
        append("searches", {"runs": made, "worth": side_by_side(folder, list(chosen))})


def worth(logs: dict[str, list[float]], name: str, best: str) -> Interval:
    """Return a configuration's throughput as a share of the best one's, with a 95 % interval over starts."""
    return ratio_of_logs(list(np.subtract(logs[name], logs[best])))


def table() -> list[str]:
    """Return what the last comparison amounts to."""
    run = last_run("searches")
    logs, lines = run["worth"], []
    best = max(logs, key=lambda name: np.mean(logs[name]))
    for tool, of_tool in run["runs"].items():
        choices = [each["choice"] for each in of_tool]
        shares = [worth(logs, each, best) for each in choices]
        lines += [
            f"{tool}: {median(each['seconds'] for each in of_tool):.0f} s (median of {len(of_tool)}); its choices are "
            f"worth {median(each.value for each in shares):.2f} of the best of all that were chosen (median), "
            f"{min(each.value for each in shares):.2f} at worst",
            *(f"  {choice}: {share}" for choice, share in zip(choices, shares, strict=True)),
        ]
    return [*lines, f"default, {MODEL}: {worth(logs, MODEL, best)}"]


def main() -> None:
    measure_if_asked("Compare the race with Model Analyzer's searches.", "--runs", "of each tool", measure)
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
