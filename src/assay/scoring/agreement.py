"""How far a variant's answers are from those of the model that it was made of: what is known without labels."""

from typing import Any

import numpy as np

from assay.tensors.named import Tensors
from assay.tensors.parity import largest_difference, magnitude
from assay.tensors.rows import unlike


def agreement(expected: Tensors, found: Tensors, scores: tuple[str, ...]) -> dict[str, Any]:
    """Return, by output, how answers differ from the expected ones, to the same examples.

    Of numbers the `largest` and the `typical` difference, the median, each as a share of the output's largest
    |value|; `rows` and how many of them are the `same`: where the largest of `scores`, or the whole number
    or text, is equal. None is what an output does not have.
    """
    counts = unlike(expected, found, scores)
    outputs = {}
    for name, answer in expected.items():
        numbers = answer.dtype.kind == "f"
        other, of = counts.get(name, (None, None))
        outputs[name] = {
            "largest": largest_difference(answer, found[name]) if numbers else None,
            "typical": _typical(answer, found[name]) if numbers else None,
            "rows": of,
            "same": None if other is None or of is None else of - other,
        }
    return outputs


def _typical(expected: np.ndarray, found: np.ndarray) -> float:
    apart = np.abs(expected.astype(np.float64) - found.astype(np.float64))
    return float(np.median(apart) / magnitude(expected)) if apart.size else 0.0
