"""What answers has to be of the present training, and says what it learned: nothing else names its answers."""

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from left_behind import DIGITS, EXPORT, learn

from assay.ground.files import read_json, write_json
from assay.ground.process import StageError
from assay.ground.records.learned import Learned, as_text, from_text
from assay.learning.datasets import Dataset
from assay.predicting import provenance
from assay.predicting.provenance import (
    DATA,
    check_names,
    check_written_of_exports,
    digest_of_folder,
    learned_by,
    learned_here,
)
from assay.validation.schema import Params, validate


def told(variant: str, params: Params) -> Learned:
    return learned_by(variant, params.onnx.variants, params.model)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is taken for this project's, in which nothing was learned yet."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def test_an_export_brings_what_it_learned_from(folder: Path, content: dict[str, Any]) -> None:
    """Whatever params.yaml names by now; the order of classes is that of the scores."""
    assert learned_here() is None
    learn(folder, "own", ["dog", "cat"], "ba")
    expected = {"dataset": "own", "classes": ["dog", "cat"], "columns": ["b", "a"]}
    assert told("fp32", validate(content)) == learned_here() == expected
    learn(folder)
    assert learned_here() == {"dataset": "digits", "classes": list(DIGITS)}


def test_a_repository_that_was_written_of_another_export_is_refused(folder: Path) -> None:
    """An owner's other configuration of the same files is another model."""
    learn(folder)
    lock = read_json(folder / "dvc.lock")
    for taken, fits in ((digest_of_folder(folder / "artifacts/onnx"), True), ("another", False)):
        lock["stages"]["triton-config"] = {"deps": [{"path": "artifacts/onnx", "md5": taken}]}
        write_json(folder / "dvc.lock", lock)
        if fits:
            check_written_of_exports()
        else:
            with pytest.raises(StageError, match=r"artifacts/onnx holds now; run `dvc repro triton-config`"):
                check_written_of_exports()
    (folder / EXPORT / "config.pbtxt").write_text("another")
    with pytest.raises(StageError, match="artifacts/model_repository is not of what"):
        check_written_of_exports()


@pytest.mark.parametrize(
    ("stage", "kind", "path"),
    [
        ("onnx@fp32", "outs", EXPORT),
        ("onnx@fp32", "deps", "artifacts/models"),
        ("onnx@fp32", "deps", "artifacts/data"),
        ("train", "outs", "artifacts/models"),
        ("train", "deps", "artifacts/data"),
        ("data", "outs", "artifacts/data"),
        ("data", "outs", DATA),
    ],
)
def test_an_export_of_another_training_is_refused(
    folder: Path, content: dict[str, Any], stage: str, kind: str, path: str
) -> None:
    """From the export back to the data, what one stage left is what the next one took, or nothing is believed."""
    learn(folder)
    lock = read_json(folder / "dvc.lock")
    for entry in lock["stages"][stage][kind]:
        if entry["path"] == path:
            entry["md5"] = "another"
    write_json(folder / "dvc.lock", lock)
    sentence = f"{EXPORT} is not of the last training: dvc.lock has another {path}, or none; run `dvc repro onnx`"
    with pytest.raises(StageError, match=sentence):
        told("fp32", validate(content))
    del lock["stages"][stage]
    write_json(folder / "dvc.lock", lock)
    with pytest.raises(StageError, match=f"{EXPORT} is not of the last training"):
        told("fp32", validate(content))


def test_another_family_than_was_trained_is_refused(folder: Path, content: dict[str, Any]) -> None:
    """Whoever changed `model` and ran nothing would take the old one's answers for the new one's."""
    learn(folder, family="cnn")
    sentence = f"{EXPORT} is of model cnn, and params.yaml names autoencoder: name that one to ask it, or run"
    with pytest.raises(StageError, match=sentence):
        told("fp32", validate(content))
    assert told("fp32", validate({**content, "model": "cnn"}))["dataset"] == "digits"


def test_a_file_that_was_changed_since_is_no_export_of_the_last_training(folder: Path, content: dict[str, Any]) -> None:
    """Git checks out another dvc.lock, or another report of the data, and leaves the artifacts as they are."""
    for path in (f"{EXPORT}/classifier.onnx", DATA):
        learn(folder)
        (folder / path).write_bytes((folder / path).read_bytes() + b"\n")
        with pytest.raises(StageError, match=r"is not of the last training: dvc\.lock has another "):
            told("fp32", validate(content))


