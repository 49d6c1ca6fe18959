"""Files of ours that are damaged: one sentence with the file, and the command that makes it again."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PIPELINES, ROOT, run
from made_up import cell_file, runoff

from assay.deciding.recorded import VerdictFile
from assay.ground.dvc_lock import locked_stages
from assay.ground.files import read_json, write_json
from assay.ground.process import StageError
from assay.ground.records.checking import read_record
from assay.ground.records.measured import CellFile, Runoff, SaturationFile
from assay.ground.records.prepared import Training
from assay.ground.remedies import remedy
from assay.ground.tables import read_columns
from assay.learning.frameworks import keras_model, scikit_learn
from assay.load.input_data import read_input_data
from assay.serving.model_config import ModelShape, read_config
from assay.tensors.arrays import read_inputs, read_split
from assay.tensors.parity import onnx_session

CONFLICT = '{\n<<<<<<< HEAD\n "a": 1\n=======\n "a": 2\n>>>>>>> other\n}\n'
MAKE = "make it again with `dvc repro --force --single-item"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with this project's dvc.yaml, in place of this project's."""
    for name in PIPELINES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    monkeypatch.setattr("assay.ground.remedies.ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def damage(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("reports/machine.json", f"{MAKE} checks/dvc.yaml:machine`"),
        ("reports/training.json", f"{MAKE} train`"),
        ("reports/curves/roc.csv", f"{MAKE} train`"),
        ("reports/onnx/fp32.json", f"{MAKE} onnx@fp32`"),
        ("reports/perf/all/fp32-1-64-off.json", f"{MAKE} cells/dvc.yaml:perf@fp32-1-64-off`"),
        ("reports/perf/all/anchor_copy.json", f"{MAKE} cells/dvc.yaml:perf-anchor`"),
        ("artifacts/model_repository/anchor/config.pbtxt", f"{MAKE} triton-config`"),
        (
            "reports/verdicts/url.json",
            "delete it, or bring it back with `git checkout HEAD -- reports/verdicts/url.json`",
        ),
        ("triton/anchor/input_data.json", "bring it back with `git checkout HEAD -- triton/anchor/input_data.json`"),
        ("../elsewhere.json", "bring it back from where it came"),
    ],
)
def test_the_stage_that_wrote_a_file_makes_it_again(project: Path, path: str, command: str) -> None:
    """Whose output it is says dvc.yaml; verdicts of other servers, and what nobody writes, are in git."""
    assert remedy(project / path).startswith(command)


def test_the_commands_name_stages_that_there_are() -> None:
    """What DVC lists is what it would run."""
    listed = run("dvc", "stage", "list", "--all", "--name-only", cwd=ROOT).stdout.split()
    for path in ("reports/machine.json", "reports/perf/all/fp32-1-64-off.json", "reports/serving/fp32.json"):
        assert remedy(ROOT / path).removeprefix(f"{MAKE} ").rstrip("`") in listed


def test_a_damaged_dvc_yaml_is_no_reason_for_a_traceback(project: Path) -> None:
    """Nobody knows then whose file it is; git may."""
    damage(project, "dvc.yaml", CONFLICT)
    assert remedy(project / "reports" / "training.json").startswith("bring it back with `git checkout")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (CONFLICT, "a merge left its conflict in it"),
        ("", r"it is no JSON \(Expecting value"),
        (b"\xff", "it is no JSON .*codec can't decode"),
        ("[" * 100_000, r"it is no JSON \(.*recursion"),
        ("[1, 2]", r"it holds \[1, 2\] in place of an object"),
        ("null", "it holds None in place of an object"),
        (json.dumps(["long"] * 9999), "it holds .{1,60} in place of an object"),
    ],
)
def test_damaged_json_is_named(project: Path, content: str | bytes, why: str) -> None:
    """A conflict, half a file, another encoding, no object: the file, what is wrong, and the command."""
    path = damage(project, "reports/runoff.json", content)
    with pytest.raises(StageError, match=rf"^reports/runoff\.json is damaged: {why}.*; {MAKE} runoff`$"):
        read_json(path)


def test_a_key_that_is_missing_is_named(project: Path) -> None:
    """At any depth, when it is asked for; what is there reads as always."""
    found = read_json(damage(project, "reports/runoff.json", '{"rounds": [{"start": 1}]}'))
    assert found == {"rounds": [{"start": 1}]}
    assert found["rounds"][0].get("windows") is None
    for ask in (lambda: found["concurrency"], lambda: found["rounds"][0]["windows"]):
        with pytest.raises(StageError, match=r"runoff\.json is damaged: it has no '\w+' where it should; make it"):
            ask()


