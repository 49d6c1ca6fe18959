"""Whether a model is what its file says: it is asked a few examples before anything is served."""

from itertools import chain

import numpy as np

from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.tensors.named import Ask, Tensors, examples_in, is_finite, one, with_room
from assay.tensors.parity import UnansweredError, alike
from assay.tensors.signature import Signature, Tensor

# So many examples tell enough where answers differ: of a slow model, each takes a second.
ASKED = 8


def check_what_it_says(ask: Ask, signature: Signature, inputs: Tensors) -> None:
    """Ask a model some examples, each alone, and see that its answers are some.

    Raises StageError if it fails on one, answers otherwise than its file declares, with what is no number, with more
    than can be compared, or the same whatever it is asked. An output that is an input again is no evidence.
    """
    batched = signature.batched
    there, first = examples_in(inputs), one(inputs, 0, batched=batched)
    answers = [_answered(ask, first)]
    count = min(ASKED, with_room(answers[0], there))
    asked = [first, *(one(inputs, place, batched=batched) for place in range(1, count))]
    answers += [_answered(ask, example) for example in asked[1:]]
    for place, answer in enumerate(answers):
        for tensor in signature.outputs:
            _check_type(tensor, answer[tensor.name])
            _check_shape(tensor.name, tensor.axes or (), answer[tensor.name], batched=batched)
            _check_finite(tensor.name, answer[tensor.name], place)
    _check_repeats(answers[0], _answered(ask, asked[0]))
    echoed = {
        tensor.name
        for tensor in signature.outputs
        if all(_echoes(answer[tensor.name], example) for answer, example in zip(answers, asked, strict=True))
    }
    telling = [tensor.name for tensor in signature.outputs if tensor.name not in echoed]
    if not telling:
        raise StageError(
            "every output is an input again, asked one example at a time: there is nothing that this model computes, "
            "or its first axis is no batch, and has to be fixed in the file"
        )
    more = (_answered(ask, one(inputs, place, batched=batched)) for place in range(count, there))
    if all(alike(answers[0][name], other[name]) for other in chain(answers[1:], more) for name in telling):
        same = listed(telling)
        raise StageError(
            f"the model answers the same in {same} to {there} examples: they are alike to it, as values are that it "
            "does not know, or it computes nothing of them; bring examples that differ with `--inputs samples.npz`, or "
            "tell other values"
        )


def _answered(ask: Ask, example: Tensors) -> Tensors:
    try:
        return ask(example)
    except UnansweredError as error:
        raise StageError(f"{error}; other sizes or values may be what it wants") from None


def _check_repeats(answer: Tensors, again: Tensors) -> None:
    """Raise StageError if a model answers the same example otherwise the second time."""
    random = [name for name, each in answer.items() if not alike(each, again[name])]
    if random:
        raise StageError(
            f"output {listed(random)} is another one when the same example is asked again: the model draws random "
            "numbers, or counts what it was asked, and its answers cannot be compared; export it for inference, or fix "
            "its seed"
        )


def _check_type(tensor: Tensor, answer: np.ndarray) -> None:
    if answer.dtype != tensor.dtype:
        are, declared = (("text" if dtype.kind == "O" else str(dtype)) for dtype in (answer.dtype, tensor.dtype))
        raise StageError(
            f"output {printable(tensor.name)} is declared as {declared} and answers with {are}: what asks it would "
            "read other values; declare the type that it has"
        )


def _check_shape(name: str, axes: tuple[int | str, ...], answer: np.ndarray, *, batched: bool) -> None:
    declared = [axis if isinstance(axis, int) else None for axis in axes]
    if batched:
        declared[:1] = [1]
    if answer.ndim != len(declared) or any(
        axis not in (size, None) for size, axis in zip(answer.shape, declared, strict=True)
    ):
        said = ", ".join(str(axis) if isinstance(axis, int) else axis or "any" for axis in axes)
        raise StageError(
            f"output {name} is declared as [{said}] and answers one example with {list(answer.shape)}: a server would "
            "refuse it; declare the shapes that it has"
        )


def _check_finite(name: str, answer: np.ndarray, place: int) -> None:
    if not is_finite(answer):
        raise StageError(
            f"output {name} of example {place} holds values that are no numbers (NaN), or infinite ones: what was "
            "asked may mean nothing to the model, as a mask of random numbers; bring real samples with "
            "`--inputs samples.npz`"
        )


def _echoes(answer: np.ndarray, example: Tensors) -> bool:
    return any(answer.shape == array.shape and bool(np.array_equal(answer, array)) for array in example.values())
