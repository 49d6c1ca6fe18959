"""Experiments at once through DVC's queue, and how each compares with the last commit."""

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import PLOTS, ROOT, FinishedRun, environment, run

from assay.ground.files import read_json

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"
CURVE = Path("reports/curves/classifier/plots/metrics/train/accuracy.tsv")
EXPERIMENTS = {"experiment-grown": "perf.instances=[1,2]", "experiment-longer": "models.autoencoder.head.epochs=3"}
# Measures with a backend of its own.
EDITED = "experiment-edited"
SOURCE = Path("triton/backends/onnxruntime/instance.cc")


@pytest.fixture(scope="module")
def most_at_once() -> list[int]:
    """How many load generators worked at once, at most; filled in by `project`."""
    return [0]


@pytest.fixture(scope="module")
def project(finished_run: FinishedRun, most_at_once: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone in which experiments were queued and run by two workers, started at once."""
    folder = finished_run.copy(tmp_path_factory.mktemp("experiments") / "clone")
    for name, setting in EXPERIMENTS.items():
        run("dvc", "exp", "run", "--queue", "--name", name, "-S", setting, cwd=folder)
    source = (folder / SOURCE).read_text()
    (folder / SOURCE).write_text(f"{source}\n// Edited for one experiment.\n")
    run("dvc", "exp", "run", "--queue", "--name", EDITED, cwd=folder)
    (folder / SOURCE).write_text(source)
    with counting_load_generators(folder, most_at_once), queue_workers(folder, 2):
        deadline = time.monotonic() + 600
        while len(results(folder)) < len(EXPERIMENTS) + 1:
            assert time.monotonic() < deadline, run("dvc", "queue", "status", cwd=folder).stdout
            time.sleep(1)
    return folder


def results(folder: Path) -> list[str]:
    """Return the experiments that have come to an end with results: asking Git costs less than `dvc queue status`."""
    return run(
        "git", "for-each-ref", "--format", "%(refname:lstrip=4)", "refs/exps/*/*/experiment-*", cwd=folder
    ).stdout.split()


@contextmanager
def queue_workers(folder: Path, count: int) -> Iterator[None]:
    """Run DVC's queue workers during the block; they end by themselves some time after the last experiment."""
    # They inherit the output: waiting for the end of a pipe would be waiting for them.
    command = ["dvc", "queue", "start", "--jobs", str(count)]
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        run("dvc", "queue", "stop", "--kill", cwd=folder)


@contextmanager
def counting_load_generators(folder: Path, most: list[int]) -> Iterator[None]:
    """Watch during the block; the list then holds how many perf_analyzer worked below `folder` at once."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):  # a window takes twice as long
            working = [process.info for process in psutil.process_iter(["name", "cwd"])]
            count = sum(each["name"] == "perf_analyzer" and str(folder) in str(each["cwd"]) for each in working)
            most[0] = max(most[0], count)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def test_two_experiments_at_once_measure_one_after_the_other(project: Path, most_at_once: list[int]) -> None:
    """`dvc queue start -j 2`: all come to an end, with never two load generators at once."""
    assert sorted(results(project)) == sorted([*EXPERIMENTS, EDITED])
    assert most_at_once == [1]


def test_an_experiment_that_changes_the_backend_measures_its_own(project: Path) -> None:
    """Whose sources were edited when it was queued was measured with what those make, and the others were not."""

    def measured(name: str) -> tuple[str, str]:
        reference = run("git", "for-each-ref", "--format", "%(refname)", f"refs/exps/*/*/{name}", cwd=project).stdout
        shown = [
            run("git", "show", f"{reference.strip()}:{path}", cwd=project).stdout
            for path in ("reports/machine.json", "cells/dvc.lock")
        ]
        return json.loads(shown[0])["server"]["backend"], shown[1].partition(f"perf@{CELL}:")[2].partition("perf@")[0]

    edited, plain, other = (measured(name) for name in (EDITED, "experiment-longer", "experiment-grown"))
    here = read_json(project / "reports" / "machine.json")["server"]["backend"]
    assert plain[0] == other[0] == here != edited[0]
    # Its cell was measured again, though nothing else that the cell depends on has changed.
    assert edited[1] != other[1]


def test_growing_an_axis_measures_only_the_new_cell(project: Path) -> None:
    """One value more adds its cell; the other stays as it was measured, byte for byte."""
    before = (project / "reports" / "perf" / "all" / f"{CELL}.json").read_bytes()
    run("dvc", "exp", "apply", "experiment-grown", cwd=project)
    assert list(pd.read_csv(project / "reports" / "cells.csv")["instances"]) == [1, 2]
    assert (project / "reports" / "perf" / "all" / f"{CELL}.json").read_bytes() == before
    added = read_json(project / "reports" / "perf" / "all" / "fp32-2-64-off.json")
    assert [len(level["rounds"]) for level in added["levels"]] == [12]


def readme_command(beginning: str) -> list[str]:
    """Return the words of a command in the README, without its comment."""
    (line,) = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"$ {beginning}")]
    return shlex.split(line.removeprefix("$ "), comments=True)


def test_a_hyperparameter_retrains_and_shows_in_the_diff(project: Path) -> None:
    """More epochs of the head train, export and measure anew; metrics, parameters, plots and the table compare."""
    run("dvc", "exp", "apply", "experiment-longer", cwd=project)
    assert list(pd.read_csv(project / CURVE, sep="\t")["step"]) == [0, 1, 2]
    (cell,) = pd.read_csv(project / "reports" / "cells.csv")["cell"]
    assert cell == CELL
    difference = run("dvc", "metrics", "diff", cwd=project).stdout
    for changed in ("perf.recommended.throughput", "test.accuracy", "parity.fp32"):
        assert changed in difference
    assert "nan" not in difference.lower()
    assert "models.autoencoder.head.epochs" in run("dvc", "params", "diff", cwd=project).stdout
    shown = pd.read_csv(StringIO(run(*readme_command("dvc exp show"), "--csv", cwd=project).stdout))
    assert set(EXPERIMENTS) <= set(shown["Experiment"])
    assert {"perf.instances", "models.autoencoder.head.epochs", "perf.recommended.throughput"} <= set(shown)
    assert len(shown.columns) < 20
    run("dvc", "plots", "diff", "--out", "plots", cwd=project)
    page = (project / "plots" / "index.html").read_text()
    assert all(title in page for title in PLOTS)
