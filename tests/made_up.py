"""Write everything that the report stage reads, made up: the same numbers on every machine."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conftest import ROOT, read_params, run
from measured import level, one_round, window
from PIL import Image
from ruamel.yaml import YAML
from scipy.stats import norm

from assay.deciding.history import Record, basis, question, record
from assay.deciding.recorded import write_verdict
from assay.deciding.verdict import Verdict, decide
from assay.load.single_requests import histogram
from assay.params.cells import Cell
from assay.params.matrix import ANCHOR_COPY, DEFAULT_THREADS
from assay.validation.schema import Params, validate

# How many times the anchor's throughput each cell of the matrix has at concurrency 1 and 8.
SPEEDS = {
    "fp32-1-64-off": (0.9, 1.0),
    "fp32-1-64-delay_0us": (0.9, 1.3),
    "fp32-1-64-delay_500us": (0.4, 1.2),
    "fp32-2-64-off": (0.9, 1.4),
    "fp32-2-64-delay_0us": (0.9, 1.8),
    "fp32-2-64-delay_500us": (0.4, 1.7),
}
FINALISTS = ["fp32-1-64-off", "fp32-2-64-delay_0us", "fp32-2-64-delay_500us"]
STUDY = {"deviation": 0.06, "freedom": 8, "visits": 9, "hours": 20.0, "processor": "A processor"}
SUSTAINED = {1500: 3.0, 1600: 3.6, 1700: 4.4, 1800: 5.1, 1900: 9.0}


def noisy(value: float, count: int, seed: int) -> list[float]:
    noise = np.random.default_rng(seed).normal(0, 0.05, count)
    return [float(each) for each in value * np.exp(noise)]


def params() -> tuple[dict[str, Any], Params]:
    content = read_params()
    content["perf"]["slo"]["p95_ms"] = 5.0
    content["saturation"]["distribution"] = "poisson"
    return content, validate(content)


def cell_file(name: str, speeds: Sequence[float], concurrencies: Sequence[int], batch: int) -> dict[str, Any]:
    levels = [
        level(noisy(speed, 12, seed=len(name) + concurrency), concurrency, batch=batch if concurrency > 1 else 1)
        for speed, concurrency in zip(speeds, concurrencies, strict=True)
    ]
    server = {"kind": "embedded", "version": "2.51.0"}
    single = {"p50": 60.0, "p95": 75.0}
    return {
        "format": 1,
        "cell": name,
        "measured_at": "2026-01-01T11:55:00+00:00",
        "server": server,
        "config": f'name: "{name}"\n# {", ".join(name.split("-"))}\n',
        "single_alone_us": single,
        "levels": levels,
    }


def runoff(speeds: dict[str, float], starts: int, rounds: int) -> dict[str, Any]:
    count = starts * rounds
    values = {name: noisy(1000 * speed, count, seed=len(name)) for name, speed in speeds.items()}
    measured = [
        one_round(1 + index // rounds, **{name: window(values[name][index]) for name in speeds})
        for index in range(count)
    ]
    return {
        "format": 1,
        "concurrency": 8,
        "measured_at": "2026-01-01T12:00:00+00:00",
        "finalists": list(speeds),
        "rounds": measured,
    }


def saturation(cell: str, rounds: int) -> dict[str, Any]:
    # The latencies of a window's requests, as multiples of their 95th percentile.
    shares = (np.arange(600) + 0.5) / 600
    shape = np.exp(0.35 * (norm.ppf(shares) - norm.ppf(0.95)))

    def at(rate: float, p95_ms: float) -> dict[str, Any]:
        return {**window(rate), "latency_bins": histogram((1000 * p95_ms * shape).tolist())}

    latencies = [noisy(p95_ms, rounds, seed=rate) for rate, p95_ms in SUSTAINED.items()]
    windows = [
        {f"{rate:g}": at(rate, values[index]) for rate, values in zip(SUSTAINED, latencies, strict=True)}
        for index in range(rounds)
    ]
    looks = {"1500": "may do", "2340": "too many"}
    rounds_ = [{"start": 1, "windows": each, "first_looks": looks} for each in windows]
    return {"format": 1, "cell": cell, "rounds": rounds_}


def decided(checked: Params, written: dict[str, Any]) -> Verdict:
    """Return the verdict on the run-off, as its stage would."""
    by_name = {cell.name: cell for cell in checked.cells}
    return decide(
        [by_name[name] for name in written["runoff"]["finalists"]],
        written["runoff"]["rounds"],
        {"fp32": written["onnx/fp32"]["classifier"]},
        checked.perf,
        rounds_a_start=4,
        repetition=checked.triton.repetition,
        variants=checked.onnx.variants,
    )


def earlier(checked: Params, written: dict[str, Any]) -> Record:
    """Return the verdict of another hour on the same basis."""
    against = [None, {"ratio": 1.71, "low": 1.63, "high": 1.79}, {"ratio": 1.66, "low": 1.58, "high": 1.74}]
    finalists = [{"cell": name, "against_default": ratio} for name, ratio in zip(FINALISTS, against, strict=True)]
    verdict = {"recommended": FINALISTS[1], "equals": FINALISTS[1:2], "finalists": finalists}
    exports = {"fp32": written["onnx/fp32"]}
    machine = written["machine"]
    asked = question(checked.cells, checked.perf, checked.model_dump(include={"load", "finalists", "runoff"}))
    rests_on = basis(checked.triton, checked.load.client_cores, machine, exports, asked)
    return record(checked.triton.server, machine["server"], rests_on, verdict, "2025-12-31T22:30:00+00:00")


def reports(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the JSON files below reports/ by name."""
    scores = {"accuracy": 0.95, "macro_f1": 0.951, "reconstruction_mse": 0.005}
    served = {protocol: {"1": 0.0, "3": 1e-7, "64": 1e-7} for protocol in ("http", "grpc")}
    classifier = {
        "parity": 1e-5,
        "sha256": "0" * 64,
        "file_bytes": 28985,
        "weights": 6500,
        "sparsity": 0.0,
        "macs": 190_000,
        "test_correct": 342,
        "accelerator": None,
        "batch": {"examples": 4, "safe": True, "difference": 1e-7, "other_class": 0, "rows": 359},
        "test_examples": 359,
        "test_wrong": " ".join(map(str, range(17))),
    }
    return {
        "raw_data": {"dataset": "digits", "edition": "made-up digits", "files": []},
        "data": {"dataset": "digits", "class_counts": {split: {"0": 30, "1": 31} for split in ("train", "test")}},
        "training": {"validation": scores, "test": scores},
        "machine": {
            "processor": "A processor",
            "logical_cores": 4,
            "usable_cores": 2,
            "usable_logical_cores": 2,
            "memory_gib": 16,
            "kernel": "6.1",
            "python": "3.11",
            "packages": {"onnxruntime": "1.0"},
            "server": {"backend": "0123", "onnxruntime": "1.0"},
        },
        "onnx/fp32": {
            "classifier": classifier,
            "autoencoder": {"sha256": "1" * 64, "parity": 1e-6, "file_bytes": 56778, "accelerator": None},
        },
        "serving/fp32": {"classifier-fp32": served, "autoencoder-fp32": served},
        "runoff": runoff({name: SPEEDS[name][1] for name in FINALISTS}, starts=6, rounds=4),
        "saturation": saturation("fp32-2-64-delay_0us", rounds=12),
        f"perf/all/{ANCHOR_COPY}": cell_file(ANCHOR_COPY, (1.0, 1.0), (1, 8), 1),
        f"perf/all/{DEFAULT_THREADS}": cell_file(DEFAULT_THREADS, (1.1,), (8,), 1),
        **{
            f"perf/all/{cell.name}": cell_file(cell.name, SPEEDS[cell.name], (1, 8), 4 if cell.batching else 1)
            for cell in cells
        },
    }


