"""Inputs brought to mean 0 and standard deviation 1, as a part of the model itself."""

import keras
import numpy as np


def standardised(x: np.ndarray) -> keras.layers.Layer:
    """Return a layer that standardises by the training examples x [N, …]: channels of images, features of rows.

    It takes them as they are stored, bytes among them, and gives float32. A channel that never
    changes is only shifted.
    """
    axes = tuple(range(x.ndim - 1))
    mean, deviation = x.mean(axis=axes, dtype=np.float64), x.std(axis=axes, dtype=np.float64)
    scale = 1 / np.where(deviation > 0, deviation, 1)
    # With an axis for each of an example's: by one number alone, ONNX Runtime multiplies the
    # pixels of a grey image one after the other.
    factors, offsets = (each.reshape((1,) * (x.ndim - 2) + (-1,)).tolist() for each in (scale, -mean * scale))
    return keras.layers.Rescaling(factors, offsets, name="standardised")
