"""Bring back a model as another revision of this repository has it, without touching this checkout."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from assay.ground.children import checked, last_words, run
from assay.ground.paths import BROUGHT, DATASETS, ROOT
from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.ground.records.checking import read_record
from assay.ground.records.learned import Learned, learned
from assay.ground.records.prepared import Data
from assay.ground.still import read_still
from assay.learning import datasets, models
from assay.learning.datasets import Dataset
from assay.learning.training.pixels import scaled
from assay.params import plugins

MODELS = "artifacts/model_repository"
AXES = ("instances", "max_batch_size", "dynamic_batching")
# Stages that always run, and make nothing of a model.
_CHECKS = ("raw-data", "machine")
# What says which model was brought, in any checkout.
_BROUGHT = BROUGHT.relative_to(ROOT).with_suffix(".dvc")


def resolve(revision: str) -> str:
    """Return the commit that a revision names; raises StageError, in Git's own words, if it finds none."""
    if revision.startswith("-"):
        raise StageError(f"{revision!r} is not a revision")
    # In two steps: what follows `:/` is looked for in messages, up to the end.
    finished = run("git", "rev-parse", "--verify", revision, cwd=ROOT)
    if finished.returncode == 0:
        finished = run("git", "rev-parse", "--verify", f"{finished.stdout.strip()}^{{commit}}", cwd=ROOT)
    if finished.returncode == 0:
        return finished.stdout.strip()
    shallow = run("git", "rev-parse", "--is-shallow-repository", cwd=ROOT).stdout.strip() == "true"
    rest = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
    remedy = f"; this clone is shallow: `{rest}` brings the rest" if shallow else ""
    raise StageError(f"no revision {revision!r} here{remedy}; git says:\n  {last_words(finished)}")


def check_out(commit: str, folder: Path) -> None:
    """Clone this repository at a commit into an empty folder that shares this one's DVC cache and remotes."""
    failure = f"the revision {commit[:8]} cannot be checked out"
    checked("git", "clone", "--quiet", "--no-checkout", str(ROOT), str(folder), cwd=ROOT, failure=failure)
    checked("git", "checkout", "--quiet", commit, cwd=folder, failure=failure)
    cache = checked("dvc", "cache", "dir", cwd=ROOT, failure="DVC does not name its cache")
    local = ROOT / ".dvc" / "config.local"
    if local.exists():  # where a remote's credentials are
        (folder / ".dvc" / "config.local").write_bytes(local.read_bytes())
    # Under a name that DVC can write down: it knows no letters but those of ASCII.
    link = folder.with_name(f"{folder.name}_cache")
    link.symlink_to((ROOT / cache).resolve())
    checked("dvc", "cache", "dir", "--local", f"../{link.name}", cwd=folder, failure=failure)


def read_parameters(folder: Path) -> dict[str, Any]:
    """Return a revision's parameters as they are: they may follow another schema."""

    def parse(text: bytes) -> dict[str, Any]:
        try:
            content = YAML(typ="safe").load(text.decode())
        except (YAMLError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise StageError("the revision's params.yaml is not readable as sections of parameters")
        return content

    try:
        return read_still(folder / "params.yaml", parse)
    except FileNotFoundError:
        raise StageError("the revision has no params.yaml: it is none of this project's") from None


def first_cell(content: dict[str, Any], whose: str) -> str:
    """Return the name of the first cell of a matrix: the revision's, or this working tree's."""
    try:
        axes = (content["onnx"]["variants"], *(content["perf"][name] for name in AXES))
        return "-".join(str(axis[0]) for axis in axes)
    except (KeyError, TypeError, IndexError):
        raise StageError(f"{whose}'s params.yaml has no benchmark matrix; choose a model with --cell") from None


def default_cell(folder: Path, wanted: str | None, whose: str) -> str:
    """Return the name of a cell to compare, the one wanted or the default configuration, of a revision's or ours."""
    name = wanted or first_cell(read_parameters(folder), whose)
    if not (folder / MODELS / name / "config.pbtxt").exists():
        cells = sorted(path.name for path in (folder / MODELS).glob("*-*-*-*") if path.is_dir())
        there = f", of: {listed(cells)}" if cells else ""
        raise StageError(f"{whose} has no model {name}; choose one with --cell{there}")
    return name


def refuse_other_dataset(commit: str, folder: Path, ours: Dataset) -> None:
    """Raise StageError, before anything is trained, if a revision's dataset is known here to have another shape."""
    name = read_parameters(folder).get("dataset")
    known = name in plugins.names(datasets) and name != ours.name and not datasets.is_described(str(name))
    if known and (shape := datasets.get(str(name), None).shape) != ours.shape:
        raise StageError(
            f"{commit[:8]} learned from {name}, whose examples are {list(shape)}, and params.yaml names {ours.name}, "
            f"whose are {list(ours.shape)}: the two cannot be compared"
        )


def are_brought(ours: str, theirs: Any, revision: str) -> bool:
    """Return whether both sides' models were brought; raises StageError if one alone was: it was trained on nothing."""
    brought = [model in plugins.names(models) and models.get(model).brought for model in (ours, theirs)]
    if brought[0] != brought[1]:
        whose, model = ("this working tree", ours) if brought[0] else (revision, theirs)
        raise StageError(
            f"the model of {whose}, {model}, was brought, and the other was trained here: the two cannot be compared"
        )
    return brought[0]


def raw_files(folder: Path) -> list[str]:
    """Return the .dvc files of what a revision's stages begin with: its dataset, or the model that was brought."""
    chosen = [Path("data.dvc"), Path(DATASETS.name, f"{read_parameters(folder).get('dataset')}.dvc")]
    every = [*chosen, _BROUGHT]
    return [str(path) for path in every if (folder / path).exists()]


def restore_models(folder: Path) -> str:
    """Bring the model repository of a checked-out revision up to date, and return where it comes from.

    What its `dvc.lock` says is believed as far as DVC believes it: a stage runs again whose
    parameters, code or inputs are others than when it ran, and one whose results are neither in
    the cache nor on a remote. What its stages print is printed as it comes. Raises StageError if one fails.
    """
    for command in ("fetch", "checkout"):
        # What is not there is made again.
        run("dvc", command, "--with-deps", "triton-config", *raw_files(folder), cwd=folder)
    failure = "the reference cannot be brought up to date"
    said = checked("dvc", "repro", "triton-config", cwd=folder, failure=failure, shown=True)
    # Of a stage in another folder's dvc.yaml, DVC says which.
    ran = [name.rpartition(":")[2] for name in re.findall(r"^Running stage '(.*)':$", said, re.MULTILINE)]
    again = [name for name in ran if name not in _CHECKS]
    return f"its own stages, run again: {', '.join(again)}" if again else "DVC's cache"


def learned_in(folder: Path) -> Learned:
    """Return what the models in a checkout learned from; raises StageError if its reports/data.json does not say."""
    return learned(read_record(folder / "reports" / "data.json", Data))


def as_taken(examples: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """Return examples [N, …], as this working tree stores them, in the type that a revision's model takes.

    Models that take images as 32-bit floats are of revisions that trained on pixels from 0 to
    1 and left the scaling to whoever asked; later ones take bytes and scale them. Raises
    StageError for a model that takes neither; `what` names it.
    """
    if examples.dtype == dtype:
        return examples
    if examples.dtype == np.uint8 and dtype == np.float32:
        return scaled(examples)
    raise StageError(f"{what} takes {dtype}, and examples are {examples.dtype}: the two cannot be compared")
