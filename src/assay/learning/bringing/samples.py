"""Samples and labels that come with a model, checked against what it takes before anything is done with them."""

import zipfile
from pathlib import Path

import numpy as np

from assay.ground.numerals import counted
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.tensors.arrays import asked, storable
from assay.tensors.batch_safety import EXAMPLES_A_BATCH
from assay.tensors.named import Tensors, examples_in, is_finite
from assay.tensors.signature import Signature, Tensor

# Two show whether an answer depends on what is asked, as many as a batch what neighbours do.
FEWEST_ALONE = 2
LARGEST_LABEL = 2**31 - 1


def read_samples(path: Path, signature: Signature, fewest: int | None = None) -> dict[str, np.ndarray]:
    """Return the samples in an .npz file, an array an input, examples along the first axis, in the model's order.

    There must be the `fewest` of them, or else as many as show what the answers of a model depend on.
    Raises StageError that says which array does not fit the model, and why.
    """
    given, batched = _arrays(path), signature.batched
    names, what = [tensor.name for tensor in signature.inputs], printable(path.name)
    more, missing = sorted(set(given) - set(names)), sorted(set(names) - set(given))
    if more or missing:
        wrong = [f"{listed(more)} {'is no input' if len(more) == 1 else 'are no inputs'} of it"] * bool(more)
        wrong += [f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"] * bool(missing)
        raise StageError(
            f"{what} has the arrays {listed(given) or 'none'}, and the model the inputs {listed(names)}: "
            f"{', and '.join(wrong)}; each input needs an array of its name"
        )
    found = {tensor.name: _checked(given[tensor.name], tensor, what, batched=batched) for tensor in signature.inputs}
    try:
        count = examples_in(found)
    except ValueError as error:
        raise StageError(f"{what}: {error}") from None
    fewest = fewest or (EXAMPLES_A_BATCH if batched else FEWEST_ALONE)
    if count < fewest:
        raise StageError(f"{what} has {counted(count, 'example')}, and {fewest} are needed: one tells of no other")
    return found


def write_samples(path: Path, samples: Tensors) -> None:
    """Write samples as they are read; raises StageError if NumPy would take the name of one for another's."""
    if taken := next((printable(name) for name in samples if f"{name}.npy" in samples), None):
        raise StageError(f"{taken} and {taken}.npy cannot be told apart in an .npz file: rename one of them")
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in samples.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, storable(array), allow_pickle=False)


def read_labels(path: Path, examples: int) -> np.ndarray:
    """Return the labels in an .npy file, whole numbers [N] from 0; raises StageError if they are no such, or not N."""
    what = printable(path.name)
    try:
        labels = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever a damaged file makes of NumPy
        raise StageError(f"{what} is no .npy file of numbers ({type(error).__name__}); np.save writes one") from None
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "iu":
        shape = f"{labels.dtype} {list(labels.shape)}" if isinstance(labels, np.ndarray) else "several arrays"
        raise StageError(f"{what} holds {shape}, and labels are whole numbers in one array with one axis")
    if len(labels) != examples:
        raise StageError(f"{what} has {counted(len(labels), 'label')}, and there are {counted(examples, 'example')}")
    for label in (labels.min(), labels.max()):
        if not 0 <= label <= LARGEST_LABEL:
            raise StageError(
                f"{what} has the label {label:,}; labels count classes from 0, to {LARGEST_LABEL:,} at most"
            )
    if labels.min() == labels.max():
        raise StageError(
            f"{what} has the label {labels[0]} alone, and whoever answers that is always right; bring examples of "
            "several classes, or none of labels"
        )
    return labels.astype(np.int64)


def check_classes(labels: np.ndarray, scores: np.ndarray) -> None:
    """Raise StageError if a label is beyond the classes that scores [N, classes] are of."""
    if (largest := int(labels.max())) >= scores.shape[1]:
        raise StageError(f"the labels go up to {largest}, and the model scores {scores.shape[1]} classes, from 0")


def _arrays(path: Path) -> dict[str, np.ndarray]:
    what, why = printable(path.name), "it is no .npz file of arrays"
    try:
        if zipfile.is_zipfile(path):
            with np.load(path, allow_pickle=False) as arrays:
                return {name: asked(arrays[name]) for name in arrays}
    except FileNotFoundError:
        raise
    except UnicodeDecodeError:
        raise StageError(f"{what} holds text that is not UTF-8") from None
    except Exception as error:  # whatever a damaged archive makes of NumPy and zipfile
        pickled = "pickle" in str(error).lower()
        why = "it holds Python objects, which are not loaded; save text with .astype(str)" if pickled else why
    raise StageError(f"{what} cannot be read: {why}; np.savez({what!r}, NAME=array, …) writes one") from None


def _checked(array: np.ndarray, tensor: Tensor, what: str, *, batched: bool) -> np.ndarray:
    """Return an input's array; raises StageError if it is of another type or shape, or holds what is no number."""
    place = f"{what}: {tensor.name}"
    if array.dtype != tensor.dtype:
        are, takes = (("text" if dtype.kind == "O" else str(dtype)) for dtype in (array.dtype, tensor.dtype))
        into = "" if "text" in (are, takes) or array.dtype.kind not in "biuf" else f"; save it with .astype({takes!r})"
        raise StageError(f"{place} is {are}, and the model takes {takes}{into}")
    axes = (tensor.axes or ())[1 if batched else 0 :]
    fits = array.ndim == len(axes) + 1 and all(
        size == axis for size, axis in zip(array.shape[1:], axes, strict=True) if isinstance(axis, int)
    )
    if not fits:
        wanted = ", ".join(["examples", *(str(axis) if isinstance(axis, int) else axis or "any" for axis in axes)])
        raise StageError(f"{place} has the shape {list(array.shape)}, and the model takes [{wanted}]")
    if not is_finite(array):
        raise StageError(f"{place} holds values that are no numbers (NaN), or infinite ones")
    if array.dtype.kind == "O" and any("\0" in text for text in array.ravel()):
        raise StageError(f"{place} holds NUL characters, which end a text in a file of arrays")
    return array
