"""Whether what else is in a batch changes an answer, as where values are quantised with the range of the whole."""

import numpy as np

from assay.ground.process import StageError
from assay.ground.records.prepared import Batch
from assay.tensors.named import Ask, Tensors, examples_in, message_bytes, part
from assay.tensors.parity import ROUNDING, ROUNDING_OF_SMALL, UnansweredError, largest_beside_others, largest_difference
from assay.tensors.rows import unlike

# So many different examples together show what neighbours do, and every model of a free batch axis takes them.
EXAMPLES_A_BATCH = 4
# And as many as a matrix batches, where they are not too large to be computed at once.
LARGEST_BATCH, LARGEST_BATCH_BYTES = 64, 2**24
_NO_BATCH = (
    "its first axis is free in the file and no batch; fix it there, and it is served without batches: "
    "python -m onnxruntime.tools.make_dynamic_shape_fixed --dim_param AXIS --dim_value 1 model.onnx fixed.onnx"
)


def batch_safety(
    ask: Ask, inputs: Tensors, alone: Tensors, scores: tuple[str, ...], name: str, *, largest: int = LARGEST_BATCH
) -> Batch:
    """Return how answers to different examples asked together differ from those to each alone.

    All are asked four at a time, and where that changes nothing, the first of them in one batch of up to `largest`:
    what a model does with its neighbours may begin there. `examples` says of how many together the rest was found, or
    how many together changed nothing.

    `difference` is the largest of values in any output, as a share of its magnitude, or, where that is no more than
    rounding and beside larger values there is more, of what stands in the same place; `other_class` counts the `rows`
    that say something else (`scores` are the outputs whose largest value says it). A model is `safe` if rounding
    explains both. Raises StageError if the model does not give each example of a batch an answer of its own.
    """
    few = min(EXAMPLES_A_BATCH, largest)
    try:
        found = _compared(few, alone, _together(few, ask, inputs, alone, name), scores)
    except UnansweredError as error:
        raise StageError(f"{name} answers each example alone and no {few} together ({error}): {_NO_BATCH}") from None
    fits = LARGEST_BATCH_BYTES // max(1, message_bytes(part(inputs, 0, 1)))
    many = min(largest, LARGEST_BATCH, fits, examples_in(inputs))
    if not found["safe"] or many <= few:
        return found
    first = part(alone, 0, many)
    try:
        beyond = _compared(many, first, _together(many, ask, part(inputs, 0, many), first, name), scores)
    except UnansweredError:  # who wants so many served is told so there
        return found
    return {**found, "examples": many} if beyond["safe"] else beyond


def _together(size: int, ask: Ask, inputs: Tensors, alone: Tensors, name: str) -> dict[str, np.ndarray]:
    batches = [part(inputs, begin, begin + size) for begin in range(0, examples_in(inputs), size)]
    together = [ask(batch) for batch in batches]
    for batch, answers in zip(batches, together, strict=True):
        for output, answer in answers.items():
            wanted = (examples_in(batch), *alone[output].shape[1:])
            if answer.shape != wanted:
                raise StageError(
                    f"{name} answers {wanted[0]} examples together with {list(answer.shape)} values in {output}, and "
                    f"{list(wanted)} would be an answer for each: {_NO_BATCH}"
                )
    return {output: np.concatenate([answers[output] for answers in together]) for output in alone}


def _compared(size: int, alone: Tensors, together: Tensors, scores: tuple[str, ...]) -> Batch:
    difference = max(largest_difference(expected, together[output]) for output, expected in alone.items())
    beside_others = max(largest_beside_others(expected, together[output]) for output, expected in alone.items())
    if difference <= ROUNDING and beside_others > ROUNDING_OF_SMALL:
        difference = beside_others
    counts = unlike(alone, together, scores).values()
    return {
        "examples": size,
        "safe": difference <= ROUNDING,
        # Text that is another differs by no number.
        "difference": difference if np.isfinite(difference) else None,
        "other_class": sum(other for other, _ in counts),
        "rows": sum(of for _, of in counts),
    }
