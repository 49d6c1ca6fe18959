"""Whether a model is a classifier of the examples of a dataset."""

from collections.abc import Sequence

from assay.ground.process import StageError
from assay.learning.datasets import Dataset
from assay.serving.model_config import ModelShape, TensorShape


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


def _shown(tensors: Sequence[TensorShape]) -> str:
    return " and ".join(str(list(each.dims)) for each in tensors) or "nothing"
