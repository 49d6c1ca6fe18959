"""The whole pipeline through real DVC, on a tiny profile, in a clone of its own."""

import functools
import hashlib
import operator
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import PLOTS, ROOT, FinishedRun, ran, run
from ruamel.yaml import YAML

from assay.ground.files import read_json
from assay.statistics.stopping import LOOKS

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


@pytest.fixture(scope="module")
def pipeline(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a clone in which the pipeline has run once and been committed."""
    folder = finished_run.copy(tmp_path_factory.mktemp("pipeline") / "clone")
    yield folder
    shutil.rmtree(folder)


def test_a_first_run_runs_every_stage_once(finished_run: FinishedRun) -> None:
    """From nothing, DVC runs fifteen stages, raw data first and the report last."""
    stages = ran(finished_run.output)
    assert stages[:3] == ["raw-data", "machine", "data"]
    assert stages[-1] == "report"
    assert len(stages) == len(set(stages)) == 15


def test_a_first_run_leaves_every_result(pipeline: Path) -> None:
    """Metrics, tables, report, raw rounds and a servable repository are there and agree."""
    metrics = read_json(pipeline / "reports" / "metrics.json")
    rows = pd.read_csv(pipeline / "reports" / "cells.csv")
    cell = read_json(pipeline / "reports" / "perf" / "all" / f"{CELL}.json")
    assert metrics["perf"]["recommended"]["cell"] == metrics["perf"]["default"]["cell"] == CELL
    assert rows["cell"].item() == read_json(pipeline / "reports" / "perf.json")["verdict"]["recommended"] == CELL
    (level,) = cell["levels"]
    assert level["concurrency"] == 2
    # More than the fewest where the machine was busy.
    assert len(level["rounds"]) in LOOKS
    assert {tuple(each["order"]) for each in level["rounds"]} == {("anchor", "candidate"), ("candidate", "anchor")}
    assert set(level["rounds"][0]["windows"]["anchor"]["perf_analyzer"]) <= set(cell["units"]["perf_analyzer"])
    assert {name: set(answers["grpc"]) for name, answers in cell["answers"].items()} == {
        "anchor": {"1", "3", "64"},
        CELL: {"1", "3", "64"},
    }
    assert f"**Run `{CELL}`**" in (pipeline / "reports" / "report.md").read_text()
    page = (pipeline / "reports" / "index.html").read_text()
    assert f"<h1>Run <code>{CELL}</code></h1>" in page
    assert not re.findall(r'(?:src|srcset)="(?!data:)', page)
    assert page.count("<figure>") == 8
    assert page.count("data:image/svg+xml;base64,") == 2 * 7
    assert page.count("data:image/png;base64,") == 2
    recommended = (pipeline / "reports" / "recommended" / "config.pbtxt").read_text()
    assert recommended == (pipeline / "artifacts" / "model_repository" / CELL / "config.pbtxt").read_text()
    runoff = read_json(pipeline / "reports" / "runoff.json")
    assert [each["start"] for each in runoff["rounds"]] == [1, 1, 2, 2, 3, 3]
    assert not list((pipeline / ".journal").iterdir())
    served = sorted(path.name for path in (pipeline / "artifacts" / "model_repository").iterdir())
    assert served == [
        "anchor",
        "anchor_copy",
        "autoencoder-fp32",
        "classifier-fp32",
        "default_threads",
        CELL,
        "head-fp32",
    ]


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
    assert [path.stem for path in files] == ["autoencoder", "classifier", "head"]


def test_the_documented_server_to_try_starts(pipeline: Path) -> None:
    """It says where it is, and ends with the line that it waits for."""
    page = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (python -c '.*?')$", page, re.MULTILINE | re.DOTALL)
    said = run("sh", "-c", f"echo | {command}", cwd=pipeline).stdout
    assert re.fullmatch(r"HTTP 127\.0\.0\.1:\d+, gRPC 127\.0\.0\.1:\d+; Enter ends it ", said)


def test_plots_open(pipeline: Path) -> None:
    """`dvc plots show` writes a page with every plot that dvc.yaml names."""
    output = run("dvc", "plots", "show", "--out", "plots", cwd=pipeline).stdout
    page = (pipeline / "plots" / "index.html").read_text()
    assert "WARNING" not in output
    assert all(title in page for title in PLOTS)


@pytest.mark.parametrize(("setting", "stage"), [("seed", "data"), ("models.autoencoder.head.epochs", "train")])
def test_models_of_other_parameters_are_neither_measured_nor_reported(pipeline: Path, setting: str, stage: str) -> None:
    """DVC, told to look only downstream, would run the stage; the report would tell of models that are not there."""
    path = pipeline / "params.yaml"
    before = path.read_bytes()
    content = YAML().load(before)
    *sections, key = setting.split(".")
    functools.reduce(operator.getitem, sections, content)[key] += 1
    with path.open("w") as file:
        YAML().dump(content, file)
    for target in (["--downstream", f"cells/dvc.yaml:perf@{CELL}"], ["--single-item", "report"]):
        said = run("dvc", "repro", "--force", *target, cwd=pipeline, check=False).stdout
        assert f"error: {stage} ran last with {setting}: " in said
        assert "run `dvc repro`, without --downstream or --single-item, to bring it up to date first" in said
    path.write_bytes(before)
    # What DVC put aside for a stage that then did not run.
    assert "report" in ran(run("dvc", "repro", cwd=pipeline).stdout)


def test_bad_parameters_stop_before_any_work(pipeline: Path) -> None:
    """`-S` with values that cannot be: every error at once, exit code not 0, nothing lost."""
    before = (pipeline / "reports" / "metrics.json").read_bytes()
    settings = ["-S", "seed=-100", "-S", "load.protocol=carrier_pigeon"]
    finished = run("dvc", "exp", "run", *settings, cwd=pipeline, check=False)
    assert finished.returncode != 0
    assert "params.yaml has 2 errors" in finished.stdout
    assert "Traceback" not in finished.stdout
    assert (pipeline / "reports" / "metrics.json").read_bytes() == before


def test_a_file_that_is_older_than_some_keys_runs(pipeline: Path, tmp_path: Path) -> None:
    """Each is taken as shipped; one that DVC itself looks for is named with the line to add, before anything runs."""
    folder = shutil.copytree(pipeline, tmp_path / "older", symlinks=True)
    (folder / "params.yaml").unlink()
    run("git", "checkout", "params.yaml", cwd=folder)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    del content["timeouts"], content["models"]["cnn"], content["variants"]["pruned"]
    del content["models"]["autoencoder"]["head"]["learning_rate"], content["data"]["own"]["resize"]
    yaml.dump(content, folder / "params.yaml")
    output = run("dvc", "repro", "triton-config", cwd=folder).stdout
    assert {"data", "train"} <= set(ran(output))
    said = run(sys.executable, "tools/check_params.py", cwd=folder).stdout
    assert "not in the file, and taken as models.autoencoder.head.learning_rate: 0.01\n" in said
    assert "not in the file, and taken as timeouts: {start_s: 60, request_s: 10}\n" in said
    del content["screening"]
    yaml.dump(content, folder / "params.yaml")
    refused = run("dvc", "repro", cwd=folder, check=False)
    assert refused.returncode != 0
    assert "screening: missing; add the line `screening: {precision: 0.1}`" in refused.stdout