def write_workspace(folder: Path) -> Path:
    """Write a workspace in which only the report is missing; return it."""
    content, checked = params()
    for code in ("src", "stages"):
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", folder)
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(content, file)
    all_written = reports(checked.cells)
    all_written["verdicts/embedded"] = earlier(checked, all_written)
    for name, written in all_written.items():
        path = folder / "reports" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(written))
    write_verdict(folder / "reports" / "verdict.json", decided(checked, all_written), "2026-01-01T12:00:00+00:00")
    study = folder / "benchmarks" / "results" / "between_hours.json"
    study.parent.mkdir(parents=True)
    study.write_text(json.dumps(STUDY))
    for curve in (
        "reconstruction/plots/metrics/{}/loss",
        "classifier/plots/metrics/{}/accuracy",
        "classifier/plots/metrics/{}/loss",
    ):
        for split in ("train", "eval"):
            path = folder / "reports" / "curves" / f"{curve.format(split)}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            name = curve.rpartition("/")[2]
            path.write_text(f"step\t{name}\n" + "".join(f"{step}\t{1 / (1 + step)}\n" for step in range(10)))
    Image.new("L", (60, 60), 200).save(folder / "reports" / "curves" / "reconstructions.png")
    points = "".join(f"{name},{x},{y}\n" for name in ("0,0.85", "1,0.85") for x, y in ((0, 0), (0.1, 0.8), (1, 1)))
    (folder / "reports" / "curves" / "roc.csv").write_text(
        f"class,area,false_positive_rate,true_positive_rate\n{points}"
    )
    return folder


def decide_and_report(folder: Path) -> str:
    """Run the stages that make a report of what was measured; return what they say."""
    scripts = [f"stages/{name}.py" for name in ("verdict", "report")]
    return "".join(run(sys.executable, script, cwd=folder).stdout for script in scripts)


def words(page: Path) -> str:
    """Return a page's text as a reader sees it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.read_text().partition("<body>")[2]))
