"""Results that travel between clones, through real DVC."""

from pathlib import Path

import pytest
from conftest import FinishedRun, changed, commit, ran, run

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


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
    for name in (f"reports/perf/all/{CELL}.json", "artifacts/onnx/fp32/classifier.onnx"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    assert changed(run("dvc", "repro", cwd=second).stdout) == []


def test_cells_of_another_matrix_are_no_results_of_this_one(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Left by one that had more values, they go with the next run, and dvc.lock says what anybody else would have."""
    folder = finished_run.copy(tmp_path / "clone")
    lock = (folder / "dvc.lock").read_text()
    left = folder / "reports" / "perf" / "all" / "fp32-9-64-off.json"
    left.write_bytes((folder / "reports" / "perf" / "all" / f"{CELL}.json").read_bytes())
    assert "finalists" in ran(run("dvc", "repro", cwd=folder).stdout)
    assert not left.exists()
    assert (folder / "dvc.lock").read_text() == lock
    assert changed(run("dvc", "repro", cwd=folder).stdout) == []
