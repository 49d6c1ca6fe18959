"""Fit a Keras model, recording its curves and showing its progress."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import keras
import numpy as np
from dvclive.keras import DVCLiveCallback
from dvclive.live import Live

from training.progress import ProgressLine

if TYPE_CHECKING:
    Arrays = tuple[np.ndarray, np.ndarray]


class FitSettings(Protocol):
    """What a hyperparameter section must say for `fit`."""

    epochs: int
    batch_size: int


def fit(
    model: keras.Model,
    train: "Arrays | keras.utils.PyDataset",
    validation: "Arrays",
    settings: FitSettings,
    folder: Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Fit a compiled model and write its curves with DVCLive below `folder`.

    `train` are arrays, shuffled anew every epoch, or batches that are made while training.
    """
    examples = {"x": train} if isinstance(train, keras.utils.PyDataset) else dict(zip("xy", train, strict=True))
    batches = {} if isinstance(train, keras.utils.PyDataset) else {"batch_size": settings.batch_size}
    # dvc.yaml already names the curves; DVCLive must not edit it.
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        model.fit(
            **examples,
            **batches,
            validation_data=validation,
            epochs=settings.epochs,
            verbose=0,
            callbacks=[DVCLiveCallback(live=live), ProgressLine(model.name, settings.epochs), *callbacks],
        )
