"""Weights, and what flows between layers, in 8 bits, by ONNX Runtime's own tools.

Weights use 7 of the 8 bits: on processors with AVX2 and no VNNI, sums of products of whole
8-bit numbers would be cut off at 16 bits, unnoticed, and other processors answer otherwise.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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

from assay.exporting.portable import opset_of
from assay.ground.process import StageError
from assay.ground.quoting import cut
from assay.ground.records.checking import LONGEST_REASON
from assay.tensors.external_data import external_files
from assay.tensors.named import Tensors, examples_in, one
from assay.tensors.releases import IR_VERSION
from assay.tensors.signature import Signature

# Since this opset, weights are brought back with a scale for each of their channels.
_SCALES_A_CHANNEL = 13
# Protocol buffers end there.
_LARGEST_BYTES = 2**31 - 1


def dynamic(model: Path, path: Path) -> None:
    """Write a model with the weights of its matrix products in 8 bits, their inputs quantised as they come.

    Convolutions stay as they are: on processors without 8-bit convolutions for this they take
    several times as long.
    """
    with _quantising(), tempfile.TemporaryDirectory() as folder:
        prepared, target = _prepared(model, Path(folder)), Path(folder) / "quantised.onnx"
        quantize_dynamic(
            prepared,
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        onnx.save(_quantised(target, prepared, "no product of matrices with 32-bit weights"), path)


def static(model: Path, path: Path, examples: Tensors) -> None:
    """Write a model with 8-bit weights and values, whose ranges come from examples.

    Quantise-dequantise pairs, weights with a scale for each channel, where the model's opset has that: what ONNX
    Runtime and OpenVINO turn into 8-bit kernels. What brings the input into range stays as it is: in 8 bits
    it would take longer and answer the same.
    """
    with _quantising(), tempfile.TemporaryDirectory() as folder:
        prepared, target = _prepared(model, Path(folder)), Path(folder) / "quantised.onnx"
        quantize_static(
            prepared,
            target,
            _Examples(Signature.read(model), examples),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=opset_of(model) >= _SCALES_A_CHANNEL,
            reduce_range=True,
            nodes_to_exclude=_scaling(onnx.load(prepared)),
        )
        onnx.save(_quantised(target, prepared, "no operator with 32-bit weights"), path)


@contextmanager
def _quantising() -> Iterator[None]:
    """Turn whatever the tools make of a model that they were not made for into a StageError."""
    try:
        yield
    except Exception as error:
        said = cut(" ".join(str(error).split()) or type(error).__name__, LONGEST_REASON)
        raise StageError(
            f"ONNX Runtime's tools cannot quantise this model: {said}; leave the variant out of onnx.variants"
        ) from None


def _prepared(model: Path, folder: Path) -> Path:
    """Return the file of a model as the tools want it: with shapes, and what can be computed beforehand computed.

    Raises ValueError if the model is larger than a single file may be.
    """
    source, prepared = model, folder / "prepared.onnx"
    if beside := external_files(model):
        if sum(path.stat().st_size for path in (model, *(model.parent / name for name in beside))) > _LARGEST_BYTES:
            raise ValueError("it has more than 2 GB, and they want it in one file")
        onnx.save(onnx.load(model), source := folder / "source.onnx")
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


def _quantised(path: Path, prepared: Path, without: str) -> onnx.ModelProto:
    """Return what the tools made of a model; raises ValueError if nothing is in 8 bits that was not before."""
    before, after = (
        sum("Quantize" in node.op_type or "Integer" in node.op_type for node in onnx.load(each).graph.node)
        for each in (prepared, path)
    )
    if after <= before:
        raise ValueError(f"it has {without} that they know, and would stay as it is")
    return _read(path)


def _read(path: Path) -> onnx.ModelProto:
    model = onnx.load(path)
    # The tools name every set of operators that they know; a server may not know them all.
    used = [each for each in model.opset_import if each.domain in {node.domain for node in model.graph.node}]
    del model.opset_import[:]
    model.opset_import.extend(used)
    # A model that was brought may need a newer format for its operators.
    own = [each for each in used if each.domain in ("", "ai.onnx.ml")]
    model.ir_version = max(IR_VERSION, onnx.helper.find_min_ir_version_for(own))
    return model


class _Examples(CalibrationDataReader):
    def __init__(self, signature: Signature, examples: Tensors) -> None:
        batched = signature.batched
        self._feeds: Iterator[dict[str, np.ndarray]] = (
            one(examples, place, batched=batched) for place in range(examples_in(examples))
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)
