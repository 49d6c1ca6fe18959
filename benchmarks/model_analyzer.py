"""Compare the pipeline with Triton Model Analyzer: same server, model, grid and inputs, similar time for the grid.

Two of the five configurations are the same under two names: their true ratio is 1. Runs of
the two tools alternate. How Model Analyzer is installed stands in analyzer.py.

Writes  benchmarks/results/model_analyzer.jsonl, one line a run of one of the tools
Run     python benchmarks/model_analyzer.py --program FOLDER/bin/model-analyzer --pairs 5
        python benchmarks/model_analyzer.py       prints the table of all
"""

from assay.ground.stage import run_stage

import itertools
import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from analyzer import THROUGHPUT, measure_if_asked, profile
from assay.ground.files import read_json
from assay.ground.numerals import counted
from assay.ground.process import StageError
from assay.measuring.readings import throughput
from assay.serving.model_folder import put_together
from clones import clone, require_committed, shorten, timed
from record import append, runs_on_one_server

PERF: dict[str, Any] = {
    "instances": [1],
    "max_batch_size": [64],
    "dynamic_batching": ["off", "delay_0us", "delay_100us", "delay_500us", "delay_500us_preferred_64"],
    "concurrency": [1, 4, 16],
}
# Twelve rounds a level and no more: about the time that Model Analyzer takes.
SCREENING = {"precision": 1.0}
CELLS = [f"fp32-1-64-{batching}" for batching in PERF["dynamic_batching"]]
LEVELS = ("1", "4", "16")
# Without preferred sizes, ours and Triton's own choice is the largest batch.
TWINS = (CELLS[3], CELLS[4])
RESAMPLES = 5000


def prepare(clone_folder: Path, folder: Path) -> dict[str, Any]:
    """Put the clone's cells together as they are, and ask for all of them at the same levels."""
    put_together([clone_folder / "artifacts" / "model_repository" / cell for cell in CELLS], folder / "models")
    return {
        "run_config_search_disable": True,
        "inference_output_fields": ["model_name", "concurrency", "perf_throughput", "perf_latency_p99"],
        "profile_models": {cell: {"parameters": {"concurrency": list(map(int, LEVELS))}} for cell in CELLS},
    }


def run_analyzer(program: Path, clone_folder: Path) -> dict[str, Any]:
    """Run Model Analyzer once: its seconds, its throughputs, and the configuration that comes out on top."""
    with tempfile.TemporaryDirectory() as name:
        profiled = profile(program, clone_folder, CELLS[0], Path(name), partial(prepare, clone_folder))
    found: dict[str, dict[str, float]] = {cell: {} for cell in CELLS}
    for row in profiled.rows:
        found[row["Model"]][row["Concurrency"]] = float(row[THROUGHPUT])
    answer = max(CELLS, key=lambda cell: found[cell][LEVELS[-1]])
    return {"seconds": round(profiled.seconds, 1), "throughput": found, "answer": answer}


def run_pipeline(clone_folder: Path) -> dict[str, Any]:
    """Measure and decide once: the seconds, each round's ratio to the anchor, and the recommendation."""
    seconds, _ = timed(clone_folder, "dvc", "repro", "--force", "--downstream", "cells/dvc.yaml:perf")
    ratios: dict[str, dict[str, list[float]]] = {}
    for cell in CELLS:
        levels = read_json(clone_folder / "reports" / "perf" / "all" / f"{cell}.json")["levels"]
        ratios[cell] = {str(level["concurrency"]): [_ratio(each) for each in level["rounds"]] for level in levels}
    verdict = read_json(clone_folder / "reports" / "perf.json")["verdict"]
    finalists = {each["cell"]: each["value"] for each in verdict["finalists"]}
    return {
        "seconds": round(seconds, 1),
        "ratios": ratios,
        "runoff": finalists,
        "equals": verdict["equals"],
        "answer": verdict["recommended"],
    }


def _ratio(measured: dict[str, Any]) -> float:
    windows = measured["windows"]
    return round(throughput(windows["candidate"]) / throughput(windows["anchor"]), 6)


