"""Compile and fit Keras models, recording curves and showing progress."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import keras
import numpy as np
from dvclive.keras import DVCLiveCallback
from dvclive.live import Live

from assay.learning.training.progress import ProgressLine

if TYPE_CHECKING:
    Arrays = tuple[np.ndarray, np.ndarray]

# So many steps follow each other inside TensorFlow before Python is asked again: the same
# steps in the same order, without what Python costs between them.
STEPS_PER_EXECUTION = 16


class FitSettings(Protocol):
    """What a hyperparameter section must say for `fit`."""

    epochs: int
    batch_size: int


def compile_network(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss | str,
    metrics: Sequence[str] = (),
) -> None:
    """Compile a model such that its training step is traced once."""
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics), steps_per_execution=STEPS_PER_EXECUTION)
    # An optimizer that makes its variables in the first step has that step traced twice.
    optimizer.build(model.trainable_variables)


def compile_classifier(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile a model whose outputs [N, classes] are logits, for labels [N]."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compile_network(model, optimizer, loss, ["accuracy"])


def fit(
    model: keras.Model,
    train: "Arrays | keras.utils.PyDataset",
    validation: "Arrays",
    settings: FitSettings,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Fit a compiled model, saying how far it has come.

    `train` are arrays, shuffled anew every epoch, or batches that are made while training.
    """
    examples = {"x": train} if isinstance(train, keras.utils.PyDataset) else dict(zip("xy", train, strict=True))
    batches = {} if isinstance(train, keras.utils.PyDataset) else {"batch_size": settings.batch_size}
    model.fit(
        **examples,
        **batches,
        validation_data=validation,
        epochs=settings.epochs,
        verbose=0,
        callbacks=[ProgressLine(model.name, settings.epochs), *callbacks],
    )


def fit_recording(
    model: keras.Model,
    train: "Arrays | keras.utils.PyDataset",
    validation: "Arrays",
    settings: FitSettings,
    folder: Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Fit a compiled model, and write its curves with DVCLive below `folder`."""
    # dvc.yaml already names the curves; DVCLive must not edit it.
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        fit(model, train, validation, settings, callbacks=[DVCLiveCallback(live=live), *callbacks])
