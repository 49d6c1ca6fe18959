"""Pixels, stored as bytes, on the scale from 0 to 1 on which images are learned and shown."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

LARGEST = 255


def scaling() -> "keras.layers.Layer":
    """Return a layer that brings pixels uint8 [N, …] to float32 from 0 to 1: a model's first."""
    from keras import layers

    # With three axes: by a number without, ONNX Runtime multiplies the pixels of a grey image one after the other.
    return layers.Rescaling([[[1 / LARGEST]]], name="scaled")


def scaled(pixels: np.ndarray) -> np.ndarray:
    """Return pixels uint8 [N, …] as float32 from 0 to 1, to be compared with what a model gives."""
    return pixels.astype(np.float32) / np.float32(LARGEST)
