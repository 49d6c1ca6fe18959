"""Functional Keras models on TensorFlow, saved as .keras, converted by tf2onnx."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from assay.ground.files import reading
from assay.ground.process import StageError
from assay.ground.quiet import load_tensorflow, quiet_tensorflow
from assay.learning.frameworks import Framework
from assay.tensors.named import Tensors, only
from assay.tensors.releases import IR_VERSION

if TYPE_CHECKING:
    import keras

# Of 100 conversions of one model about 4 come out with other nodes, each of them rare: TensorFlow
# leaves a constant unfolded, tf2onnx removes one transposition more or less. Equal models must be
# equal files, so the first form that came out three times is taken.
AGREEING, ATTEMPTS = 3, 20

_COUNTER = re.compile(r"__\d+$")


def with_stable_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Number nodes, values and weights by their order instead of by tf2onnx's counters.

    Those differ every time; equal models must be equal files, or retraining to the
    same weights would measure every configuration again. Layers stay in the names.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    used = dict.fromkeys(name for node in graph.node for name in node.input if name in weights)
    kept = {value.name for value in (*graph.input, *graph.output)}
    new_names = {name: f"constant.{index}" for index, name in enumerate(used)}
    for index, node in enumerate(graph.node):
        node.name = f"{_COUNTER.sub('', node.name)}.{index}"
        values = [name for name in node.output if name not in kept]
        new_names |= {name: f"{node.name}:{position}" for position, name in enumerate(values)}
    for node in graph.node:
        node.input[:] = [new_names.get(name, name) for name in node.input]
        node.output[:] = [new_names.get(name, name) for name in node.output]
    ordered = [onnx.TensorProto.FromString(weights[name].SerializeToString()) for name in used]
    for tensor in ordered:
        tensor.name = new_names[tensor.name]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(ordered)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.doc_string = model.doc_string = ""
    return model


def usual_form(convert: Callable[[], onnx.ModelProto]) -> onnx.ModelProto:
    """Convert until one form came out `AGREEING` times, and return it; raises StageError if none does."""
    seen = Counter[bytes]()
    for _attempt in range(ATTEMPTS):
        model = with_stable_names(convert())
        form = model.SerializeToString(deterministic=True)
        seen[form] += 1
        if seen[form] == AGREEING:
            return model
    raise StageError(f"{ATTEMPTS} conversions of one model to ONNX gave {len(seen)} different graphs")


def make_deterministic(seed: int) -> None:
    """Seed Python's, NumPy's and TensorFlow's generators, and compute in one order."""
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def save(model: "keras.Model", path: Path) -> None:
    """Write a model."""
    model.save(path)


def load(path: Path) -> "keras.Model":
    """Read a model."""
    load_tensorflow()
    import keras

    with reading(path, "a Keras model"):
        return keras.models.load_model(path)


def answer(model: "keras.Model", inputs: Tensors) -> Tensors:
    """Return the output for a batch."""
    (name,) = model.output_names
    return {name: np.asarray(model.predict(only(inputs), verbose=0))}


def to_onnx(model: "keras.Model", opset: int, path: Path) -> None:
    """Convert a model with one input and one output, and write the file."""
    load_tensorflow()
    import tensorflow as tf

    with quiet_tensorflow():
        import tf2onnx

    (output_name,) = model.output_names
    signature = [tf.TensorSpec((None, *model.input.shape[1:]), model.input.dtype, name=model.input.name)]

    # tf2onnx.convert.from_keras knows Keras 2 only; a traced function is the way for Keras 3.
    def forward(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output_name: model(inputs, training=False)}

    def convert() -> onnx.ModelProto:
        converted: onnx.ModelProto = tf2onnx.convert.from_function(traced, input_signature=signature, opset=opset)[0]
        return converted

    with quiet_tensorflow():
        traced = tf.function(forward, input_signature=signature, autograph=False)
        converted = usual_form(convert)
    converted.ir_version = IR_VERSION
    onnx.save(converted, path)


FRAMEWORK = Framework(".keras", make_deterministic, save, load, answer, to_onnx)
