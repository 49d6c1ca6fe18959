"""What an ONNX model holds and computes, whoever wrote the file."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import linear_model, taking_bytes
from onnx import TensorProto, helper, numpy_helper

from assay.tensors.onnx_costs import costs

ONE_IMAGE = {"image": (1, 28, 28, 1)}
SPARSE = helper.make_sparse_tensor(
    numpy_helper.from_array(np.ones(1, np.float32), "few"), numpy_helper.from_array(np.zeros(1, np.int64), "at"), [9]
)


def costs_of(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return what a model costs, in a file, and see that it is the same with its weights beside that."""
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, path := Path(folder) / "model.onnx")
        found = costs(path, shapes)
        apart = onnx.ModelProto.FromString(model.SerializeToString())
        onnx.save(apart, path, save_as_external_data=True, location="weights", size_threshold=64)
        assert costs(path, shapes) == found
    return found


def test_costs_are_counted_from_the_file() -> None:
    """A matrix product of 784 by 10: so many weights and products; zeros are a share of the weights."""
    model = linear_model()
    found = costs_of(model, ONE_IMAGE)
    assert (found["weights"], found["macs"], found["sparsity"]) == (7840, 7840, 0)
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[:196] = 0
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    assert costs_of(model, ONE_IMAGE)["sparsity"] == pytest.approx(0.25)
    assert costs_of(taking_bytes(model), ONE_IMAGE) == costs_of(model, ONE_IMAGE)  # what scales pixels is no weight


def test_a_convolution_multiplies_once_a_weight_and_place() -> None:
    """2 to 4 channels, 3 by 3, on 6 by 6 places that become 4 by 4: 4 * 2 * 9 * 16 products; what has none has None."""
    kernel = numpy_helper.from_array(np.ones((4, 2, 3, 3), np.float32), "k")

    def graph(nodes: list[onnx.NodeProto], output: list[int | str], weights: list[onnx.TensorProto]) -> onnx.ModelProto:
        image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 6, 6])
        answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, output)
        return helper.make_model(
            helper.make_graph(nodes, "g", [image], [answer], weights), opset_imports=[helper.make_opsetid("", 17)]
        )

    convolution = graph([helper.make_node("Conv", ["x", "k"], ["y"])], ["batch", 4, 4, 4], [kernel])
    assert costs_of(convolution, {"x": (1, 2, 6, 6)}) == {"weights": 72, "sparsity": 0, "macs": 4 * 2 * 9 * 16}
    plain = graph([helper.make_node("Relu", ["x"], ["y"])], ["batch", 2, 6, 6], [])
    assert costs_of(plain, {"x": (1, 2, 6, 6)}) == {"weights": 0, "sparsity": None, "macs": None}


def test_what_may_multiply_otherwise_is_not_counted() -> None:
    """A recurrent layer, a graph within, another domain's operator: a part would be no figure of the whole."""
    model = linear_model()
    for node in (
        helper.make_node("LSTM", ["logits", "w", "w"], ["more"], hidden_size=2),
        helper.make_node("FusedMatMul", ["logits", "w"], ["more"], domain="com.microsoft"),
        helper.make_node("If", ["logits"], ["more"], then_branch=model.graph, else_branch=model.graph),
        helper.make_node("LinearRegressor", ["logits"], ["more"], domain="ai.onnx.ml", coefficients=[1.0] * 10),
        helper.make_node("Constant", [], ["more"], sparse_value=SPARSE),
    ):
        other = onnx.ModelProto()
        other.CopyFrom(model)
        other.graph.node.append(node)
        assert costs_of(other, ONE_IMAGE) == {"weights": None, "sparsity": None, "macs": None}
    model.graph.sparse_initializer.append(SPARSE)
    assert costs_of(model, ONE_IMAGE) == {"weights": None, "sparsity": None, "macs": None}


def test_a_scalar_input_costs_nothing() -> None:
    """It has no axis whose size could be asked."""
    model = linear_model()
    model.graph.input.append(helper.make_tensor_value_info("threshold", TensorProto.FLOAT, []))
    assert costs_of(model, {**ONE_IMAGE, "threshold": ()})["macs"] == 7840


def test_what_a_free_axis_costs_is_that_of_the_size_that_is_asked() -> None:
    """Three steps of a sequence multiply three times what one does; without a size nobody knows."""
    weights = numpy_helper.from_array(np.ones((4, 5), np.float32), "w")
    steps = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "steps", 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "steps", 5])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [steps], [answer], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    assert [costs_of(model, {"x": (1, steps, 4)})["macs"] for steps in (1, 3)] == [20, 60]
    assert costs_of(model, {})["macs"] is None


