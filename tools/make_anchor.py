"""Write triton/anchor/: the frozen model that every measurement is compared with.

A small convolutional network with fixed random weights, for what matters is that
its work never changes, and the digits it is asked about. Kept to show where the
anchor comes from; running it again with another release of numpy or onnx may
give other bytes, and every ratio measured before would lose its meaning. Its
requests were written before they said their shapes; the values are the same.

Run     python tools/make_anchor.py
"""

from assay.ground.stage import run_stage

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assay.ground.files import replacing, write_text
from assay.ground.paths import ROOT
from assay.learning.datasets import digits
from assay.learning.loading import load
from assay.load.input_data import write_input_data
from assay.serving.model_config import ModelShape, render, serving_config

ANCHOR = ROOT / "triton" / "anchor"
IMAGES = 32


def build() -> onnx.ModelProto:
    """Return image [N, 28, 28, 1] -> logits [N, 10]: two convolutions and a dense layer."""
    random = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return numpy_helper.from_array(random.normal(0, scale, shape).astype(np.float32), name)

    shape = numpy_helper.from_array(np.array([-1, 1, 28, 28], np.int64), "channels_first")
    nodes = [
        helper.make_node("Reshape", ["image", "channels_first"], ["planes"]),
        helper.make_node("Conv", ["planes", "first"], ["a"], kernel_shape=[5, 5]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["c", "second"], ["d"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("MaxPool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["f"], ["g"]),
        helper.make_node("Gemm", ["g", "dense"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "anchor",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 28, 28, 1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [shape, weights("first", 8, 1, 5, 5), weights("second", 16, 8, 3, 3), weights("dense", 10, 16 * 5 * 5)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    model = build()
    with replacing(ANCHOR / "1" / "model.onnx") as partial:
        onnx.save(model, partial)
    config = serving_config("anchor", ModelShape.of(model), threads=1)
    write_text(ANCHOR / "config.pbtxt", render(config))
    images = load(digits.DATASET, ROOT / "datasets" / "digits").x
    scaled = images[:IMAGES].astype(np.float32) / np.float32(255)
    write_input_data(ANCHOR / "input_data.json", {"image": scaled})


if __name__ == "__main__":
    run_stage(main)
