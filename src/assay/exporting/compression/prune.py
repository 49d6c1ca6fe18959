"""Structured pruning: channels that contribute least are taken out of the layers, and the rest is trained on.

Filters are ranked by the sum of their absolute weights (Li et al. 2017, "Pruning Filters for
Efficient ConvNets"); a removed one is gone from its own layer and from the input of the next.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from assay.ground.process import StageError

# Layers that treat each channel by itself, and have no weights.
_PASSING = (
    layers.ReLU,
    layers.Activation,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.Identity,
)


def chain(model: keras.Model) -> list[layers.Layer]:
    """Return the layers of a model in which each feeds the next alone, those of models inside it among them.

    Raises StageError where the model has another form.
    """
    found: list[layers.Layer] = []
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += chain(layer)
        elif not isinstance(layer, layers.InputLayer):
            uses = [node for node in nodes if node.operation is layer]
            if len(uses) != 1 or len(uses[0].input_tensors) != 1:
                raise StageError(f"{layer.name} has several inputs or uses: only a chain of layers can be pruned")
            found.append(layer)
    return found


def strongest(weights: np.ndarray, remove: float) -> np.ndarray:
    """Return the sorted indices of the channels, on the last axis, that stay when a share of them goes."""
    count = weights.shape[-1]
    strengths = np.abs(weights).reshape(-1, count).sum(axis=0)
    kept = max(1, count - round(remove * count))
    return np.sort(np.argsort(-strengths, kind="stable")[:kept])


def pruned(model: keras.Model, remove: float) -> keras.Model:
    """Return the model with a share of the channels of every layer but the last taken out, weights kept.

    Raises StageError for a model with layers that are not known here.
    """
    every = chain(model)
    # Others only gave names to the outputs of models inside this one.
    every = [layer for layer in every if layer is every[-1] or not isinstance(layer, layers.Identity)]
    last = next(index for index, layer in reversed(list(enumerate(every))) if layer.weights)
    x = inputs = keras.Input(model.input.shape[1:], dtype=model.input.dtype, name=model.input.name)
    kept: np.ndarray | None = None  # channels of the layer before; None is all of them
    for index, layer in enumerate(every):
        changed, weights, kept = _without(layer, kept, remove if index < last else 0.0)
        x = changed(x)
        if weights:
            changed.set_weights(weights)
    return keras.Model(inputs, x, name=model.name)


def _without(
    layer: layers.Layer, kept: np.ndarray | None, remove: float
) -> tuple[layers.Layer, list[np.ndarray], np.ndarray | None]:
    """Return a layer without some of its inputs and channels, its weights, and which channels stayed."""
    config: dict[str, Any] = layer.get_config()
    if isinstance(layer, layers.Conv2D | layers.Dense):
        kernel, *bias = layer.get_weights()
        stays = strongest(kernel, remove)
        if kept is not None:
            kernel = np.take(kernel, kept, axis=-2)
        config["filters" if isinstance(layer, layers.Conv2D) else "units"] = len(stays)
        return layer.__class__.from_config(config), [each[..., stays] for each in (kernel, *bias)], stays
    if isinstance(layer, layers.BatchNormalization):
        weights = layer.get_weights()
        return layer.__class__.from_config(config), [w if kept is None else w[kept] for w in weights], kept
    if isinstance(layer, layers.Flatten | layers.Reshape):
        if len(layer.output.shape) != 2:
            raise StageError(f"{layer.name}: only a reshape to rows can be pruned")
        places, channels = int(np.prod(layer.input.shape[1:-1])), layer.input.shape[-1]
        rows = None if kept is None else (np.arange(places)[:, np.newaxis] * channels + kept).reshape(-1)
        return layers.Flatten(name=layer.name), [], rows
    if isinstance(layer, _PASSING) or (isinstance(layer, layers.Rescaling) and kept is None):
        return layer.__class__.from_config(config), [], kept
    raise StageError(f"{layer.name} is a {type(layer).__name__}, which pruning does not know")
