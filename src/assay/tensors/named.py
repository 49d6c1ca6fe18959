"""Tensors by name: what a model is asked and what it answers, one array a tensor, examples along the first axis."""

from collections.abc import Mapping

import numpy as np

Tensors = Mapping[str, np.ndarray]


def examples_in(tensors: Tensors) -> int:
    """Return how many examples there are; raises ValueError if tensors differ in it, or there are none."""
    counts = {name: len(array) for name, array in tensors.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"every tensor must hold as many examples as the others, and there are {counts}")
    return next(iter(counts.values()))


def part(tensors: Tensors, begin: int, end: int) -> dict[str, np.ndarray]:
    """Return the examples from `begin` up to, and without, `end`."""
    return {name: array[begin:end] for name, array in tensors.items()}


def batch_of(tensors: Tensors, size: int) -> dict[str, np.ndarray]:
    """Return a batch of the first `size` examples, starting over where there are fewer."""
    order = np.arange(size) % examples_in(tensors)
    return {name: array[order] for name, array in tensors.items()}


def values_in(tensors: Tensors) -> int:
    """Return how many values one example has, in all tensors together."""
    return sum(array[0].size if array.ndim > 1 else 1 for array in tensors.values())


def content_bytes(array: np.ndarray) -> int:
    """Return how many bytes an array's values take in a message: text its own length, and four for saying it."""
    if array.dtype.kind != "O":
        return array.nbytes
    return sum(4 + len(each if isinstance(each, bytes) else str(each).encode()) for each in array.ravel())


def message_bytes(tensors: Tensors) -> int:
    """Return how many bytes all values take in a message."""
    return sum(map(content_bytes, tensors.values()))
