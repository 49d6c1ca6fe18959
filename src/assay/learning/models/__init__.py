"""What can be trained: one module a model family, each with a `FAMILY`.

Modules import their framework inside functions: the schema of params.yaml needs their
hyperparameters in stages that must not wait for TensorFlow.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.params import plugins
from assay.params.section import Section

if TYPE_CHECKING:
    from assay.learning.datasets import Dataset

Splits = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Trained:
    """What a family's `train` returns.

    `exports` are models of the family's framework by name, `classifier` among them: from
    examples [N, *shape] as the dataset stores them, pixels uint8 or features float32, to a
    score for each class [N, classes] float32, the largest for the predicted one. One that was brought is
    called `model`, and takes and gives what it likes. `scores` are
    numbers beyond the classifier's own, measured on the validation and test splits. `inputs`
    are test inputs, float32 [N, …], of exports that take something else than the dataset's
    examples.
    """

    exports: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """A kind of model: its section of params.yaml, its framework, and how it is trained.

    `refuses` gives the reason why a dataset is impossible, or None. `train` takes
    the splits, the dataset, the family's section and a folder for curves. One that is `brought` has been
    trained elsewhere and comes with its own examples: it has no use for a dataset, and its `train` gets no splits.
    """

    framework: str
    hyperparameters: type[Section]
    refuses: Callable[["Dataset"], str | None]
    train: Callable[[Splits, "Dataset", Any, Path], Trained]
    brought: bool = False


def refuses_but_images(dataset: "Dataset", smallest: int) -> str | None:
    """Return why a dataset has no images of at least so many pixels in height and width, or None."""
    if len(dataset.shape) == 3 and min(dataset.shape[:2]) >= smallest:
        return None
    return f"it takes images of at least {smallest}x{smallest} and an example there has the shape {dataset.shown_shape}"


def get(name: str) -> Family:
    """Return the model family called `name`."""
    family: Family = plugins.load(sys.modules[__name__], name, "FAMILY")
    return family
