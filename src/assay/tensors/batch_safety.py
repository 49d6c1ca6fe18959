"""Whether what else is in a batch changes an answer, as where values are quantised with the range of the whole."""

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.ground.process import StageError
from assay.tensors.parity import ROUNDING, largest_difference

# So many different examples together show what neighbours do, and every model of a free batch axis takes them.
EXAMPLES_A_BATCH = 4


def batch_safety(
    ask: Callable[[np.ndarray], np.ndarray], x: np.ndarray, alone: np.ndarray, name: str
) -> dict[str, Any]:
    """Return how answers to different examples [N, …] asked four at a time differ from those to each alone, [N, …].

    `difference` is the largest of values, as a share of the largest answer where that exceeds 1; `other_class` counts
    the examples whose largest value is another one. A model is `safe` if neither is more than rounding. Raises
    StageError if the model does not give each example of a batch an answer of its own.
    """
    batches = [x[begin : begin + EXAMPLES_A_BATCH] for begin in range(0, len(x), EXAMPLES_A_BATCH)]
    together = [ask(batch) for batch in batches]
    for batch, answer in zip(batches, together, strict=True):
        if answer.shape != (wanted := (len(batch), *alone.shape[1:])):
            raise StageError(
                f"{name} answers {len(batch)} examples together with {list(answer.shape)} values, and {list(wanted)} "
                "would be an answer for each: it cannot be batched"
            )
    answers = np.concatenate(together)
    difference = largest_difference(alone, answers)
    return {
        "examples": EXAMPLES_A_BATCH,
        "safe": difference <= ROUNDING,
        "difference": difference,
        "other_class": int(np.count_nonzero(likeliest(answers) != likeliest(alone))),
    }


def likeliest(answers: np.ndarray) -> np.ndarray:
    """Return for each of N answers where its largest value is, [N]."""
    return np.asarray(answers.reshape(len(answers), -1).argmax(axis=1))
