"""The whole pipeline through real DVC, on a tiny profile, in a clone of its own."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import clone, commit, environment, run, tiny

from runtime.files import read_json

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


def ran(output: str) -> list[str]:
    """Return the stages that DVC ran, in order."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage ")]


def reset(folder: Path) -> None:
    """Go back to the last commit, with its outputs."""
    # A failed `dvc exp run` leaves an index that takes edits of equal length for no edits.
    (folder / ".git" / "index").unlink()
    run("git", "reset", "--quiet", "--hard", cwd=folder)
    run("git", "clean", "--quiet", "-d", "--force", cwd=folder)
    run("dvc", "checkout", "--force", cwd=folder)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a clone in which the pipeline has run once and been committed."""
    folder = clone(tmp_path_factory.mktemp("clone"), tiny)
    run("dvc", "pull", "data.dvc", cwd=folder)
    output = run("dvc", "repro", cwd=folder).stdout
    assert ran(output)[0] == "data"
    assert ran(output)[-1] == "report"
    assert len(ran(output)) == 9
    commit(folder, "The first results")
    yield folder
    shutil.rmtree(folder)


def test_a_first_run_leaves_every_result(pipeline: Path) -> None:
    """Metrics, tables, report, raw rounds and a servable repository are there and agree."""
    metrics = read_json(pipeline / "reports" / "metrics.json")
    rows = pd.read_csv(pipeline / "reports" / "cells.csv")
    cell = read_json(pipeline / "reports" / "perf" / f"{CELL}.json")
    assert metrics["perf"]["best"]["cell"] == CELL
    assert rows["throughput_ratio"].item() == pytest.approx(metrics["perf"]["best"]["ratio"], rel=1e-5)
    (level,) = cell["levels"]
    assert (level["concurrency"], len(level["rounds"])) == (2, 12)
    assert {tuple(each["order"]) for each in level["rounds"]} == {("anchor", "candidate"), ("candidate", "anchor")}
    assert set(level["rounds"][0]["anchor"]["perf_analyzer"]) == set(cell["units"]["perf_analyzer"])
    assert cell["answers"]["grpc"].keys() == {"1", "3", "64"}
    assert f"**`{CELL}`**" in (pipeline / "reports" / "report.md").read_text()
    served = sorted(path.name for path in (pipeline / "artifacts" / "model_repository").iterdir())
    assert served == ["autoencoder-fp32", "classifier-fp32", CELL]


def test_a_second_run_does_nothing_but_look_at_the_machine(pipeline: Path) -> None:
    """Nothing changed, so nothing but the cheap fingerprint runs."""
    output = run("dvc", "repro", cwd=pipeline).stdout
    assert ran(output) == ["machine"]
    assert run("git", "status", "--porcelain", cwd=pipeline).stdout == ""


def test_exporting_again_gives_the_same_bytes(pipeline: Path) -> None:
    """A second export of one model is the same file, so that nothing is measured again for a name."""
    files = sorted((pipeline / "artifacts" / "onnx" / "fp32").glob("*.onnx"))
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    run("dvc", "repro", "--single-item", "--force", "onnx@fp32", cwd=pipeline)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == before
    assert len(files) == 2


def test_growing_an_axis_measures_only_the_new_cell(pipeline: Path) -> None:
    """`-S perf.instances=[1,2]` writes the repository, measures one cell and reports."""
    before = (pipeline / "reports" / "perf" / f"{CELL}.json").read_bytes()
    output = run("dvc", "exp", "run", "-S", "perf.instances=[1,2]", cwd=pipeline).stdout
    assert ran(output) == ["machine", "triton-config", "perf@fp32-2-64-off", "report"]
    assert (pipeline / "reports" / "perf" / f"{CELL}.json").read_bytes() == before
    assert list(pd.read_csv(pipeline / "reports" / "cells.csv")["instances"]) == [1, 2]


def test_a_hyperparameter_retrains_and_shows_in_the_diff(pipeline: Path) -> None:
    """One more epoch of the head retrains, exports and measures; metrics and plots compare."""
    reset(pipeline)
    setting = "models.autoencoder.head.epochs=3"
    output = run("dvc", "exp", "run", "--name", "longer", "-S", setting, cwd=pipeline).stdout
    assert ran(output)[:2] == ["train", "onnx@fp32"] or ran(output)[:2] == ["machine", "train"]
    assert f"perf@{CELL}" in ran(output)
    assert "data" not in ran(output)
    difference = run("dvc", "metrics", "diff", cwd=pipeline).stdout
    assert "perf.best.ratio" in difference
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


def alive(folder: Path) -> list[str]:
    """Return the command lines of processes that work in or below `folder` or its temporary files."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        text = f"{process.info['cwd']} {' '.join(process.info['cmdline'] or [])}"
        if str(folder) in text and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(text)
    return found


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda dvc: os.kill(dvc.pid, signal.SIGTERM), id="SIGTERM to dvc"),
        pytest.param(lambda dvc: os.kill(dvc.pid, signal.SIGKILL), id="SIGKILL to dvc"),
        pytest.param(lambda dvc: os.killpg(dvc.pid, signal.SIGINT), id="Ctrl-C"),
    ],
)
def test_ending_dvc_ends_everything(pipeline: Path, end: Callable[[subprocess.Popen[bytes]], None]) -> None:
    """DVC forwards no signal; the stage, its server and perf_analyzer end all the same, and a rerun completes."""
    reset(pipeline)
    temporary = pipeline / "temporary"
    temporary.mkdir(exist_ok=True)
    command = ["dvc", "repro", "--single-item", "--force", f"perf@{CELL}"]
    dvc = subprocess.Popen(
        command,
        cwd=pipeline,
        env={**environment(), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any("perf_analyzer" in line for line in alive(temporary)):
        assert time.monotonic() < deadline, "perf_analyzer never started"
        time.sleep(0.05)
    end(dvc)
    assert dvc.wait(10) != 0
    deadline = time.monotonic() + 10
    while left := alive(pipeline):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    shutil.rmtree(temporary)
    cell = pipeline / "reports" / "perf" / f"{CELL}.json"
    assert not cell.exists()
    run(*command, cwd=pipeline)
    assert len(read_json(cell)["levels"][0]["rounds"]) == 12
