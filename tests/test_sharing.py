"""Experiments that run at once, and results that travel between clones, through real DVC."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import FinishedRun, changed, commit, environment, run

from runtime.files import read_json

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


def test_two_experiments_at_once_measure_one_after_the_other(finished_run: FinishedRun, tmp_path: Path) -> None:
    """`dvc queue start -j 2`: no port clash, never two load generators at once, both results right."""
    folder = finished_run.copy(tmp_path / "clone")
    for count in (2, 3):
        run("dvc", "exp", "run", "--queue", "--name", f"count-{count}", "-S", f"perf.instances=[{count}]", cwd=folder)
    with most_load_generators(folder) as most, queue_workers(folder, 2):
        deadline = time.monotonic() + 300
        while "Queued" in (status := run("dvc", "queue", "status", cwd=folder).stdout) or "Running" in status:
            assert time.monotonic() < deadline, status
            time.sleep(3)  # asking takes a second of a core
    assert status.count("Success") == 2, status
    assert most == [1]
    for count in (2, 3):
        run("dvc", "exp", "apply", f"count-{count}", cwd=folder)
        cell = f"fp32-{count}-64-off"
        assert list(pd.read_csv(folder / "reports" / "cells.csv")["cell"]) == [cell]
        assert len(read_json(folder / "reports" / "perf" / f"{cell}.json")["levels"][0]["rounds"]) == 12


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
def most_load_generators(folder: Path) -> Iterator[list[int]]:
    """Watch during the block; the list then holds how many perf_analyzer worked below `folder` at once."""
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):  # a window takes twice as long
            working = [process.info for process in psutil.process_iter(["name", "cwd"])]
            count = sum(each["name"] == "perf_analyzer" and str(folder) in str(each["cwd"]) for each in working)
            most[0] = max(most[0], count)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def test_results_travel_through_a_folder_remote(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Push datasets and outputs from one clone, pull them in another; the committed folder stays as it was."""
    first, remote = finished_run.copy(tmp_path / "first"), tmp_path / "remote"
    own = first / "datasets" / "own"
    own.mkdir()
    (own / "own.csv").write_text("width,label\n1,0\n2,1\n")
    run("dvc", "add", "datasets/own", cwd=first)
    run("dvc", "remote", "add", "--default", "team", str(remote), cwd=first)
    run("git", "add", "--all", cwd=first)
    commit(first, "A dataset and a remote of the team's")
    before = sorted(path.name for path in (first / "bundled").rglob("*"))
    run("dvc", "push", cwd=first)
    assert sorted(path.name for path in (first / "bundled").rglob("*")) == before
    assert run("git", "status", "--porcelain", cwd=first).stdout == ""

    second = tmp_path / "second"
    run("git", "clone", "--quiet", str(first), str(second), cwd=tmp_path)
    run("dvc", "pull", cwd=second)
    assert (second / "datasets" / "own" / "own.csv").read_text() == (own / "own.csv").read_text()
    assert (second / "datasets" / "digits" / "digits.csv").is_file()
    for name in (f"reports/perf/{CELL}.json", "artifacts/onnx/fp32/classifier.onnx"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    assert changed(run("dvc", "repro", cwd=second).stdout) == []
