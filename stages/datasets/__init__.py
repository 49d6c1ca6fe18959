"""What can be learned from: one module a dataset, each with a `DATASET`."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parameters import plugins
from runtime.process import StageError

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """A source of labelled examples.

    `load` takes the folder of raw files and returns `x` and `y`: x is uint8
    [N, height, width, channels] with pixels 0 to 255, or float32 [N, features];
    y is int64 [N], an index into `classes`. It raises StageError on bad files.
    """

    shape: tuple[int, ...]  # of one example
    classes: tuple[str, ...]
    load: Callable[[Path], Arrays]


def get(name: str) -> Dataset:
    """Return the dataset called `name`."""
    dataset: Dataset = plugins.load(sys.modules[__name__], name, "DATASET")
    return dataset


def verified(path: Path, sha256: str) -> Path:
    """Return `path` if the file has the checksum; raise StageError if not."""
    shown = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    if not path.is_file():
        raise StageError(f"{shown} is missing; fetch it with `dvc pull data.dvc`")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise StageError(
            f"{shown} is not the file this project ships: its sha256 is {found}, expected {sha256}; "
            "restore it with `git checkout data.dvc && dvc checkout --force data.dvc`"
        )
    return path
