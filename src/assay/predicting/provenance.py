"""What an export learned from, and whether it is of the present training: reports/data.json and dvc.lock say it.

An export may be of another training than what lies beside it: a variant that was left out since, a
checkout of Git's without DVC's, a run of some stages and not of others. It would answer, with another model,
or with names that it never learned.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal

from assay.ground.dvc_lock import Entry, LockedStage, digest, locked_stages
from assay.ground.files import PARTIAL
from assay.ground.paths import ROOT
from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.ground.records.checking import read_record
from assay.ground.records.learned import Learned, learned
from assay.ground.records.prepared import Data
from assay.learning.datasets import Dataset
from assay.learning.formats.published import RawFile
from assay.params.cells import CLASSIFIER

DATA, RAW_DATA = "reports/data.json", "reports/raw_data.json"


def learned_here() -> Learned | None:
    """Return what the stages here learned from last; None if they never ran."""
    path = ROOT / DATA
    return learned(read_record(path, Data)) if path.exists() else None


def learned_by(variant: str, variants: Sequence[str], model: str) -> Learned:
    """Return what the exported classifier of a variant learned from; raises StageError as `check_exported` does."""
    check_exported(variant, variants, model, f"{CLASSIFIER}.onnx")
    return learned(read_record(ROOT / DATA, Data))


def check_exported(variant: str, variants: Sequence[str], model: str, export: str) -> None:
    """Raise StageError if an export of a variant, a file or folder, is not one of the last training.

    `variants` and `model` are those of params.yaml: it may not ask for the variant, the file may not be there, or be of
    another training or model family.
    """
    folder = f"artifacts/onnx/{variant}"
    if variant not in variants:
        raise StageError(
            f"variant {variant} is not exported: onnx.variants in params.yaml names {', '.join(variants)}; "
            "add it there, then `dvc repro onnx`"
        )
    if not (ROOT / folder / export).exists():
        raise StageError(f"{folder}/{export} is missing; make it with `dvc repro onnx`")
    stages = locked_stages(ROOT / "dvc.lock")
    if not stages:
        raise StageError("dvc.lock is missing; `git checkout HEAD -- dvc.lock` brings back the committed one")
    for path, one, other in _links(variant, stages):
        if one is None or one != other:
            raise StageError(
                f"{folder} is not of the last training: dvc.lock has another {path}, or none; run `dvc repro onnx`"
            )
    family = stages["train"].get("params", {}).get("params.yaml", {}).get("model")
    if family != model:
        raise StageError(
            f"{folder} is of model {family}, and params.yaml names {model}: "
            "name that one to ask it, or run `dvc repro onnx`"
        )


def check_brought(variant: str, files: Sequence[RawFile]) -> None:
    """Raise StageError unless the export of a variant was made of the files that were brought, and are here now."""
    stages = locked_stages(ROOT / "dvc.lock")
    taken = stages.get("train", LockedStage()).get("params", {}).get(RAW_DATA, {}).get("files")
    if taken != [asdict(each) for each in files]:
        raise StageError(
            f"artifacts/onnx/{variant} is of what was brought before, and brought/model holds other files; run "
            "`dvc repro onnx`"
        )


def check_written_of_exports() -> None:
    """Raise StageError unless the folders that servers get were written of the exports that are here now."""
    exports = "artifacts/onnx"
    if _locked(locked_stages(ROOT / "dvc.lock"), "triton-config", "deps", exports) != digest_of_folder(ROOT / exports):
        raise StageError(
            f"artifacts/model_repository is not of what {exports} holds now; run `dvc repro triton-config`"
        )


def check_names(what: str, known: Learned, dataset: Dataset) -> None:
    """Raise StageError unless a model learned from the dataset that params.yaml names, and these classes in order."""
    remedy = "ask it with params.yaml as that was then, or bring what answers up to date, as `dvc repro onnx` does here"
    if known["dataset"] != dataset.name:
        raise StageError(f"{what} learned from {known['dataset']}, and params.yaml names {dataset.name}: {remedy}")
    if (classes := tuple(known["classes"])) != dataset.classes:
        raise StageError(
            f"{what} learned the classes {listed(classes)}, and {dataset.name} has, in this order, "
            f"{listed(dataset.classes)}: {remedy}"
        )


def _links(variant: str, stages: dict[str, LockedStage]) -> Iterator[tuple[str, str | None, str | None]]:
    """Return, from a variant's export back to the data, a path and its digests at both ends: equal if nothing moved."""
    locked = partial(_locked, stages)
    folder = f"artifacts/onnx/{variant}"
    yield folder, digest_of_folder(ROOT / folder), locked(f"onnx@{variant}", "outs", folder)
    for path, user, maker in [
        ("artifacts/models", f"onnx@{variant}", "train"),
        ("artifacts/data", f"onnx@{variant}", "data"),
        ("artifacts/data", "train", "data"),
    ]:
        yield path, locked(user, "deps", path), locked(maker, "outs", path)
    yield DATA, digest((ROOT / DATA).read_bytes()), locked("data", "outs", DATA)


def _locked(stages: dict[str, LockedStage], stage: str, kind: Literal["deps", "outs"], path: str) -> str | None:
    """Return the digest that dvc.lock has of a path of a stage, None where it has none."""
    entries: list[Entry] = stages.get(stage, LockedStage()).get(kind, [])
    return next((each.get("md5") for each in entries if each["path"] == path), None)


def _is_ignored(name: str) -> bool:
    # As .dvcignore says.
    return name == "__pycache__" or name.endswith(PARTIAL)


def digest_of_folder(folder: Path) -> str:
    """Return the digest under which DVC knows a folder."""
    found = ((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file())
    files = sorted((name.as_posix(), path) for name, path in found if not any(map(_is_ignored, name.parts)))
    entries = [{"md5": digest(path.read_bytes()), "relpath": name} for name, path in files]
    return f"{digest(json.dumps(entries, sort_keys=True).encode())}.dir"
