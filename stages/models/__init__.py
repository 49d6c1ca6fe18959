"""What can be trained: one module a model family, each with a `FAMILY`.

Modules import Keras inside functions: the schema of params.yaml needs their
hyperparameters in stages that must not wait for TensorFlow.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets import Dataset
from parameters import plugins
from parameters.section import Section

if TYPE_CHECKING:
    import keras

# The export that every family has; it is the one whose serving is measured.
CLASSIFIER = "classifier"

Splits = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Trained:
    """What a family's `train` returns.

    `exports` are functional Keras models by name, `classifier` among them: inputs
    [N, *shape] float32, class logits [N, classes] float32. `metrics` are numbers
    measured on splits that training did not fit.
    """

    exports: dict[str, "keras.Model"]
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Family:
    """A kind of model: its section of params.yaml and how it is trained.

    `refuses` gives the reason why a dataset is impossible, or None. `train` takes
    the splits, the dataset, the family's section and a folder for curves.
    """

    hyperparameters: type[Section]
    refuses: Callable[[Dataset], str | None]
    train: Callable[[Splits, Dataset, Any, Path], Trained]


def get(name: str) -> Family:
    """Return the model family called `name`."""
    family: Family = plugins.load(sys.modules[__name__], name, "FAMILY")
    return family
