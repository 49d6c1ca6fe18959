"""One's own examples as tests describe them: cats and dogs."""

from datasets import Dataset
from datasets.own import describe
from parameters.own import Description

CLASSES = ["cat", "dog"]


def description(format: str, shape: list[int], resize: bool = False) -> Description:  # noqa: A002  the parameter's name
    return Description.model_validate({"format": format, "shape": shape, "classes": CLASSES, "resize": resize})


def own(format: str, shape: list[int], resize: bool = False) -> Dataset:  # noqa: A002  the parameter's name
    return describe(description(format, shape, resize))
