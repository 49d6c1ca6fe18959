"""Tensors by name: what a model is asked and what it answers, one array a tensor, examples along the first axis.

Of a model that takes batches, an example is a row of each array, and a batch several of them. One that takes none is
asked an example as it is, with all axes that its file declares.
"""

from collections.abc import Callable, Mapping

import numpy as np

from assay.ground.process import StageError
from assay.ground.quoting import printable

# Answers that are compared are kept, and some copies of them are made.
LARGEST_ANSWERS, FEWEST_ANSWERS = 2**30, 4
Tensors = Mapping[str, np.ndarray]
Ask = Callable[[Tensors], Tensors]


def examples_in(tensors: Tensors) -> int:
    """Return how many examples there are; raises ValueError if tensors differ in it, or there are none."""
    counts = {name: len(array) for name, array in tensors.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"every tensor must hold as many examples as the others, and there are {counts}")
    return next(iter(counts.values()))


def only(tensors: Tensors) -> np.ndarray:
    """Return the array of what has one; raises ValueError if there are more, or none."""
    (array,) = tensors.values()
    return array


def part(tensors: Tensors, begin: int, end: int) -> dict[str, np.ndarray]:
    """Return the examples from `begin` up to, and without, `end`."""
    return {name: array[begin:end] for name, array in tensors.items()}


def one(tensors: Tensors, place: int, *, batched: bool) -> dict[str, np.ndarray]:
    """Return one example as a model is asked it alone: as a batch of one where it takes batches."""
    if batched:
        return part(tensors, place, place + 1)
    return {name: np.asarray(array[place]) for name, array in tensors.items()}


def is_finite(array: np.ndarray) -> bool:
    """Return whether none of its values is NaN or infinite, which only floats can be."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def batch_of(tensors: Tensors, size: int) -> dict[str, np.ndarray]:
    """Return a batch of the first `size` examples, starting over where there are fewer."""
    order = np.arange(size) % examples_in(tensors)
    return {name: array[order] for name, array in tensors.items()}


def with_room(answer: Tensors, count: int) -> int:
    """Return how many of `count` examples can be asked and compared, if the answer to each is as large as this one.

    Raises StageError if these are too few to tell anything.
    """
    size = message_bytes(answer)
    room = LARGEST_ANSWERS // max(1, size)
    if room < min(FEWEST_ANSWERS, count):
        raise StageError(
            f"one example is answered with {size / 1e6:,.0f} MB, and answers to {FEWEST_ANSWERS} of them, which are "
            f"compared, may have {LARGEST_ANSWERS / 1e6:,.0f} MB at most: ask smaller ones, or leave outputs out of "
            "the graph"
        )
    return min(count, room)


def each_alone(ask: Ask, inputs: Tensors, *, batched: bool = True) -> dict[str, np.ndarray]:
    """Return the answers [N, …] to N examples, each asked alone: neighbours may change an answer.

    Raises StageError if answers to two examples have other shapes: what differs in them cannot be counted. Or if all
    of them are too large to be kept.
    """
    count, answers = examples_in(inputs), [ask(one(inputs, 0, batched=batched))]
    if (room := with_room(answers[0], count)) < count:
        raise StageError(
            f"answers to {count:,} examples are too large to be compared, and those to {room:,} are not: bring fewer"
        )
    answers += [ask(one(inputs, place, batched=batched)) for place in range(1, count)]
    for name, first in answers[0].items():
        if other := next((answer[name].shape for answer in answers if answer[name].shape != first.shape), None):
            raise StageError(
                f"output {printable(name)} has the shape {list(first.shape)} for one example and {list(other)} for "
                "another, and variants are compared value by value: leave it out of the graph's outputs"
            )
    together = np.concatenate if batched else np.stack
    return {name: together([answer[name] for answer in answers]) for name in answers[0]}


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