def measure(program: Path, pairs: int) -> None:
    """Add so many runs of each tool, in turn."""
    require_committed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        shorten(folder, {"perf": PERF, "screening": SCREENING})
        timed(folder, "dvc", "repro")
        tools: dict[str, Callable[[], dict[str, Any]]] = {
            "Model Analyzer": lambda: run_analyzer(program, folder),
            "pipeline": lambda: run_pipeline(folder),
        }
        for pair in tqdm(range(pairs), unit="pair"):
            for tool in sorted(tools, reverse=bool(pair % 2)):
                append("model_analyzer", {"tool": tool, **tools[tool]()})


def twin_logs(run: dict[str, Any], rounds: int | None = None) -> list[float]:
    """Return the logarithm of the twins' ratio at each level, from the first `rounds` rounds or all."""
    if "throughput" in run:
        first, second = (run["throughput"][cell] for cell in TWINS)
        return [math.log(first[level] / second[level]) for level in LEVELS]
    first, second = (run["ratios"][cell] for cell in TWINS)
    return [float(np.mean(np.log(first[level][:rounds])) - np.mean(np.log(second[level][:rounds]))) for level in LEVELS]


def runoff_logs(run: dict[str, Any]) -> list[float]:
    """Return the logarithm of the twins' ratio in the run-off, if both were in it."""
    first, second = (run["runoff"].get(cell) for cell in TWINS)
    return [math.log(first / second)] if first and second else []


def spread(logs: list[list[float]]) -> float:
    """Return the root mean square of the runs' logarithms, in %: the truth is 0."""
    return 100 * math.expm1(math.sqrt(float(np.mean(np.square(list(itertools.chain(*logs)))))))


def interval(statistic: Callable[[list[int]], float], count: int) -> str:
    """Return a 95 % interval of a statistic of runs, by drawing the runs again."""
    draws = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    low, high = np.percentile([statistic(draw.tolist()) for draw in draws], [2.5, 97.5])
    return f"{low:.2g}–{high:.2g}"


def agreement(answers: list[str]) -> str:
    """Return the share of pairs of runs that name the same configuration."""
    pairs = list(itertools.combinations(answers, 2))
    return f"{sum(first == second for first, second in pairs)} of {len(pairs)} pairs of runs"


def table() -> list[str]:
    """Return what the runs on the newest server amount to."""
    by_tool: dict[str, list[dict[str, Any]]] = {}
    for run in runs_on_one_server("model_analyzer"):
        by_tool.setdefault(run["tool"], []).append(run)
    if len(by_tool) < 2:
        raise StageError(
            "benchmarks/results/model_analyzer.jsonl has no runs of both tools on one server; add some with --pairs"
        )
    theirs, ours = by_tool["Model Analyzer"], by_tool["pipeline"]
    count = min(len(theirs), len(ours))
    lines = []
    for tool, of_tool in by_tool.items():
        logs = [twin_logs(run) for run in of_tool]
        reach = interval(lambda draw, logs=logs: spread([logs[index] for index in draw]), len(logs))  # type: ignore[misc]
        answers = [run["answer"].removeprefix("fp32-1-64-") for run in of_tool]
        lines += [
            f"{tool}, {len(of_tool)} runs of {median(run['seconds'] for run in of_tool):.0f} s (median)",
            f"  identical configurations differ by {spread(logs):.1f} % ({reach}), all levels; "
            f"{spread([each[-1:] for each in logs]):.1f} % at concurrency {LEVELS[-1]}",
            f"  answers: {', '.join(answers)}; {agreement(answers)} agree",
        ]
    in_runoff = [logs for logs in map(runoff_logs, ours) if logs]
    if in_runoff:
        lines.append(f"  in its run-off, in {counted(len(in_runoff), 'run')} with both: {spread(in_runoff):.1f} %")
    their_logs, our_logs = ([twin_logs(run) for run in each[:count]] for each in (theirs, ours))

    def quotient(draw: list[int]) -> float:
        return spread([our_logs[index] for index in draw]) / spread([their_logs[index] for index in draw])

    lines.append(f"spread, ours over theirs: {quotient(list(range(count))):.2f} ({interval(quotient, count)})")
    enough = next((n for n in range(1, 13) if spread([twin_logs(run, n) for run in ours]) <= spread(their_logs)), None)
    lines.append(f"rounds of ours that give their spread: {enough or 'more than 12'} of 12")
    return lines


def main() -> None:
    measure_if_asked("Compare the pipeline with Triton Model Analyzer.", "--pairs", "runs of each tool to add", measure)
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
