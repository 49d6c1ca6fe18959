"""The model as it was trained, in 32-bit floats."""

import re
from pathlib import Path

import onnx

from runtime.quiet import quiet_tensorflow
from variants import Variant

# What opsets up to 18 need; the native backend of Triton 24.10 (ONNX Runtime
# 1.19) reads up to 10.
IR_VERSION = 8
# TensorFlow folds a reshape's batch size into a constant in about 97 conversions of 100 and
# leaves it to be computed in the others. Equal models must be equal files: convert again.
ATTEMPTS = 8

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
        for _attempt in range(ATTEMPTS):
            converted, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=opset)
            if all(node.op_type != "Shape" for node in converted.graph.node):
                break
    converted.ir_version = IR_VERSION
    return with_stable_names(converted)


VARIANT = Variant(export=export)
