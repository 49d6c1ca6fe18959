"""The prepared examples that pass between stages, one .npz file a split.

Of a dataset they are an array x and labels y; of a model that was brought, an array for each of its inputs.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assay.ground.files import reading, replacing
from assay.ground.paths import ARRAYS
from assay.tensors.named import Tensors

SPLITS = ("train", "validation", "test")
INPUTS_SUFFIX = ".npy"
# What stands before an input's name, so that none is taken for x or y.
_INPUT = "input:"


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


def write_named(path: Path, inputs: Tensors, labels: np.ndarray | None) -> None:
    """Write examples as a model is asked them, an array an input, and labels if there are any; without pickle."""
    arrays = {f"{_INPUT}{name}": storable(array) for name, array in inputs.items()}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays, **({} if labels is None else {"y": labels}))


def read_named(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return examples as a model is asked them, by input, text as objects, and labels [N], None if there are none.

    Raises StageError if the file is damaged, or is a dataset's.
    """
    with reading(path, "arrays of inputs"), np.load(path, allow_pickle=False) as arrays:
        inputs = {name.removeprefix(_INPUT): asked(arrays[name]) for name in arrays if name.startswith(_INPUT)}
        if not inputs:
            raise ValueError("it holds no input")
        return inputs, arrays.get("y")


def read_labels(path: Path) -> np.ndarray | None:
    """Return the labels [N] in a split, None if there are none."""
    with reading(path, "arrays"), np.load(path, allow_pickle=False) as arrays:
        labels: np.ndarray | None = arrays.get("y")
        return labels


def storable(array: np.ndarray) -> np.ndarray:
    """Return an array as a file holds it without pickle: text as characters of a fixed number."""
    return array.astype(np.str_) if array.dtype.kind == "O" else array


def asked(array: np.ndarray) -> np.ndarray:
    """Return an array as a model is asked it: text as objects, bytes being UTF-8; raises UnicodeDecodeError if not."""
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    return array.astype(object) if array.dtype.kind == "U" else array


def _own_inputs(model: Path) -> Path:
    return model.with_suffix(INPUTS_SUFFIX)


def write_inputs(model: Path, inputs: np.ndarray) -> None:
    """Write the test inputs of a model that takes something else than examples, beside it."""
    np.save(_own_inputs(model), inputs, allow_pickle=False)


def read_inputs(model: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return test inputs of a model, by its inputs' names, in the types that it takes: its own, or the test split's.

    Where there is a single array, it is the single input's, whatever that is called. Raises ValueError if there are
    more inputs than arrays.
    """
    if (path := _own_inputs(model)).exists():
        with reading(path, "an array"):
            return _of_single(names, np.asarray(np.load(path, allow_pickle=False)))
    return inputs_of_test(names)


def file_of_test(shape: str = "") -> Path:
    """Return the file of the test split, or of the examples in a further shape."""
    return ARRAYS / "shapes" / f"{shape}.npz" if shape else ARRAYS / "test.npz"


def inputs_of_test(names: Sequence[str], shape: str = "") -> dict[str, np.ndarray]:
    """Return the inputs in the test split, or in a further shape, by the names that a model has for them."""
    path = file_of_test(shape)
    with reading(path, "arrays"), np.load(path, allow_pickle=False) as arrays:
        if "x" in arrays:
            return _of_single(names, arrays["x"])
        return {name: asked(arrays[f"{_INPUT}{name}"]) for name in names}


def _of_single(names: Sequence[str], array: np.ndarray) -> dict[str, np.ndarray]:
    (name,) = names
    return {name: array}
