"""The model as it was trained, in 32-bit floats."""

from pathlib import Path

import onnx

from quiet import quiet_tensorflow
from variants import Variant

# What opsets up to 18 need; the native backend of Triton 24.10 (ONNX Runtime
# 1.19) reads up to 10.
IR_VERSION = 8


def in_order_of_use(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name and sort the initializers by first use.

    tf2onnx numbers them differently every time; equal models must be equal files,
    or retraining to the same weights would measure every configuration again.
    """
    graph = model.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    used = [name for node in graph.node for name in node.input if name in initializers]
    new_names = {old: f"constant_{index}" for index, old in enumerate(dict.fromkeys(used))}
    for node in graph.node:
        node.input[:] = [new_names.get(name, name) for name in node.input]
    ordered = [initializers[old] for old in new_names]
    for tensor in ordered:
        tensor.name = new_names[tensor.name]
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in ordered]
    del graph.initializer[:]
    graph.initializer.extend(copies)
    return model


def export(path: Path, opset: int) -> onnx.ModelProto:
    """Convert a saved functional Keras model with one input and one output."""
    import keras
    import tensorflow as tf
    import tf2onnx

    model = keras.models.load_model(path)
    (output_name,) = model.output_names
    signature = [tf.TensorSpec((None, *model.input.shape[1:]), tf.float32, name=model.input.name)]

    # tf2onnx.convert.from_keras knows Keras 2 only; a traced function is the way for Keras 3.
    def forward(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output_name: model(inputs, training=False)}

    with quiet_tensorflow():
        traced = tf.function(forward, input_signature=signature, autograph=False)
        converted, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=opset)
    converted.ir_version = IR_VERSION
    return in_order_of_use(converted)


VARIANT = Variant(export=export)
