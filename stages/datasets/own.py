"""One's own examples in datasets/own, as `data.own` in params.yaml describes them.

Three formats: a folder of images for each class, one .npz file with the arrays
x and y, or one CSV file with a column `label` and features in all others.
"""

import unicodedata
from pathlib import Path

import numpy as np

from datasets import Dataset, Edition, Examples
from parameters.own import Description
from runtime.process import StageError


def only_file(folder: Path, suffix: str) -> Path:
    """Return the one file with the suffix; raise StageError if there is none or several."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() == suffix)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StageError(f"{folder.name} must hold one {suffix} file; it holds: {names}")
    return found[0]


def as_stored(x: np.ndarray, shape: tuple[int, ...], shown: str) -> np.ndarray:
    """Return pixels as uint8, features as float32; raise StageError if values cannot be that."""
    if len(shape) == 3 and x.shape[1:] == shape[:2] and shape[2] == 1:
        x = x[..., np.newaxis]
    if x.dtype.kind not in "biuf":
        raise StageError(f"{shown}: x holds {x.dtype}, not numbers")
    with np.errstate(over="ignore"):
        features = x.astype(np.float32)
    if bad := np.argwhere(~np.isfinite(features)).tolist():
        raise StageError(
            f"{shown}: {len(bad)} values of x are not finite 32-bit floats, the first in example {bad[0][0]}"
        )
    if len(shape) == 1:
        return features
    if x.min(initial=0) < 0 or x.max(initial=0) > 255 or np.any(x != np.rint(x)):
        raise StageError(f"{shown}: pixels must be whole numbers from 0 to 255")
    return x.astype(np.uint8)


def class_indices(labels: np.ndarray, classes: list[str], shown: str) -> np.ndarray:
    """Return labels as indices; names become their place in `classes`.

    Raises StageError, naming the first example whose label is no class.
    """
    if np.issubdtype(labels.dtype, np.integer):
        return labels
    names = [unicodedata.normalize("NFC", str(label)) for label in labels]
    unknown = [(index, name) for index, name in enumerate(names) if name not in classes]
    if unknown:
        index, name = unknown[0]
        raise StageError(f"{shown}: example {index} has the label {name!r}; data.own.classes: {', '.join(classes)}")
    return np.array([classes.index(name) for name in names], np.int64)


def describe(own: Description) -> Dataset:
    """Return the dataset that a description stands for."""
    shape = tuple(own.shape)

    def load(folder: Path) -> Examples:
        from sources.images import read_class_folders
        from sources.npz import read_npz
        from sources.table import read_table

        shown = folder.name
        if own.format == "images":
            x, labels = read_class_folders(folder, own.classes, shape, own.resize)
        elif own.format == "npz":
            x, labels = read_npz(only_file(folder, ".npz"))
        else:
            x, labels = read_table(only_file(folder, ".csv"))
            if len(shape) == 3 and x.shape[1] == np.prod(shape):
                x = x.reshape(-1, *shape)
        return Examples(as_stored(x, shape, shown), class_indices(labels, own.classes, shown))

    edition = Edition(f"one's own, {own.format}", files=(), load=load)
    return Dataset(name="own", shape=shape, classes=tuple(own.classes), editions=(edition,))
