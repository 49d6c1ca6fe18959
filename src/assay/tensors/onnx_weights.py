"""Which weights an ONNX graph multiplies with, and how many of them are zero."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

# Operators that multiply their first two inputs.
MULTIPLYING = ("Conv", "ConvTranspose", "MatMul", "Gemm", "MatMulInteger")
# The values of their first input, in another type, order or shape.
_SAME_VALUES = (
    "Cast",
    "DequantizeLinear",
    "Flatten",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")


@dataclass(frozen=True)
class Weights:
    """What a graph multiplies with that no input decides: its `name` in the graph, or that of what it is stored as.

    `stored` is None, and so are the `zeros`, where it is computed from what is stored. Zeros are also unknown where
    each part of it has a zero point of its own.
    """

    name: str
    stored: onnx.TensorProto | None
    zeros: int | None


class Constants:
    """The values in a graph that no input decides."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._stored = {each.name: each for each in graph.initializer}
        self._made = {name: node for node in graph.node for name in node.output}
        self._names = set(self._stored)
        for node in graph.node:  # each after those that it takes something from
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self._stored[node.output[0]] = attribute.t
            if node.op_type not in _RANDOM and self._names.issuperset(filter(None, node.input)):
                self._names.update(node.output)

    def multiplying(self, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
        """Return the nodes that multiply for each example; others are done with when a model is loaded."""
        return [node for node in graph.node if node.op_type in MULTIPLYING and not self._names.issuperset(node.output)]

    def weights(self, nodes: list[onnx.NodeProto], folder: Path) -> list[Weights]:
        """Return what nodes multiply with, each once; what is kept beside the file is read from its folder."""
        found = {}
        for node in nodes:
            for place, name in enumerate(node.input[:2]):
                if name in self._names:
                    points = node.input[2:][place : place + 1] if node.op_type == "MatMulInteger" else []
                    each = self._read(name, points[0] if points else "", folder)
                    found[each.name] = each
        return list(found.values())

    def _read(self, name: str, zero_point: str, folder: Path) -> Weights:
        """Return weights as they are stored, a zero being what stands for it there."""
        at = name
        while at not in self._stored and (node := self._made[at]).op_type in _SAME_VALUES:
            if node.op_type == "DequantizeLinear":
                zero_point = node.input[2] if len(node.input) > 2 else ""
            elif node.op_type == "QuantizeLinear":
                zero_point = ""
            at = node.input[0]
        stored = self._stored.get(at)
        if stored is None:
            return Weights(name, None, None)
        zero = self._only_value(zero_point, folder)
        return Weights(at, stored, None if zero is None else int(np.count_nonzero(_values(stored, folder) == zero)))

    def _only_value(self, name: str, folder: Path) -> float | None:
        """Return what stands for zero: 0 without a name, None if there are several such values."""
        if not name:
            return 0
        stored = self._stored.get(name)
        values = np.unique(_values(stored, folder)) if stored is not None else []
        return values[0] if len(values) == 1 else None


def _values(stored: onnx.TensorProto, folder: Path) -> np.ndarray:
    read = onnx.TensorProto()
    read.CopyFrom(stored)  # what is read from beside the file stays in what it was read for
    return numpy_helper.to_array(read, str(folder))
