"""What the release of Triton reads that exports are made for: one table for all who write or check an ONNX file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A release of Triton: the ONNX Runtime in its image, and the newest that this reads.

    `opset` is that of ONNX's own operators, `ml_opset` that of classical models' (ai.onnx.ml), `ir_version` that of
    the file's format (https://onnxruntime.ai/docs/reference/compatibility.html).
    """

    triton: str
    onnxruntime: str
    opset: int
    ml_opset: int
    ir_version: int


TARGET = Release(triton="24.10", onnxruntime="1.19", opset=21, ml_opset=3, ir_version=10)

# What tf2onnx writes, oldest and newest, and the version of the file's format that opsets up to the newest need.
OLDEST_OPSET, NEWEST_OPSET, IR_VERSION = 13, 18, 8
