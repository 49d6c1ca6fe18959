"""Whether a model is a classifier of the examples of a dataset."""

from collections.abc import Callable, Sequence

import numpy as np

from datasets import Dataset
from runtime.process import StageError
from server.model_config import ModelShape, TensorShape


def check_classifies(what: str, shape: ModelShape, dataset: Dataset) -> None:
    """Raise StageError unless a model takes an example of the dataset in params.yaml, and scores each of its classes.

    The type that it takes is not looked at.
    """
    takes, gives = _shown(shape.inputs), _shown(shape.outputs)
    example, scores = str(list(dataset.shape)), str([len(dataset.classes)])
    if (takes, gives) != (example, scores):
        raise StageError(
            f"{what} takes {takes} and gives {gives}; for dataset {dataset.name}, which params.yaml "
            f"names, it must take {example} and give a score for each class, {scores}"
        )


def answers_alone(ask: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the scores [N, classes] of examples [N, …], each asked alone: neighbours may change an answer."""
    return np.concatenate([ask(example[np.newaxis]) for example in x])


def _shown(tensors: Sequence[TensorShape]) -> str:
    return " and ".join(str(list(each.dims)) for each in tensors) or "nothing"
