"""Three convolutions with batch normalisation and a wide dense layer, for small colour images.

conv 3x3 to w, 2w and 4w channels, each with batch normalisation, ReLU and pooling, then dense and
dropout; Adam whose rate falls in steps, images flipped and shifted.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained, refuses_but_images
from assay.params.cells import CLASSIFIER
from assay.params.section import Section

# Three halvings must leave a pixel.
SMALLEST = 8


class Hyperparameters(Section):
    """models.cifar_cnn in params.yaml."""

    width: Annotated[int, Field(ge=1, le=1024)] = 32
    dense_width: Annotated[int, Field(ge=1, le=65_536)] = 512
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 40
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 128
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    decay_epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    decay: Annotated[float, Field(gt=0, le=1)] = 0.1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    shift: Annotated[int, Field(ge=0, le=SMALLEST - 1)] = 4


def refuses(dataset: Dataset) -> str | None:
    """Return why the dataset does not fit the convolutions, or None."""
    return refuses_but_images(dataset, SMALLEST)


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:
    """Train on standardised images, flipped and shifted anew in every epoch."""
    import keras
    from keras import layers

    from assay.learning.training.augment import FlippedAndCropped
    from assay.learning.training.fit import compile_classifier, fit_recording
    from assay.learning.training.standardised import standardised

    chosen = hyperparameters
    image = keras.Input(dataset.shape, dtype=dataset.dtype, name="image")
    x = standardised(splits["train"][0])(image)
    for factor in (1, 2, 4):
        x = layers.Conv2D(factor * chosen.width, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    x = layers.Dense(chosen.dense_width, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(chosen.dropout)(x)
    classifier = keras.Model(image, layers.Dense(len(dataset.classes), name="logits")(x), name=CLASSIFIER)
    # From the generator that the seed in params.yaml set up.
    seed = int(np.random.randint(2**31))
    batches = FlippedAndCropped(*splits["train"], chosen.batch_size, chosen.shift, seed)
    rate = keras.optimizers.schedules.ExponentialDecay(
        chosen.learning_rate, chosen.decay_epochs * len(batches), chosen.decay, staircase=True
    )
    compile_classifier(classifier, keras.optimizers.Adam(rate))
    fit_recording(classifier, batches, splits["validation"], chosen, curves / CLASSIFIER)
    return Trained({CLASSIFIER: classifier})


FAMILY = Family(framework="keras_model", hyperparameters=Hyperparameters, refuses=refuses, train=train)
