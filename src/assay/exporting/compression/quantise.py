"""Weights, and what flows between layers, in 8 bits, by ONNX Runtime's own tools.

Weights use 7 of the 8 bits: on processors with AVX2 and no VNNI, sums of products of whole
8-bit numbers would be cut off at 16 bits, unnoticed, and other processors answer otherwise.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from assay.tensors.named import Tensors, examples_in, one
from assay.tensors.releases import IR_VERSION
from assay.tensors.signature import Signature, why_unbatchable


def dynamic(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the weights of its matrix products in 8 bits, their inputs quantised as they come.

    Convolutions stay as they are: on processors without 8-bit convolutions for this they take
    several times as long.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "quantised.onnx"
        quantize_dynamic(
            _prepared(model, Path(folder)),
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return _read(target)


def static(model: onnx.ModelProto, examples: Tensors) -> onnx.ModelProto:
    """Return the model with 8-bit weights and values, whose ranges come from examples.

    Quantise-dequantise pairs, weights with a scale for each channel: what ONNX Runtime and
    OpenVINO turn into 8-bit kernels. What brings the input into range stays as it is: in 8 bits
    it would take longer and answer the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, target = _prepared(model, Path(folder)), Path(folder) / "quantised.onnx"
        quantize_static(
            prepared,
            target,
            _Examples(model, examples),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=_scaling(onnx.load(prepared)),
        )
        return _read(target)


def _prepared(model: onnx.ModelProto, folder: Path) -> Path:
    """Return the file of a model as the tools want it: with shapes, and what can be computed beforehand computed."""
    source, prepared = folder / "source.onnx", folder / "prepared.onnx"
    onnx.save(model, source)
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    return prepared


def _scaling(model: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes that convert, scale and shift the input, before anything else is done with it."""
    reached, found = {model.graph.input[0].name}, []
    for node in model.graph.node:
        if node.name and node.op_type in ("Cast", "Mul", "Add") and reached.intersection(node.input):
            reached.update(node.output)
            found.append(node.name)
    return found


def _read(path: Path) -> onnx.ModelProto:
    model = onnx.load(path)
    # One that was brought may need a newer one, for its opset.
    model.ir_version = max(IR_VERSION, onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True))
    # The tools name every set of operators that they know; a server may not know them all.
    used = [each for each in model.opset_import if each.domain in {node.domain for node in model.graph.node}]
    del model.opset_import[:]
    model.opset_import.extend(used)
    return model


class _Examples(CalibrationDataReader):
    def __init__(self, model: onnx.ModelProto, examples: Tensors) -> None:
        batched = why_unbatchable(Signature.of(model)) is None
        self._feeds: Iterator[dict[str, np.ndarray]] = (
            one(examples, place, batched=batched) for place in range(examples_in(examples))
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)
