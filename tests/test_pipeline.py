"""The whole pipeline through real DVC, on a tiny profile, in a clone of its own."""

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import FinishedRun, changed, commit, ran, run

from runtime.files import read_json

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


def reset(folder: Path) -> None:
    """Go back to the last commit, with its outputs."""
    # A failed `dvc exp run` leaves an index that takes edits of equal length for no edits.
    (folder / ".git" / "index").unlink()
    run("git", "reset", "--quiet", "--hard", cwd=folder)
    run("git", "clean", "--quiet", "-d", "--force", cwd=folder)
    run("dvc", "checkout", "--force", cwd=folder)


@pytest.fixture(scope="module")
def pipeline(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a clone in which the pipeline has run once and been committed."""
    folder = finished_run.copy(tmp_path_factory.mktemp("pipeline") / "clone")
    yield folder
    shutil.rmtree(folder)


def test_a_first_run_runs_every_stage_once(finished_run: FinishedRun) -> None:
    """From nothing, DVC runs thirteen stages, raw data first and the report last."""
    stages = ran(finished_run.output)
    assert stages[:2] == ["raw-data", "data"]
    assert stages[-1] == "report"
    assert len(stages) == len(set(stages)) == 13


def test_a_first_run_leaves_every_result(pipeline: Path) -> None:
    """Metrics, tables, report, raw rounds and a servable repository are there and agree."""
    metrics = read_json(pipeline / "reports" / "metrics.json")
    rows = pd.read_csv(pipeline / "reports" / "cells.csv")
    cell = read_json(pipeline / "reports" / "perf" / f"{CELL}.json")
    assert metrics["perf"]["recommended"]["cell"] == metrics["perf"]["default"]["cell"] == CELL
    assert rows["cell"].item() == read_json(pipeline / "reports" / "perf.json")["verdict"]["recommended"] == CELL
    (level,) = cell["levels"]
    assert (level["concurrency"], len(level["rounds"])) == (2, 12)
    assert {tuple(each["order"]) for each in level["rounds"]} == {("anchor", "candidate"), ("candidate", "anchor")}
    assert set(level["rounds"][0]["windows"]["anchor"]["perf_analyzer"]) == set(cell["units"]["perf_analyzer"])
    assert cell["answers"]["grpc"].keys() == {"1", "3", "64"}
    assert f"**Run `{CELL}`**" in (pipeline / "reports" / "report.md").read_text()
    recommended = (pipeline / "reports" / "recommended" / "config.pbtxt").read_text()
    assert recommended == (pipeline / "artifacts" / "model_repository" / CELL / "config.pbtxt").read_text()
    runoff = read_json(pipeline / "reports" / "runoff.json")
    assert [each["start"] for each in runoff["rounds"]] == [1, 1, 2, 2, 3, 3]
    assert not list((pipeline / ".journal").iterdir())
    served = sorted(path.name for path in (pipeline / "artifacts" / "model_repository").iterdir())
    assert served == ["autoencoder-fp32", "classifier-fp32", "default_threads", CELL]


def test_a_second_run_does_nothing_but_look(pipeline: Path) -> None:
    """Nothing changed, so nothing but the cheap looks at raw data and machine runs."""
    output = run("dvc", "repro", cwd=pipeline).stdout
    assert ran(output) == ["raw-data", "machine"]
    assert run("git", "status", "--porcelain", cwd=pipeline).stdout == ""


def test_exporting_again_gives_the_same_bytes(pipeline: Path) -> None:
    """A second export of one model is the same file, so that nothing is measured again for a name."""
    files = sorted((pipeline / "artifacts" / "onnx" / "fp32").glob("*.onnx"))
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    run("dvc", "repro", "--single-item", "--force", "onnx@fp32", cwd=pipeline)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == before
    assert len(files) == 2


def test_growing_an_axis_measures_only_the_new_cell(pipeline: Path) -> None:
    """`-S perf.instances=[1,2]` writes the repository, measures one cell, and decides anew if that may be the best."""
    before = (pipeline / "reports" / "perf" / f"{CELL}.json").read_bytes()
    output = run("dvc", "exp", "run", "-S", "perf.instances=[1,2]", cwd=pipeline).stdout
    finalists = read_json(pipeline / "reports" / "finalists.json")["finalists"]
    again = ["triton-config", "perf@fp32-2-64-off", "perf-default-threads", "finalists"]
    assert changed(output) == [*again, *(["runoff"] if len(finalists) == 2 else []), "report"]
    assert (pipeline / "reports" / "perf" / f"{CELL}.json").read_bytes() == before
    assert list(pd.read_csv(pipeline / "reports" / "cells.csv")["instances"]) == [1, 2]


def test_a_hyperparameter_retrains_and_shows_in_the_diff(pipeline: Path) -> None:
    """One more epoch of the head retrains, exports and measures; metrics and plots compare."""
    reset(pipeline)
    setting = "models.autoencoder.head.epochs=3"
    output = run("dvc", "exp", "run", "--name", "longer", "-S", setting, cwd=pipeline).stdout
    assert changed(output)[:2] == ["train", "onnx@fp32"]
    assert f"perf@{CELL}" in ran(output)
    difference = run("dvc", "metrics", "diff", cwd=pipeline).stdout
    assert "perf.recommended.throughput" in difference
    assert "nan" not in difference.lower()
    parameters = run("dvc", "params", "diff", cwd=pipeline).stdout
    assert "models.autoencoder.head.epochs" in parameters
    assert "longer" in run("dvc", "exp", "show", "--csv", cwd=pipeline).stdout


@pytest.mark.parametrize("command", ["show", "diff"])
def test_plots_open(pipeline: Path, command: str) -> None:
    """`dvc plots show` and `diff` write a page with every plot that dvc.yaml names."""
    output = run("dvc", "plots", command, "--out", f"plots_{command}", cwd=pipeline).stdout
    page = (pipeline / f"plots_{command}" / "index.html").read_text()
    assert "WARNING" not in output
    for title in ("Reconstruction loss", "Head accuracy", "Confusion on the test split", "Throughput relative"):
        assert title in page


def test_bad_parameters_stop_before_any_work(pipeline: Path) -> None:
    """`-S` with values that cannot be: every error at once, exit code not 0, nothing lost."""
    before = (pipeline / "reports" / "metrics.json").read_bytes()
    settings = ["-S", "seed=-100", "-S", "perf.protocol=carrier_pigeon"]
    finished = run("dvc", "exp", "run", *settings, cwd=pipeline, check=False)
    assert finished.returncode != 0
    assert "params.yaml has 2 errors" in finished.stdout
    assert "Traceback" not in finished.stdout
    assert (pipeline / "reports" / "metrics.json").read_bytes() == before


def test_two_experiments_at_once_measure_one_after_the_other(finished_run: FinishedRun, tmp_path: Path) -> None:
    """`dvc queue start -j 2`: no port clash, never two load generators at once, both results right."""
    folder = finished_run.copy(tmp_path / "clone")
    for count in (2, 3):
        run("dvc", "exp", "run", "--queue", "--name", f"count-{count}", "-S", f"perf.instances=[{count}]", cwd=folder)
    with most_load_generators(folder) as most:
        run("dvc", "queue", "start", "--jobs", "2", cwd=folder)
        deadline = time.monotonic() + 300
        while "Queued" in (status := run("dvc", "queue", "status", cwd=folder).stdout) or "Running" in status:
            assert time.monotonic() < deadline, status
            time.sleep(1)
    assert status.count("Success") == 2, status
    assert most == [1]
    for count in (2, 3):
        run("dvc", "exp", "apply", f"count-{count}", cwd=folder)
        cell = f"fp32-{count}-64-off"
        assert list(pd.read_csv(folder / "reports" / "cells.csv")["cell"]) == [cell]
        assert len(read_json(folder / "reports" / "perf" / f"{cell}.json")["levels"][0]["rounds"]) == 12


@contextmanager
def most_load_generators(folder: Path) -> Iterator[list[int]]:
    """Watch during the block; the list then holds how many perf_analyzer worked below `folder` at once."""
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
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
