"""Run a whole workload on its real data or real model, from a clone of the last commit, and record what came out.

Works in a temporary clone, so that this checkout stays as it is.

Writes  benchmarks/results/workloads.jsonl, one line a run: the commands, minutes on the clock and of
        processor time, scores, the verdict, the report's tables of variants and of shapes and, of a model that was
        brought, what it says of batches
Run     python benchmarks/workloads.py mnist-cnn     or another of WORKLOADS
        python benchmarks/workloads.py magika --from FILE     a model of one's own: its ONNX file
        (`--from FOLDER` if the dataset's files are at hand, `--reports FOLDER` to keep the reports)
"""

from assay.ground.stage import run_stage

import argparse
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from assay.ground.files import read_json
from clones import clone, finish, require_committed
from record import append

BUNDLED = ("digits", "iris")
# What follows `dvc exp run`, a setting a word; README shows the same lines.
WORKLOADS = {
    "mnist-autoencoder": [
        "dataset=mnist",
        "models.autoencoder.hidden_width=256",
        "models.autoencoder.reconstruction.epochs=3",
        "models.autoencoder.head.batch_size=128",
    ],
    "mnist-cnn": [
        "dataset=mnist",
        "model=cnn",
        "models.cnn.epochs=12",
        "models.cnn.batch_size=64",
        "models.cnn.learning_rate=0.01",
        "perf.dynamic_batching=[off,delay_0us,delay_1000us,delay_2000us]",
        "perf.concurrency=[8]",
    ],
    "iris-forest": [
        "dataset=iris",
        "model=random_forest",
        "labels.top_k=1",
        "perf.concurrency=[1,2,4,8,16]",
    ],
    "cifar-variants": [
        "dataset=cifar10",
        "model=cifar_cnn",
        "onnx.variants=[fp32,openvino,int8_dynamic,int8_static,pruned,pruned_int8]",
        "perf.instances=[1]",
        "perf.dynamic_batching=[off]",
    ],
    "silero-vad": ["model=own", "perf.max_batch_size=[0]", "perf.dynamic_batching=[off]"],
    "dnsmos-p808": ["model=own", "onnx.variants=[fp32,int8_static]", "perf.window_ms=100"],
    "tashkeel": ["model=own", "perf.dynamic_batching=[off]"],
    "ocr-det": [
        "model=own",
        "perf.instances=[1]",
        "perf.dynamic_batching=[off]",
        "perf.concurrency=[1]",
        "perf.shapes=[x_320x320,x_960x736]",
        "perf.window_ms=1200",
        "runoff.starts=4",
        "runoff.rounds=4",
    ],
    "magika": ["model=own", "perf.window_ms=100", "perf.concurrency=[8]"],
}
# What follows `python -m assay.bring FILE` for a model of one's own; docs/own-model.md shows the same lines.
BROUGHT = {
    "silero-vad": ["--set", "input[1,576]=normal", "--set", "state[1]=zeros", "--set", "sr=constant 16000"],
    "dnsmos-p808": [],
    "tashkeel": ["--set", "input[60]=integers 0 235"],
    "ocr-det": ["--set", "x[64,64]=uniform"],
    "magika": ["--set", "bytes=integers 0 256"],
}


def value_of(settings: list[str], key: str) -> str:
    """Return what a workload sets a parameter to."""
    (value,) = (setting.partition("=")[2] for setting in settings if setting.startswith(f"{key}="))
    return value


def table_under(report: str, heading: str) -> list[str]:
    """Return the lines of the report's table whose first line begins with `heading`; none if it has no such table."""
    _, first, rest = report.partition(f"\n{heading}")
    return [line for line in f"{first}{rest}".strip().partition("\n\n")[0].splitlines() if line]


def provide(workload: str, source: str | None, folder: Path) -> dict[str, Any]:
    """Bring a workload's model, or fetch its dataset, into a clone; return what a run's line says of that."""
    if workload in BROUGHT:
        with tempfile.TemporaryDirectory() as name:
            model = Path(name) / f"{workload}.onnx"  # a report calls it by the file's name
            shutil.copyfile(Path(source or ""), model)
            seconds = finish(folder, sys.executable, "-m", "assay.bring", str(model), *BROUGHT[workload])
        return {"brought_with": BROUGHT[workload], "bring_seconds": round(seconds, 1)}
    dataset = value_of(WORKLOADS[workload], "dataset")
    if dataset not in BUNDLED:
        fetch = ["--from", str(Path(source).resolve())] if source else []
        finish(folder, "python", "tools/fetch_dataset.py", dataset, *fetch)
    return {}


def found(workload: str, reports: Path) -> dict[str, Any]:
    """Return what a run's line says of its reports."""
    report = (reports / "report.md").read_text(encoding="utf-8")
    metrics = read_json(reports / "metrics.json")
    said = {"measured": report.split("\n\n")[1]} if workload in BROUGHT else {}
    return {
        "test": metrics.get("test"),
        "verdict": read_json(reports / "perf.json")["verdict"],
        **said,
        "variants": table_under(report, "| variant | "),
        "agreement": table_under(report, "| variant | output | "),
        "shapes": table_under(report, "| configuration | shape | "),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a workload on its real data and record what came out.")
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    parser.add_argument("--from", dest="source", metavar="PATH", help="where the dataset's files are, or the model")
    parser.add_argument("--reports", metavar="FOLDER", help="where to keep the reports")
    given = parser.parse_args()
    if given.reports and Path(given.reports).exists() and not Path(given.reports).is_dir():
        parser.error(f"--reports {given.reports} is no folder")
    if given.workload in BROUGHT and not Path(given.source or "").is_file():
        parser.error(f"{given.workload} needs its ONNX file: --from FILE")
    require_committed()
    settings = WORKLOADS[given.workload]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        provided = provide(given.workload, given.source, folder)
        command = ["dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting))]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        minutes = finish(folder, *command) / 60
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        what = found(given.workload, folder / "reports")
        if given.reports:
            shutil.copytree(folder / "reports", given.reports, dirs_exist_ok=True)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    append(
        "workloads",
        {
            "workload": given.workload,
            **provided,
            "command": " ".join(command),
            "minutes": round(minutes, 1),
            "processor_minutes": round(processor / 60, 1),
            **what,
        },
    )
    print(f"recommended: {what['verdict']['recommended'] or 'none'}, in {minutes:.1f} minutes")


if __name__ == "__main__":
    run_stage(main)
