"""The model as it was trained, in 32-bit floats."""

from pathlib import Path

import onnx

from variants import Variant

# The newest the native backend of Triton 24.10 (ONNX Runtime 1.19) reads is 10;
# 8 is what opsets up to 18 need.
IR_VERSION = 8


def export(path: Path, opset: int) -> onnx.ModelProto:
    """Convert a saved functional Keras model with one input and one output."""
    import keras
    import tensorflow as tf
    import tf2onnx

    model = keras.models.load_model(path)
    signature = [tf.TensorSpec((None, *model.input.shape[1:]), tf.float32, name=model.input.name)]

    # tf2onnx.convert.from_keras knows Keras 2 only; a traced function is the way for Keras 3.
    @tf.function(input_signature=signature)
    def forward(inputs: tf.Tensor) -> tf.Tensor:
        return tf.identity(model(inputs, training=False), name=OUTPUT_NAMES.get(model.name, model.name))

    converted, _ = tf2onnx.convert.from_function(forward, input_signature=signature, opset=opset)
    converted.ir_version = IR_VERSION
    return converted


VARIANT = Variant(export=export)