READERS: list[tuple[str, Callable[[Path], Any]]] = [
    ("artifacts/data/test.npz", read_split),
    ("artifacts/models/encoder.npy", lambda path: read_inputs(path.with_suffix(".keras"), ["image"])),
    ("artifacts/models/classifier.keras", keras_model.load),
    ("artifacts/models/classifier.skops", scikit_learn.load),
    ("artifacts/onnx/fp32/classifier.onnx", ModelShape.read),
    ("artifacts/onnx/fp32/classifier.onnx", lambda path: onnx_session(str(path))),
    ("artifacts/model_repository/cell/config.pbtxt", read_config),
    ("reports/curves/roc.csv", lambda path: read_columns(path, ("area",))),
    ("triton/anchor/input_data.json", lambda path: read_input_data(path, "image", np.dtype(np.float32), [28, 28, 1])),
]


@pytest.mark.parametrize(
    ("name", "read", "content"),
    [
        # Who reads a Keras model imports TensorFlow first.
        pytest.param(name, read, content, marks=[pytest.mark.slow] if name.endswith(".keras") else [])
        for name, read in READERS
        for content in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{'a'}", CONFLICT, b"\xff\xfe" * 50)
        if content or not name.endswith("config.pbtxt")  # an empty configuration is one
    ],
)
def test_whatever_cannot_be_read_is_named(
    project: Path, name: str, read: Callable[[Path], Any], content: bytes | str
) -> None:
    """Arrays, models, configurations, tables: whatever a library makes of half a file, or of another one."""
    with pytest.raises(StageError, match=rf"^{name} is damaged: .*; (make it again|bring it back) with `") as raised:
        read(damage(project, name, content))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        *(each for each in READERS if not each[0].endswith(".keras")),
        ("reports/runoff.json", read_json),
        ("dvc.lock", locked_stages),
    ],
)
def test_a_pipe_or_a_folder_in_place_of_a_file_is_not_waited_for(
    project: Path, name: str, read: Callable[[Path], Any], make: Callable[[Path], None]
) -> None:
    """Nobody may ever write to it: it is damaged like a file that cannot be read."""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).unlink(missing_ok=True)
    make(project / name)
    with pytest.raises(StageError, match=rf"^{name} is damaged: it is no file; "):
        read(project / name)


def test_a_score_beyond_all_is_named(project: Path) -> None:
    """More than all of the answers cannot be right."""
    write_json(project / "reports" / "training.json", {"test": {"accuracy": 7.5, "reconstruction_mse": 7.5}})
    with pytest.raises(StageError, match=r"training\.json .*test: accuracy is a share of 1"):
        read_record(project / "reports" / "training.json", Training)


def test_a_missing_file_is_missing(project: Path) -> None:
    """The system's own words are for what the system says."""
    with pytest.raises(FileNotFoundError):
        read_split(project / "artifacts" / "data" / "test.npz")
    with pytest.raises(FileNotFoundError):
        read_json(project / "reports" / "runoff.json")


def test_a_recorded_window_that_makes_no_sense_is_named(project: Path) -> None:
    """A cell from before, or edited by hand, is measured again; a run-off's rounds are checked alike."""
    good = cell_file("fp32-1-64-off", (1.0,), (8,), 1)
    path = damage(project, "reports/perf/all/fp32-1-64-off.json", json.dumps(good))
    assert read_record(path, CellFile) == good
    good["levels"][0]["rounds"][1]["windows"]["candidate"]["perf_analyzer"]["p95 latency"] = 0
    damage(project, "reports/perf/all/fp32-1-64-off.json", json.dumps(good))
    with pytest.raises(
        StageError, match=r"rounds\.1\.windows\.candidate\.perf_analyzer\.p95 latency: .*perf@fp32-1-64"
    ):
        read_record(path, CellFile)
    rounds = runoff({"a": 1.0, "b": 1.0}, 3, 2)
    rounds["rounds"][0]["windows"]["b"]["statistics"]["after"] = rounds["rounds"][0]["windows"]["b"]["statistics"][
        "before"
    ]
    with pytest.raises(
        StageError, match=r"runoff\.json is damaged: rounds\.0\.windows\.b\.statistics: .* did not grow"
    ):
        read_record(damage(project, "reports/runoff.json", json.dumps(rounds)), Runoff)
    del rounds["rounds"][0]["windows"]["b"]
    with pytest.raises(StageError, match="a round lacks b"):
        read_record(damage(project, "reports/runoff.json", json.dumps(rounds)), Runoff)


@pytest.mark.parametrize(
    ("name", "shape", "stage"),
    [
        ("perf/all/fp32-1-64-off", CellFile, "cells/dvc.yaml:perf@fp32-1-64-off"),
        ("runoff", Runoff, "runoff"),
        ("verdict", VerdictFile, "verdict"),
        ("saturation", SaturationFile, "saturation"),
    ],
)
def test_a_file_of_another_format_is_named_with_what_makes_it_anew(
    project: Path, name: str, shape: Any, stage: str
) -> None:
    """Of an older release, which wrote no number, or of a newer one."""
    path = project / "reports" / f"{name}.json"
    for number, which in ((None, "an older format"), (7, "format 7")):
        write_json(path, {"format": number} if number else {})
        said = (
            f"{path.name} is of {which}, and format 1 is read here; make it again with `dvc repro --force .* {stage}`"
        )
        with pytest.raises(StageError, match=said):
            read_record(path, shape)
