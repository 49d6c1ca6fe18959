"""One's own examples as tests describe them: cats and dogs."""

from pathlib import Path

import pytest

from assay.ground.process import StageError
from assay.learning.datasets import Dataset
from assay.learning.datasets.own import describe
from assay.learning.loading import load
from assay.params.own import Description

CLASSES = ["cat", "dog"]


def description(format: str, shape: list[int], resize: bool = False) -> Description:  # noqa: A002  the parameter's name
    return Description.model_validate({"format": format, "shape": shape, "classes": CLASSES, "resize": resize})


def own(format: str, shape: list[int], resize: bool = False) -> Dataset:  # noqa: A002  the parameter's name
    return describe(description(format, shape, resize))


def refusal(folder: Path, text: str | bytes, features: int = 2) -> str:
    """Return how a table of cats and dogs is refused, without its name."""
    (folder / "own.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(StageError) as raised:
        load(own("csv", [features]), folder)
    return str(raised.value).removeprefix(f"{folder.name}/own.csv ")
