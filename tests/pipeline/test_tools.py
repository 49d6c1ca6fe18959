"""The tools around the pipeline: make check, the pull request's comment, hooks and workflow."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, clone, commit, run

from assay.ground.files import read_json, write_json


@pytest.mark.slow
def test_check_validates_without_running(tmp_path: Path) -> None:
    """`make check` lists the cells of a valid params.yaml and refuses another, touching nothing."""
    folder = clone(tmp_path / "clone")
    checked = run(sys.executable, "tools/check_params.py", cwd=folder).stdout
    assert "params.yaml is valid: autoencoder on digits, seed 42" in checked
    assert "6 cells at concurrency 1, 8:\n  fp32-1-64-off (1 instance, no batching)\n" in checked
    assert "the server computes on " in checked
    path = folder / "params.yaml"
    path.write_text(path.read_text().replace("client_cores: 0", "client_cores: 1024"))
    refused = run(sys.executable, "tools/check_params.py", cwd=folder, check=False)
    assert refused.stdout.startswith("error: load.client_cores = 1024 in params.yaml leaves the server none of the ")
    path.write_text(path.read_text().replace("seed: 42", "seed: -1").replace("opset: 17", "opset: 99"))
    refused = run(sys.executable, "tools/check_params.py", cwd=folder, check=False)
    assert refused.returncode == 1
    assert refused.stdout.startswith("error: params.yaml has 2 errors:\n  seed: ")
    assert run("git", "status", "--porcelain", cwd=folder).stdout == " M params.yaml\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([], 0, "needs 1000 requests in every window; no report tells how many there will be at concurrency 8"),
        (
            [("fp32-1-64-off", 2000.0)],
            1,
            "those of fp32-1-64-off at concurrency 8 would hold about 360; set perf.window_ms",
        ),
        (
            [("fp32-1-64-off", 9000.0)],
            1,
            "those of anchor at concurrency 8 would hold about 900; set perf.window_ms to 73",
        ),
        ([("fp32-1-64-off", 9000.0)], 0, "by the last report there will be 1314 or more"),
        ([("fp32-1-64-off", 9000.0), ("fp32-9-64-off", 1.0)], 0, "by the last report there will be 1314 or more"),
        ([("fp32-9-64-off", 1.0)], 0, "no report tells how many there will be at concurrency 8: the first cell will"),
    ],
)
def test_check_says_before_the_matrix_that_windows_are_too_short(
    tmp_path: Path, rows: list[tuple[str, float]], code: int, said: str
) -> None:
    """By the throughput of its cells in the last report; what it advises is enough."""

    def edit(params: dict[str, Any]) -> None:
        params["perf"].update(objective="p99_latency", window_ms=73 if code == 0 else 50)

    folder = clone(tmp_path / "clone", edit)
    told = [
        {"cell": name, "concurrency": 8, "throughput_per_s": rate, "anchor_throughput_per_s": 5000.0}
        for name, rate in rows
    ]
    if rows:
        of = {"model": "autoencoder", "dataset": "digits"}
        write_json(folder / "reports" / "perf.json", {**of, "cells": told})
    checked = run(sys.executable, "tools/check_params.py", cwd=folder, check=False)
    assert checked.returncode == code
    assert said in checked.stdout
    if rows:
        write_json(folder / "reports" / "perf.json", {**of, "model": "mlp", "cells": told})
        checked = run(sys.executable, "tools/check_params.py", cwd=folder)
        assert "no report tells how many there will be" in checked.stdout


@pytest.mark.slow
def test_a_pull_request_is_told_what_it_did_to_the_metrics(tmp_path: Path) -> None:
    """The comment has the metrics and parameters that changed since the common ancestor, as tables."""
    folder = clone(tmp_path / "clone")
    metrics: dict[str, Any] = read_json(ROOT / "reports" / "metrics.json")
    write_json(folder / "reports" / "metrics.json", metrics)
    commit(folder, "Results")
    base = run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()
    same = run("tools/metrics_comment.sh", base, cwd=folder).stdout
    assert same.count("No change.") == 2
    metrics["test"]["accuracy"] = 0.25
    write_json(folder / "reports" / "metrics.json", metrics)
    path = folder / "params.yaml"
    path.write_text(path.read_text().replace("seed: 42", "seed: 43"))
    commit(folder, "An experiment")
    comment = run("tools/metrics_comment.sh", base, cwd=folder).stdout
    (row,) = [line for line in comment.splitlines() if "test.accuracy" in line]
    assert [cell.strip() for cell in row.split("|")][-3] == "0.25"
    assert "| params.yaml | seed" in comment


def test_hooks_check_what_make_lint_checks() -> None:
    """Pre-commit accepts the configuration, and its hooks pass on params.yaml as it is."""
    run("pre-commit", "validate-config", cwd=ROOT)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["format", "lint", "cpp-format", "types", "params", "fast-tests"]
    for hook in hooks:
        assert hook["entry"].startswith(".venv/bin/")


def test_the_workflow_runs_what_a_person_runs() -> None:
    """GitHub Actions runs .ci/run and compares metrics with the script that is tested here."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert ".ci/run" in commands["test"]
    assert any(command.startswith("tools/metrics_comment.sh ") for command in commands["metrics"])