def product(
    nodes: list[onnx.NodeProto], stored: dict[str, np.ndarray], product: onnx.NodeProto | None = None
) -> onnx.ModelProto:
    """Return a model that multiplies x [batch, 6] with w [6, 4], which `nodes` make of what is stored."""
    node = product or helper.make_node("MatMul", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    constants = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    graph = helper.make_graph([*nodes, node], "g", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


WEIGHTS = np.arange(24, dtype=np.float32).reshape(6, 4)  # of which one is zero
AS_BYTES = (WEIGHTS + 7).astype(np.uint8)
POINT = {"scale": np.array(1, np.float32), "seven": np.array(7, np.uint8)}


@pytest.mark.parametrize(
    ("nodes", "stored"),
    [
        ([], {"w": WEIGHTS}),
        ([helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(WEIGHTS))], {}),
        ([helper.make_node("Transpose", ["turned"], ["w"])], {"turned": np.ascontiguousarray(WEIGHTS.T)}),
        ([helper.make_node("Cast", ["half"], ["w"], to=TensorProto.FLOAT)], {"half": WEIGHTS.astype(np.float16)}),
        (
            [helper.make_node("Reshape", ["flat", "shape"], ["w"])],
            {"flat": WEIGHTS.ravel(), "shape": np.array([6, 4])},
        ),
        ([helper.make_node("DequantizeLinear", ["bytes", "scale", "seven"], ["w"])], {"bytes": AS_BYTES, **POINT}),
        (
            [
                helper.make_node("QuantizeLinear", ["floats", "scale", "seven"], ["bytes"]),
                helper.make_node("DequantizeLinear", ["bytes", "scale", "seven"], ["w"]),
            ],
            {"floats": WEIGHTS, **POINT},
        ),
    ],
)
def test_weights_are_those_that_a_product_takes_however_they_are_stored(
    nodes: list[onnx.NodeProto], stored: dict[str, np.ndarray]
) -> None:
    """24 of them, one of which stands for zero: constants, turned, cast, in a row, or in 8 bits with a zero point."""
    assert costs_of(product(nodes, stored), {"x": (1, 6)}) == {"weights": 24, "sparsity": 1 / 24, "macs": 24}


def test_zeros_of_a_product_of_bytes_are_at_its_zero_point() -> None:
    """What is zero is what stands for it; where columns have points of their own, nobody counts."""

    def multiplied(points: np.ndarray) -> dict[str, Any]:
        nodes = [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["bytes", "scale", "point"]),
            helper.make_node("MatMulInteger", ["bytes", "w", "point", "points"], ["sums"]),
        ]
        back = helper.make_node("Cast", ["sums"], ["y"], to=TensorProto.FLOAT)
        return costs_of(product(nodes, {"w": AS_BYTES, "points": points}, back), {"x": (1, 6)})

    assert multiplied(np.array(7, np.uint8)) == {"weights": 24, "sparsity": 1 / 24, "macs": 24}
    assert multiplied(np.arange(4, dtype=np.uint8)) == {"weights": 24, "sparsity": None, "macs": 24}


def test_weights_that_are_computed_are_counted_by_what_comes_of_them() -> None:
    """24 of them, though 28 numbers are stored; how many are zero, the file does not say."""
    scaled = helper.make_node("Mul", ["raw", "gain"], ["w"])
    found = costs_of(product([scaled], {"raw": WEIGHTS, "gain": np.ones(4, np.float32)}), {"x": (1, 6)})
    assert found == {"weights": 24, "sparsity": None, "macs": 24}


def test_what_is_multiplied_when_a_model_is_loaded_is_not_counted_for_each_example() -> None:
    """A product of constants makes weights: its own are none of the example's."""
    nodes = [helper.make_node("MatMul", ["left", "right"], ["w"])]
    found = costs_of(
        product(nodes, {"left": np.ones((6, 2), np.float32), "right": np.ones((2, 4), np.float32)}), {"x": (1, 6)}
    )
    assert found == {"weights": 24, "sparsity": None, "macs": 24}


def test_a_bias_is_no_weight_and_a_turned_input_is_summed_along_its_first_axis() -> None:
    """Gemm takes both: 6 by 4 weights, and for 3 columns of the input 3 * 6 * 4 products."""
    node = helper.make_node("Gemm", ["x", "w", "bias"], ["y"], transA=1)
    model = product([], {"w": WEIGHTS, "bias": np.ones((1, 4), np.float32)}, node)
    for axis, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (6, 3), strict=True):
        axis.dim_value = size
    assert costs_of(model, {"x": (6, 3)}) == {"weights": 24, "sparsity": 1 / 24, "macs": 72}
