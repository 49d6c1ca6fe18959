"""What can be learned from: one module a dataset, each with a `DATASET`, or with what makes one of its description.

Modules import what reads files inside functions: the schema of params.yaml needs
their shapes in stages that must not wait for pandas.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assay.params import plugins

if TYPE_CHECKING:
    from assay.learning.formats.published import RawFile
    from assay.params.own import Description

Arrays = tuple[np.ndarray, np.ndarray]


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
    files: "tuple[RawFile, ...]"
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


def get(name: str, described: "Description | None" = None) -> Dataset:
    """Return the dataset called `name`; what is `described` is the one that people bring along."""
    found = _plugin(name)
    return found if isinstance(found, Dataset) else found(described)


def is_described(name: str) -> bool:
    """Return whether params.yaml says what a dataset is: one's own, which nobody has published."""
    return not isinstance(_plugin(name), Dataset)


def _plugin(name: str) -> "Dataset | Callable[[Description | None], Dataset]":
    """Return a dataset, or what makes one of its description."""
    found: Dataset | Callable[[Description | None], Dataset] = plugins.load(sys.modules[__name__], name, "DATASET")
    return found


def known_files() -> dict[str, str]:
    """Return SHA-256 -> "file of dataset" for every published file."""
    published = [found for name in plugins.names(sys.modules[__name__]) if isinstance(found := _plugin(name), Dataset)]
    return {
        file.sha256: f"{file.name} of {dataset.name}"
        for dataset in published
        for edition in dataset.editions
        for file in edition.files
    }
