"""Two convolutions and two dense layers, as in many first lessons on MNIST; 21,840 parameters there.

conv 5x5 to 10 channels, pool, conv 5x5 to 20, dropout, pool, dense 50, dropout, dense; SGD with
momentum.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained, refuses_but_images
from assay.params.cells import CLASSIFIER
from assay.params.section import Section

# Two convolutions of five pixels, each followed by a halving, must leave a pixel.
SMALLEST = 16


class Hyperparameters(Section):
    """models.cnn in params.yaml."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.02
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


def refuses(dataset: Dataset) -> str | None:
    """Return why the dataset does not fit the convolutions, or None."""
    return refuses_but_images(dataset, SMALLEST)


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:
    """Train on standardised images."""
    import keras
    from keras import layers

    from assay.learning.training.fit import compile_classifier, fit_recording
    from assay.learning.training.standardised import standardised

    image = keras.Input(dataset.shape, dtype=dataset.dtype, name="image")
    x = standardised(splits["train"][0])(image)
    x = layers.Conv2D(10, 5)(x)
    x = layers.ReLU()(layers.MaxPooling2D()(x))
    x = layers.Conv2D(20, 5)(x)
    x = layers.SpatialDropout2D(hyperparameters.dropout)(x)
    x = layers.ReLU()(layers.MaxPooling2D()(x))
    x = layers.Dense(50, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(hyperparameters.dropout)(x)
    classifier = keras.Model(image, layers.Dense(len(dataset.classes), name="logits")(x), name=CLASSIFIER)
    compile_classifier(classifier, keras.optimizers.SGD(hyperparameters.learning_rate, hyperparameters.momentum))
    fit_recording(classifier, splits["train"], splits["validation"], hyperparameters, curves / CLASSIFIER)
    return Trained({CLASSIFIER: classifier})


FAMILY = Family(framework="keras_model", hyperparameters=Hyperparameters, refuses=refuses, train=train)
