"""What an ONNX model holds and computes, read from the file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

# Operators that multiply weights with values.
_COUNTED = ("Conv", "ConvTranspose", "MatMul", "Gemm", "MatMulInteger")
# Others that do, in ways that are not counted here; those of other domains than ONNX's own may do anything.
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
)
_KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# A constant with more values is no shape that others follow from.
_LARGEST_SHAPE = 1024


def costs(path: Path, shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return the number of weights, the share of them that is zero, and multiply-accumulates for one example.

    `shapes` are those in which the inputs are asked one example, by name. Of weights beside the file, one tensor at a
    time is read.

    Weights are constants with more than one axis that such an operator takes, as they are or in
    8 bits; scales and biases are none. The last is None where a model multiplies no weights, as
    a forest does not, or shapes are unknown. All are None of a model that may multiply in ways that are not counted:
    a recurrent one, one with graphs within it.
    """
    model = onnx.load(path, load_external_data=False)
    if model.functions or any(map(_may_multiply_otherwise, model.graph.node)):
        return {"weights": None, "sparsity": None, "macs": None}
    stored = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    taken = {stored.get(name, name) for node in model.graph.node if node.op_type in _COUNTED for name in node.input}
    weights = [each for each in model.graph.initializer if each.name in taken and len(each.dims) > 1]
    count = sum(math.prod(each.dims) for each in weights)
    zeros = sum(_zeros(each, path.parent) for each in weights)
    return {"weights": count, "sparsity": zeros / count if count else None, "macs": _macs(model, shapes)}


def _may_multiply_otherwise(node: onnx.NodeProto) -> bool:
    within = any(each.HasField("g") or each.graphs for each in node.attribute)
    return within or node.op_type in _NOT_COUNTED or node.domain not in _KNOWN_DOMAINS


def _zeros(weights: onnx.TensorProto, folder: Path) -> int:
    read = onnx.TensorProto()
    read.CopyFrom(weights)  # what is read from beside the file stays in what it was read for
    return int(np.count_nonzero(numpy_helper.to_array(read, str(folder)) == 0))


def _macs(single: onnx.ModelProto, asked: Mapping[str, Sequence[int]]) -> int | None:
    """Return what a model multiplies for one example; its weights are cleared, for only their shapes count."""
    known = {each.name: tuple(each.dims) for each in single.graph.initializer}
    for each in single.graph.initializer:
        if math.prod(each.dims) > _LARGEST_SHAPE:
            for field in ("raw_data", "float_data", "external_data", "data_location"):
                each.ClearField(field)
    # What old files say of values within, and of outputs, is of a batch of any size.
    del single.graph.value_info[:]
    for tensor in single.graph.input:
        for axis, size in zip(tensor.type.tensor_type.shape.dim, asked.get(tensor.name, ()), strict=False):
            axis.dim_value = size
    for tensor in single.graph.output:
        tensor.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(single, data_prop=True).graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        known[value.name] = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    nodes = [node for node in graph.node if node.op_type in _COUNTED]
    found = [_node_macs(node, known) for node in nodes]
    return sum(each for each in found if each) if found and all(found) else None


def _node_macs(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int | None:
    """Return what one node multiplies: its output, each value of it a sum over what goes in."""
    inputs, output = [shapes.get(name) for name in node.input[:2]], shapes.get(node.output[0])
    if not output or not all(inputs):
        return None
    values, weights = inputs
    if node.op_type == "Conv":
        return math.prod(output) * math.prod(weights[1:])  # type: ignore[index]  # checked above
    if node.op_type == "ConvTranspose":
        return math.prod(values or ()) * math.prod(weights[1:])  # type: ignore[index]
    return math.prod(output) * (values or (0,))[-1]
