"""Run a whole workload on its real data, from a clone of the last commit, and record what came out.

Works in a temporary clone, so that this checkout stays as it is.

Writes  benchmarks/results/workloads.jsonl, one line a run: the command, minutes on the clock and of
        processor time, test scores, the verdict and the table of variants
Run     python benchmarks/workloads.py mnist-cnn     or another of WORKLOADS
        (`--from FOLDER` if the dataset's files are at hand, `--reports FOLDER` to keep the reports)
"""

from assay.ground.stage import run_stage

import argparse
import resource
import shutil
import tempfile
from pathlib import Path

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
}


def value_of(settings: list[str], key: str) -> str:
    """Return what a workload sets a parameter to."""
    (value,) = (setting.partition("=")[2] for setting in settings if setting.startswith(f"{key}="))
    return value


def variants_table(report: str) -> list[str]:
    """Return the lines of the report's table of variants; none if there is but one variant."""
    _, heading, rest = report.partition("\n| variant | test accuracy")
    return [line for line in f"{heading}{rest}".strip().partition("\n\n")[0].splitlines() if line]


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a workload on its real data and record what came out.")
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    parser.add_argument("--from", dest="source", metavar="FOLDER", help="where the dataset's files are at hand")
    parser.add_argument("--reports", metavar="FOLDER", help="where to keep the reports")
    given = parser.parse_args()
    if given.reports and Path(given.reports).exists() and not Path(given.reports).is_dir():
        parser.error(f"--reports {given.reports} is no folder")
    require_committed()
    settings = WORKLOADS[given.workload]
    dataset = value_of(settings, "dataset")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        if dataset not in BUNDLED:
            fetch = ["--from", str(Path(given.source).resolve())] if given.source else []
            finish(folder, "python", "tools/fetch_dataset.py", dataset, *fetch)
        command = ["dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting))]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        minutes = finish(folder, *command) / 60
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        reports = folder / "reports"
        metrics = read_json(reports / "metrics.json")
        verdict = read_json(reports / "perf.json")["verdict"]
        table = variants_table((reports / "report.md").read_text(encoding="utf-8"))
        if given.reports:
            shutil.copytree(reports, given.reports, dirs_exist_ok=True)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    append(
        "workloads",
        {
            "workload": given.workload,
            "command": " ".join(command),
            "minutes": round(minutes, 1),
            "processor_minutes": round(processor / 60, 1),
            "test": metrics["test"],
            "verdict": verdict,
            "variants": table,
        },
    )
    print(f"test accuracy {metrics['test']['accuracy']:.4f} in {minutes:.1f} minutes")


if __name__ == "__main__":
    run_stage(main)
