"""A convolutional autoencoder, then a linear classifier on its frozen encoder.

With hidden width h, the encoder narrows 28x28 -> 24 -> 12 -> 10 -> 5 -> 3 -> 1
while the channels grow h/8, h/4, h/2, h (rounded up); the decoder mirrors it.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from assay.ground.paths import RECONSTRUCTIONS
from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained
from assay.params.cells import CLASSIFIER
from assay.params.section import Section

if TYPE_CHECKING:
    import keras

SHAPE = (28, 28, 1)


class Fit(Section):
    """One run of Adam."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 60
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001


class HeadFit(Fit):
    """The same for the head, which learns faster."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.01


class Hyperparameters(Section):
    """models.autoencoder in params.yaml."""

    hidden_width: Annotated[int, Field(ge=1, le=4096)] = 32
    reconstruction: Fit = Fit()
    head: HeadFit = HeadFit()


def refuses(dataset: Dataset) -> str | None:
    """Return why the dataset does not fit the encoder, or None."""
    if dataset.shape == SHAPE:
        return None
    return f"it takes 28x28x1 images and an example there has the shape {dataset.shown_shape}"


def build_encoder(hidden_width: int) -> "keras.Model":
    """Return images uint8 [N, 28, 28, 1] -> latents [N, hidden_width], linear at the end."""
    import keras
    from keras import layers

    from assay.learning.training.pixels import scaling

    eighth, quarter, half = (math.ceil(hidden_width / part) for part in (8, 4, 2))
    image = keras.Input(SHAPE, dtype="uint8", name="image")
    x = layers.Conv2D(eighth, 5, activation="relu")(scaling()(image))
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(quarter, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(half, 3, activation="relu")(x)
    x = layers.Conv2D(hidden_width, 3)(x)
    return keras.Model(image, layers.Reshape((hidden_width,), name="latent")(x), name="encoder")


def build_decoder(hidden_width: int) -> "keras.Model":
    """Return latents [N, hidden_width] -> images [N, 28, 28, 1] from 0 to about 1, never negative."""
    import keras
    from keras import layers

    eighth, quarter, half = (math.ceil(hidden_width / part) for part in (8, 4, 2))
    latent = keras.Input((hidden_width,), name="latent")
    x = layers.Reshape((1, 1, hidden_width))(latent)
    x = layers.Conv2DTranspose(half, 3, activation="relu")(x)
    x = layers.Conv2DTranspose(quarter, 3, activation="relu")(x)
    x = layers.Conv2DTranspose(quarter, 2, strides=2)(x)
    x = layers.Conv2DTranspose(eighth, 3, activation="relu")(x)
    x = layers.Conv2DTranspose(eighth, 2, strides=2)(x)
    # Half grey to begin with: from zero, the ReLU may never let a gradient through.
    start = keras.initializers.Constant(0.5)
    x = layers.Conv2DTranspose(1, 5, activation="relu", bias_initializer=start)(x)
    return keras.Model(latent, x, name="decoder")


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:
    """Train the autoencoder on images alone, then the head on fixed latents."""
    import keras

    from assay.learning.training.fit import compile_classifier, compile_network, fit_recording
    from assay.learning.training.pixels import scaled
    from assay.learning.training.reconstructions import Reconstructions

    (x_train, y_train), (x_validation, y_validation), (x_test, _) = splits.values()
    encoder = build_encoder(hyperparameters.hidden_width)
    decoder = build_decoder(hyperparameters.hidden_width)
    image = encoder.input
    # An Identity gives the output the name under which it is exported and served.
    reconstruction = keras.layers.Identity(name="reconstruction")(decoder(encoder(image)))
    autoencoder = keras.Model(image, reconstruction, name="autoencoder")
    adam = keras.optimizers.Adam
    compile_network(autoencoder, adam(hyperparameters.reconstruction.learning_rate), "mean_squared_error")
    pictures = Reconstructions(x_validation, y_validation, dataset.classes, curves / RECONSTRUCTIONS.name)
    fit_recording(
        autoencoder,
        (x_train, scaled(x_train)),
        (x_validation, scaled(x_validation)),
        hyperparameters.reconstruction,
        curves / "reconstruction",
        callbacks=[pictures],
    )

    # The encoder is frozen, so each latent is computed once instead of every epoch.
    latents = {name: encoder.predict(x, verbose=0) for name, (x, _) in splits.items()}
    latent = keras.Input((hyperparameters.hidden_width,), name="latent")
    dense = keras.layers.Dense(len(dataset.classes))
    head = keras.Model(latent, keras.layers.Identity(name="logits")(dense(latent)), name="head")
    compile_classifier(head, adam(hyperparameters.head.learning_rate))
    fit_recording(
        head,
        (latents["train"], y_train),
        (latents["validation"], y_validation),
        hyperparameters.head,
        curves / CLASSIFIER,
    )

    logits = keras.layers.Identity(name="logits")(head(encoder(image)))
    classifier = keras.Model(image, logits, name=CLASSIFIER)
    measured = {"validation": x_validation, "test": x_test}
    errors = {name: np.mean((autoencoder.predict(x, verbose=0) - scaled(x)) ** 2) for name, x in measured.items()}
    return Trained(
        exports={CLASSIFIER: classifier, "autoencoder": autoencoder, "head": head},
        scores={name: {"reconstruction_mse": float(error)} for name, error in errors.items()},
        inputs={"head": latents["test"]},
    )


FAMILY = Family(framework="keras_model", hyperparameters=Hyperparameters, refuses=refuses, train=train)
