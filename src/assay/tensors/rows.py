"""What an answer says, row by row: the class with the largest score, or the whole number or text that stands there."""

import numpy as np

from assay.tensors.named import Tensors
from assay.tensors.parity import AXES_OF_SCORES
from assay.tensors.signature import Signature, Tensor

FLOATS = ("FP16", "FP32", "FP64", "BF16")


def scored(signature: Signature) -> tuple[str, ...]:
    """Return the outputs that score classes: floats whose last axis, the classes, the file fixes at two or more."""
    return tuple(output.name for output in signature.outputs if _scores(output))


def _scores(output: Tensor) -> bool:
    if output.datatype not in FLOATS or output.axes is None or len(output.axes) not in AXES_OF_SCORES:
        return False
    classes = output.axes[-1]
    return isinstance(classes, int) and classes > 1


def with_rows(signature: Signature) -> tuple[str, ...]:
    """Return the outputs that say something row by row: scores, and whatever is no float."""
    scores = scored(signature)
    return tuple(each.name for each in signature.outputs if each.name in scores or each.datatype not in FLOATS)


def rows(answers: Tensors, scores: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return what each row of an output says, [rows], for the outputs that say something.

    Of those that are `scores` it is the place of the largest on the last axis, of whole numbers, truth values and text
    each value itself.
    """
    found = {}
    for name, answer in answers.items():
        if name in scores:
            found[name] = answer.argmax(axis=-1).ravel()
        elif answer.dtype.kind != "f":
            found[name] = answer.ravel()
    return found


def unlike(expected: Tensors, found: Tensors, scores: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return in how many rows two answers say something else, and of how many, by output.

    Where an output has another shape it is unlike in every row.
    """
    ours, theirs = rows(expected, scores), rows(found, scores)
    return {
        name: (
            int(np.count_nonzero(each != theirs[name])) if expected[name].shape == found[name].shape else each.size,
            each.size,
        )
        for name, each in ours.items()
    }
