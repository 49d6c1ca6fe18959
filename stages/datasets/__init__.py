"""What can be learned from: one module a dataset, each with a `DATASET`.

Modules import what reads files inside functions: the schema of params.yaml needs
their shapes in stages that must not wait for pandas.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from parameters import plugins
from runtime.children import run
from runtime.numerals import agreeing, counted
from runtime.paths import DATASETS, ROOT
from runtime.process import StageError
from runtime.quoting import first, listed, quoted
from sources.decoding import naming
from sources.files import RawFile

if TYPE_CHECKING:
    from parameters.own import Description

Arrays = tuple[np.ndarray, np.ndarray]
OWN = "own"


@dataclass(frozen=True)
class Examples:
    """Labelled examples: x uint8 [N, height, width, channels] or float32 [N, features], y int64 [N].

    Pixels go from 0 to 255; labels are indices into the dataset's classes. `test` is
    the publisher's own test split, where there is one; x and y do not contain it.
    `columns` are the names that features, or pixels, have in a table.
    """

    x: np.ndarray
    y: np.ndarray
    test: Arrays | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Edition:
    """One form in which a dataset is published.

    `load` takes the folder of raw files and raises StageError or UnreadableError on bad ones. `address`
    is the folder on the web that has the files; None if they come from elsewhere.
    """

    description: str
    files: tuple[RawFile, ...]
    load: Callable[[Path], Examples]
    address: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A source of labelled examples, in one or several editions.

    `bundled` ones come with the repository; the others are fetched.
    """

    name: str
    shape: tuple[int, ...]  # of one example
    classes: tuple[str, ...]
    editions: tuple[Edition, ...]
    bundled: bool = False

    @property
    def shown_shape(self) -> str:
        """Return the shape of an example in words, as in 28x28x1."""
        return "x".join(map(str, self.shape))

    @property
    def dtype(self) -> np.dtype:
        """The type in which its examples are stored, and asked of models: images are bytes, rows 32-bit floats."""
        return np.dtype(np.uint8 if len(self.shape) == 3 else np.float32)

    @property
    def remedy(self) -> str:
        """Return the command that brings the raw files, or brings them back."""
        if self.bundled:
            return "bring it back with `git checkout data.dvc && dvc pull --force data.dvc`"
        source = "" if any(edition.address for edition in self.editions) else " --from FOLDER"
        fetch = f"`python tools/fetch_dataset.py {self.name}{source}`"
        tracked = f"datasets/{self.name}.dvc"
        if not (DATASETS / f"{self.name}.dvc").exists():
            # DVC runs a queued experiment in a copy of what is committed, inside of .dvc, where it would not last.
            committed = f", and commit {tracked}: a queued experiment sees no other" if ".dvc" in ROOT.parts else ""
            return f"run {fetch}{committed}"
        if not _is_in_git(DATASETS / f"{self.name}.dvc"):
            # DVC has taken a damaged file for a new one before any stage could look at it, and knows no other.
            return f"run {fetch}"
        return f"run `git checkout {tracked} && dvc pull --force {tracked}`, or {fetch}"

    def edition_in(self, folder: Path, remedy: str | None = None) -> Edition:
        """Return the edition whose files are in `folder`; raise StageError, with a remedy, if none is complete."""
        remedy = remedy or self.remedy
        shown = os.path.relpath(folder)
        if not folder.is_dir():
            raise StageError(f"{shown} is missing; {remedy}")
        missing = {
            edition: [file.name for file in edition.files if not (folder / file.name).is_file()]
            for edition in self.editions
        }
        closest = min(self.editions, key=lambda edition: len(missing[edition]))
        if missing[closest]:
            raise StageError(f"{shown} lacks {', '.join(missing[closest])}; {remedy}")
        return closest

    def load(self, folder: Path) -> Examples:
        """Return the examples in `folder`; raise StageError unless they are what the dataset promises."""
        edition = self.edition_in(folder)
        with naming(folder):
            examples = edition.load(folder)
        self._check(f"{self.name}: the examples", examples.x, examples.y)
        if examples.test:
            self._check(f"{self.name}: the test examples", *examples.test)
        return examples

    def _check(self, what: str, x: np.ndarray, y: np.ndarray) -> None:
        if len(x) != len(y):
            raise StageError(f"{what} are {len(x):,}, their labels {len(y):,}")
        if x.shape[1:] != self.shape:
            raise StageError(f"{what} have the shape {list(x.shape[1:])}, expected {list(self.shape)}")
        if x.dtype != self.dtype:
            raise StageError(f"{what} are {x.dtype}, expected {self.dtype}")
        if outside := sorted(set(np.unique(y).tolist()) - set(range(len(self.classes)))):
            labels = agreeing(len(outside), "label", "labels")
            raise StageError(f"{what} have the {labels} [{listed(outside)}], outside 0 to {len(self.classes) - 1}")
        if absent := [name for index, name in enumerate(self.classes) if not np.any(y == index)]:
            classes = agreeing(len(absent), "class", "classes")
            raise StageError(f"{what} have none of the {classes} {', '.join(first(absent))}")

    def too_rare(self, examples: Examples) -> str | None:
        """Say of the rarest class that it has fewer examples than there are splits to be in, None if it has enough."""
        splits = ("training", "validation") if examples.test else ("training", "validation", "test")
        counts = np.bincount(examples.y, minlength=len(self.classes))
        rarest = int(counts.argmin())
        if counts[rarest] >= len(splits):
            return None
        has, it = counted(int(counts[rarest]), "example"), agreeing(int(counts[rarest]), "it", "them")
        return (
            f"class {quoted(self.classes[rarest])} has {has}, and each of {len(splits)} splits ({', '.join(splits)}) "
            f"needs one: add examples of it, or take {it}, and the class, out"
        )


def _is_in_git(path: Path) -> bool:
    """Return whether git could bring a file back: it was added, or committed."""
    return run("git", "ls-files", "--error-unmatch", path.name, cwd=path.parent).returncode == 0


def get(name: str, own: "Description | None" = None) -> Dataset:
    """Return the dataset called `name`; `own` describes the one that people bring along."""
    if name == OWN and own:
        from datasets.own import describe

        return describe(own)
    dataset: Dataset = plugins.load(sys.modules[__name__], name, "DATASET")
    return dataset


def known_files() -> dict[str, str]:
    """Return SHA-256 -> "file of dataset" for every published file."""
    published = [name for name in plugins.names(sys.modules[__name__]) if name != OWN]
    found: list[Dataset] = [plugins.load(sys.modules[__name__], name, "DATASET") for name in published]
    return {
        file.sha256: f"{file.name} of {dataset.name}"
        for dataset in found
        for edition in dataset.editions
        for file in edition.files
    }
