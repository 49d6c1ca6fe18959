"""Raw files become examples: whether they are here and whole, and what a dataset promises of them."""

import os
from pathlib import Path

import numpy as np

from assay.ground.children import run
from assay.ground.numerals import agreeing, counted
from assay.ground.paths import DATASETS, ROOT
from assay.ground.process import StageError
from assay.ground.quoting import first, listed, quoted
from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.decoding import naming


def remedy(dataset: Dataset) -> str:
    """Return the command that brings the raw files, or brings them back."""
    if dataset.bundled:
        return "bring it back with `git checkout data.dvc && dvc pull --force data.dvc`"
    source = "" if any(edition.address for edition in dataset.editions) else " --from FOLDER"
    fetch = f"`python tools/fetch_dataset.py {dataset.name}{source}`"
    tracked = f"datasets/{dataset.name}.dvc"
    if not (DATASETS / f"{dataset.name}.dvc").exists():
        # DVC runs a queued experiment in a copy of what is committed, inside of .dvc, where it would not last.
        committed = f", and commit {tracked}: a queued experiment sees no other" if ".dvc" in ROOT.parts else ""
        return f"run {fetch}{committed}"
    if not _is_in_git(DATASETS / f"{dataset.name}.dvc"):
        # DVC has taken a damaged file for a new one before any stage could look at it, and knows no other.
        return f"run {fetch}"
    return f"run `git checkout {tracked} && dvc pull --force {tracked}`, or {fetch}"


def edition_in(dataset: Dataset, folder: Path, mend: str | None = None) -> Edition:
    """Return the edition whose files are in `folder`; raise StageError, with what mends it, if none is complete."""
    mend = mend or remedy(dataset)
    shown = os.path.relpath(folder)
    if not folder.is_dir():
        raise StageError(f"{shown} is missing; {mend}")
    missing = {
        edition: [file.name for file in edition.files if not (folder / file.name).is_file()]
        for edition in dataset.editions
    }
    closest = min(dataset.editions, key=lambda edition: len(missing[edition]))
    if missing[closest]:
        raise StageError(f"{shown} lacks {', '.join(missing[closest])}; {mend}")
    return closest


def load(dataset: Dataset, folder: Path) -> Examples:
    """Return the examples in `folder`; raise StageError unless they are what the dataset promises."""
    edition = edition_in(dataset, folder)
    with naming(folder):
        examples = edition.load(folder)
    _check(dataset, f"{dataset.name}: the examples", examples.x, examples.y)
    if examples.test:
        _check(dataset, f"{dataset.name}: the test examples", *examples.test)
    return examples


def _check(dataset: Dataset, what: str, x: np.ndarray, y: np.ndarray) -> None:
    if len(x) != len(y):
        raise StageError(f"{what} are {len(x):,}, their labels {len(y):,}")
    if x.shape[1:] != dataset.shape:
        raise StageError(f"{what} have the shape {list(x.shape[1:])}, expected {list(dataset.shape)}")
    if x.dtype != dataset.dtype:
        raise StageError(f"{what} are {x.dtype}, expected {dataset.dtype}")
    if outside := sorted(set(np.unique(y).tolist()) - set(range(len(dataset.classes)))):
        labels = agreeing(len(outside), "label", "labels")
        raise StageError(f"{what} have the {labels} [{listed(outside)}], outside 0 to {len(dataset.classes) - 1}")
    if absent := [name for index, name in enumerate(dataset.classes) if not np.any(y == index)]:
        classes = agreeing(len(absent), "class", "classes")
        raise StageError(f"{what} have none of the {classes} {', '.join(first(absent))}")


def too_rare(dataset: Dataset, examples: Examples) -> str | None:
    """Say of the rarest class that it has fewer examples than there are splits to be in, None if it has enough."""
    splits = ("training", "validation") if examples.test else ("training", "validation", "test")
    counts = np.bincount(examples.y, minlength=len(dataset.classes))
    rarest = int(counts.argmin())
    if counts[rarest] >= len(splits):
        return None
    has, it = counted(int(counts[rarest]), "example"), agreeing(int(counts[rarest]), "it", "them")
    return (
        f"class {quoted(dataset.classes[rarest])} has {has}, and each of {len(splits)} splits ({', '.join(splits)}) "
        f"needs one: add examples of it, or take {it}, and the class, out"
    )


def _is_in_git(path: Path) -> bool:
    """Return whether git could bring a file back: it was added, or committed."""
    return run("git", "ls-files", "--error-unmatch", path.name, cwd=path.parent).returncode == 0
