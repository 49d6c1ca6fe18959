"""The smallest neural baseline: one hidden layer on whatever an example has."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained
from assay.params.cells import CLASSIFIER
from assay.params.section import Section


class Hyperparameters(Section):
    """models.mlp in params.yaml."""

    hidden_width: Annotated[int, Field(ge=1, le=65_536)] = 64
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:
    """Train with Adam on standardised inputs."""
    import keras
    from keras import layers

    from assay.learning.training.fit import compile_classifier, fit_recording
    from assay.learning.training.standardised import standardised

    example = keras.Input(dataset.shape, dtype=dataset.dtype, name="example")
    x = layers.Flatten()(standardised(splits["train"][0])(example))
    x = layers.Dense(hyperparameters.hidden_width, activation="relu")(x)
    classifier = keras.Model(example, layers.Dense(len(dataset.classes), name="logits")(x), name=CLASSIFIER)
    compile_classifier(classifier, keras.optimizers.Adam(hyperparameters.learning_rate))
    fit_recording(classifier, splits["train"], splits["validation"], hyperparameters, curves / CLASSIFIER)
    return Trained({CLASSIFIER: classifier})


FAMILY = Family(framework="keras_model", hyperparameters=Hyperparameters, refuses=lambda _: None, train=train)