def test_every_action_is_pinned_by_its_commit() -> None:
    """A tag can be moved to other code; the release stands beside it."""
    used = re.findall(r"uses: (.*)", (ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize(
    ("there", "apt_get", "installed"),
    [
        (("g++", "chromium"), 0, None),
        (("google-chrome",), 0, "g++"),
        (("g++",), 0, "chromium"),
        ((), 1, "g++ chromium"),
    ],
)
def test_continuous_integration_installs_what_tests_need(
    tmp_path: Path, there: tuple[str, ...], apt_get: int, installed: str | None
) -> None:
    """What is there already is not asked for, and where nothing can be installed the tests run all the same."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, does in (
        ("make", "echo make $*"),
        ("apt-get", f"echo apt-get $*; exit {apt_get}"),
        ("id", "echo 0"),
        *((name, "") for name in there),
    ):
        (programs / name).write_text(f"#!/bin/bash\n{does}\n")
        (programs / name).chmod(0o755)
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(Path("/usr/bin") / name)
    said = run("env", f"PATH={programs}", "bash", str(ROOT / ".ci" / "run"), cwd=tmp_path).stdout
    assert said.endswith("make test\n")
    assert (f"==> from Debian: {installed}\n" in said) == (installed is not None)
    assert ("could not install" in said) == bool(apt_get)
    assert ("apt-get install" in said) == (installed is not None and not apt_get)


@pytest.mark.parametrize(("code", "passes"), [(0, True), (1, False), (2, True), (3, False)])
def test_the_workflow_takes_the_gates_answers(tmp_path: Path, code: int, passes: bool) -> None:
    """A regression and a broken comparison fail a pull request; a doubt is a warning in it."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    (script,) = (step["run"] for step in jobs["gate"]["steps"] if "tools/gate.py" in step.get("run", ""))
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho asked: $*\nexit {code}\n")
    program.chmod(0o755)
    said = run("env", "BASE=main", "bash", "-e", "-c", script, cwd=tmp_path, check=False)
    assert "asked: tools/gate.py origin/main" in said.stdout
    assert (said.returncode == 0) == passes
    assert ("::warning" in said.stdout) == (code == 2)


def test_a_broken_link_in_the_documentation_is_an_error(tmp_path: Path) -> None:
    """`make docs` ends with an error that names the page, should a link in it lead nowhere."""
    assert "\tmkdocs build --strict\n" in (ROOT / "Makefile").read_text()  # --quiet would hide the warnings from it
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy2(ROOT / "mkdocs.yml", tmp_path)
    build = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    assert "WARNING" not in run(*build, cwd=tmp_path).stdout
    with (tmp_path / "docs" / "index.md").open("a") as page:
        page.write("\n[nowhere](nowhere.md)\n")
    finished = run(*build, cwd=tmp_path, check=False)
    assert finished.returncode != 0
    assert "nowhere.md" in finished.stdout
