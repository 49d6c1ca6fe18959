"""Whether a variant's answers are any good: as the labels say, or as the model that it was made of does."""

from typing import Any

from assay.exporting.source import Source
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.scoring.agreement import agreement
from assay.scoring.classification import class_scores, correctness
from assay.tensors.named import Tensors, is_finite


def check_answers(called: str, expected: Tensors, answers: Tensors) -> None:
    """Raise StageError unless a variant answers as many numbers as the model that it was made of, and finite ones."""
    for output, answer in answers.items():
        if not is_finite(answer):
            whose = (
                f"{called}, where those of the model that it was made of are finite; leave that variant out of "
                "onnx.variants"
                if is_finite(expected[output])
                else f"{called}, as they are of the model that it was made of: there is nothing to compare them with"
            )
            raise StageError(f"values of {printable(output)} are no numbers (NaN), or infinite, of {whose}")
        if answer.shape != (wanted := expected[output].shape):
            raise StageError(
                f"{called} answers {len(answer)} examples with {list(answer.shape)} values, "
                f"the model that it was made of with {list(wanted)}"
            )


def quality(source: Source, expected: Tensors, answers: Tensors, scores: tuple[str, ...]) -> dict[str, Any]:
    """Return what is recorded of the measured export: how far it agrees with what came, and which labels it gives."""
    found: dict[str, Any] = {}
    if source.framework.as_it_came:
        found["agreement"] = agreement(expected, answers, scores)
    labels = source.test_labels()
    if labels is not None:
        found |= correctness(class_scores(answers, scores), labels)
    return found
