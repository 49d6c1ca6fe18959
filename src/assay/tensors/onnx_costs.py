"""What an ONNX model holds and computes, read from the file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import shape_inference

from assay.tensors.onnx_weights import Constants

# Operators that multiply weights in ways that are not counted here; those of other domains than ONNX's own may do
# anything.
_NOT_COUNTED = (
    "LSTM",
    "GRU",
    "RNN",
    "Einsum",
    "ConvInteger",
    "QLinearConv",
    "QLinearMatMul",
    "DeformConv",
    "Attention",
    "LinearClassifier",
    "LinearRegressor",
    "SVMClassifier",
    "SVMRegressor",
)
_KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# A constant with more values is no shape that others follow from.
_LARGEST_SHAPE = 1024


def costs(path: Path, shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return the number of weights, the share of them that is zero, and multiply-accumulates for one example.

    `shapes` are those in which the inputs are asked one example, by name. Of weights beside the file, one tensor at a
    time is read.

    Weights are what a product takes that no input decides, as they are stored, in whatever type or order; scales and
    biases are none. Their number or the share of zeros is None where it cannot be read from the file, the last where a
    model multiplies nothing, as a forest does not, or shapes are unknown. All are None of a model that may multiply in
    ways that are not counted: a recurrent one, one with graphs within it.
    """
    model = onnx.load(path, load_external_data=False)
    if model.functions or model.graph.sparse_initializer or any(map(_may_multiply_otherwise, model.graph.node)):
        return {"weights": None, "sparsity": None, "macs": None}
    constants = Constants(model.graph)
    nodes = constants.multiplying(model.graph)
    weights = constants.weights(nodes, path.parent)
    sizes = _shapes(model, shapes)
    numbers = [math.prod(each.stored.dims if each.stored else sizes.get(each.name) or (0,)) for each in weights]
    count = sum(numbers) if all(numbers) else None
    zeros = [each.zeros for each in weights]
    return {
        "weights": count,
        "sparsity": sum(filter(None, zeros)) / count if count and None not in zeros else None,
        "macs": _macs(nodes, sizes),
    }


def _may_multiply_otherwise(node: onnx.NodeProto) -> bool:
    within = any(each.HasField("g") or each.graphs or each.HasField("sparse_tensor") for each in node.attribute)
    return within or node.op_type in _NOT_COUNTED or node.domain not in _KNOWN_DOMAINS


def _shapes(model: onnx.ModelProto, asked: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a model's values for one example, an axis 0 where it is unknown.

    Weights are cleared, for only their shapes count.
    """
    known = {each.name: tuple(each.dims) for each in model.graph.initializer}
    for each in model.graph.initializer:
        if math.prod(each.dims) > _LARGEST_SHAPE:
            for field in ("raw_data", "float_data", "external_data", "data_location"):
                each.ClearField(field)
    # What old files say of values within, and of outputs, is of a batch of any size.
    del model.graph.value_info[:]
    for tensor in model.graph.input:
        for axis, size in zip(tensor.type.tensor_type.shape.dim, asked.get(tensor.name, ()), strict=False):
            axis.dim_value = size
    for tensor in model.graph.output:
        tensor.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        known[value.name] = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    return known


def _macs(nodes: Sequence[onnx.NodeProto], shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    found = [_node_macs(node, shapes) for node in nodes]
    return sum(each for each in found if each) if found and all(found) else None


def _node_macs(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """Return what one node multiplies: its output, each value of it a sum over what goes in."""
    inputs, output = [shapes.get(name) for name in node.input[:2]], shapes.get(node.output[0])
    if not output or not all(inputs):
        return None
    values, weights = inputs
    if node.op_type == "Conv":
        return math.prod(output) * math.prod(weights[1:])  # type: ignore[index]  # checked above
    if node.op_type == "ConvTranspose":
        return math.prod(values or ()) * math.prod(weights[1:])  # type: ignore[index]
    turned = node.op_type == "Gemm" and any(each.name == "transA" and each.i for each in node.attribute)
    return math.prod(output) * (values or (0,))[0 if turned else -1]
