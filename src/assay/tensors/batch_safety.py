"""Whether what else is in a batch changes an answer, as where values are quantised with the range of the whole."""

import numpy as np

from assay.ground.process import StageError
from assay.ground.records.prepared import Batch
from assay.tensors.named import Ask, Tensors, examples_in, part
from assay.tensors.parity import ROUNDING, ROUNDING_OF_SMALL, UnansweredError, largest_beside_others, largest_difference
from assay.tensors.rows import unlike

# So many different examples together show what neighbours do, and every model of a free batch axis takes them.
EXAMPLES_A_BATCH = 4
_NO_BATCH = (
    "its first axis is free in the file and no batch; fix it there, and it is served without batches: "
    "python -m onnxruntime.tools.make_dynamic_shape_fixed --dim_param AXIS --dim_value 1 model.onnx fixed.onnx"
)


def batch_safety(ask: Ask, inputs: Tensors, alone: Tensors, scores: tuple[str, ...], name: str) -> Batch:
    """Return how answers to different examples asked four at a time differ from those to each alone.

    `difference` is the largest of values in any output, as a share of its magnitude, or, where that is no more than
    rounding and beside larger values there is more, of what stands in the same place; `other_class` counts the `rows`
    that say something else (`scores` are the outputs whose largest value says it). A model is `safe` if rounding
    explains both. Raises StageError if the model does not give each example of a batch an answer of its own.
    """
    batches = [
        part(inputs, begin, begin + EXAMPLES_A_BATCH) for begin in range(0, examples_in(inputs), EXAMPLES_A_BATCH)
    ]
    together = [_asked(ask, batch, name) for batch in batches]
    for batch, answers in zip(batches, together, strict=True):
        for output, answer in answers.items():
            wanted = (examples_in(batch), *alone[output].shape[1:])
            if answer.shape != wanted:
                raise StageError(
                    f"{name} answers {wanted[0]} examples together with {list(answer.shape)} values in {output}, and "
                    f"{list(wanted)} would be an answer for each: {_NO_BATCH}"
                )
    joined = {output: np.concatenate([answers[output] for answers in together]) for output in alone}
    difference = max(largest_difference(expected, joined[output]) for output, expected in alone.items())
    beside_others = max(largest_beside_others(expected, joined[output]) for output, expected in alone.items())
    if difference <= ROUNDING and beside_others > ROUNDING_OF_SMALL:
        difference = beside_others
    counts = unlike(alone, joined, scores).values()
    return {
        "examples": EXAMPLES_A_BATCH,
        "safe": difference <= ROUNDING,
        # Text that is another differs by no number.
        "difference": difference if np.isfinite(difference) else None,
        "other_class": sum(other for other, _ in counts),
        "rows": sum(of for _, of in counts),
    }


def _asked(ask: Ask, batch: Tensors, name: str) -> Tensors:
    try:
        return ask(batch)
    except UnansweredError as error:
        raise StageError(
            f"{name} answers each example alone and no {examples_in(batch)} together ({error}): {_NO_BATCH}"
        ) from None
