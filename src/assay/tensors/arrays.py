"""The prepared examples that pass between stages, one .npz file a split."""

import io
from pathlib import Path

import numpy as np

from assay.ground.files import reading, replacing
from assay.ground.paths import ARRAYS

SPLITS = ("train", "validation", "test")
INPUTS_SUFFIX = ".npy"


def write_split(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Write examples and labels, without pickle."""
    # In memory first: a ZipFile that meets a full disk complains again when it is deleted.
    content = io.BytesIO()
    np.savez_compressed(content, x=x, y=y)
    with replacing(path) as partial:
        partial.write_bytes(content.getbuffer())


def read_split(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return examples as they are stored, and labels, int64 [N].

    Pixels are uint8 [N, height, width, channels], features float32 [N, features]. Raises
    StageError if the file is damaged.
    """
    with reading(path, "arrays x and y"), np.load(path, allow_pickle=False) as arrays:
        return arrays["x"], arrays["y"]


def _own_inputs(model: Path) -> Path:
    return model.with_suffix(INPUTS_SUFFIX)


def write_inputs(model: Path, inputs: np.ndarray) -> None:
    """Write the test inputs of a model that takes something else than examples, beside it."""
    np.save(_own_inputs(model), inputs, allow_pickle=False)


def read_inputs(model: Path) -> np.ndarray:
    """Return test inputs of a model [N, …], in the type that it takes: its own, or else the test split."""
    if (path := _own_inputs(model)).exists():
        with reading(path, "an array"):
            return np.asarray(np.load(path, allow_pickle=False))
    return read_split(ARRAYS / "test.npz")[0]