def test_what_dvc_ignores_is_no_part_of_an_export(folder: Path, content: dict[str, Any]) -> None:
    """What a killed stage left there, or Python, makes no other export of it."""
    learn(folder)
    for name in ("classifier.onnx.partial", "__pycache__/some.pyc"):
        (folder / EXPORT / name).parent.mkdir(exist_ok=True)
        (folder / EXPORT / name).write_text("left")
    assert told("fp32", validate(content))["dataset"]
    assert {"__pycache__/", "*.partial"} <= set((ROOT / ".dvcignore").read_text().splitlines())


@pytest.mark.parametrize("text", ["", "stages:", "stages: {train: {outs: [{md5: m}]}}", "<<<<<<< HEAD", "a: [", "\0"])
def test_a_damaged_lock_is_one_sentence(folder: Path, content: dict[str, Any], text: str) -> None:
    """Of a merge, a killed DVC or an editor's: it says how it comes back."""
    learn(folder)
    (folder / "dvc.lock").write_text(text)
    os.utime(folder / "dvc.lock", (0, 0))  # nobody is at it any more
    with pytest.raises(
        StageError, match=r"dvc\.lock is damaged: it cannot be read as a lock file of DVC's .*; bring it "
    ):
        told("fp32", validate(content))
    (folder / "dvc.lock").unlink()
    with pytest.raises(StageError, match=r"dvc\.lock is missing; `git checkout HEAD -- dvc\.lock` brings back"):
        told("fp32", validate(content))


def test_a_variant_that_is_not_exported_is_refused(folder: Path, content: dict[str, Any]) -> None:
    """What lies there is of an earlier run; the error says what makes it anew."""
    learn(folder)
    (folder / "artifacts" / "onnx" / "int8_dynamic").mkdir()
    (folder / "artifacts" / "onnx" / "int8_dynamic" / "classifier.onnx").touch()
    sentence = "variant int8_dynamic is not exported: onnx.variants in params.yaml names fp32; add it there, then `dvc"
    with pytest.raises(StageError, match=sentence):
        told("int8_dynamic", validate(content))
    content["onnx"]["variants"] = ["fp32", "int8_dynamic"]
    with pytest.raises(StageError, match="int8_dynamic is not of the last training"):
        told("int8_dynamic", validate(content))
    (folder / EXPORT / "classifier.onnx").unlink()
    with pytest.raises(StageError, match=rf"{EXPORT}/classifier\.onnx is missing; make it with `dvc repro onnx`"):
        told("fp32", validate(content))


@pytest.mark.parametrize(
    ("dataset", "classes", "sentence"),
    [
        ("fashion_mnist", ("cat", "dog"), "it learned from own, and params.yaml names fashion_mnist: ask it with"),
        (
            "own",
            ("dog", "cat"),
            "it learned the classes 'cat', 'dog', and own has, in this order, 'dog', 'cat': ask it with",
        ),
        (
            "own",
            ("cat", "dog", "eel"),
            "it learned the classes 'cat', 'dog', and own has, in this order, 'cat', 'dog',",
        ),
    ],
)
def test_other_names_than_were_learned_are_refused(dataset: str, classes: tuple[str, ...], sentence: str) -> None:
    """Scores would be called by them; both are named, and what brings them together."""
    known: Learned = {"dataset": "own", "classes": ["cat", "dog"]}
    check_names("it", known, Dataset("own", (2,), ("cat", "dog"), ()))
    with pytest.raises(StageError, match=f"{sentence}.*"):
        check_names("it", known, Dataset(dataset, (2,), classes, ()))


@pytest.mark.parametrize("text", ["", "[", "[1]", '{"dataset": "own"}', '{"dataset": "own", "classes": ["a"]}'])
def test_a_server_that_says_nonsense_of_what_was_learned_is_refused(text: str) -> None:
    """In one sentence; what a configuration says is what was learned."""
    known: Learned = {"dataset": "own", "classes": ["é", '"'], "columns": ["b", "a"]}
    assert from_text(as_text(known), "it") == known
    with pytest.raises(StageError, match="it does not say what it learned from: its parameter learned_from has no sen"):
        from_text(text, "it")
