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
# Where another ONNX Runtime came into NVIDIA's image that reads more, oldest first, up to the newest that is known here
# (https://github.com/triton-inference-server/server/blob/main/docs/introduction/compatibility.md).
RELEASES = (
    Release(triton="24.04", onnxruntime="1.17", opset=20, ml_opset=4, ir_version=9),
    Release(triton="24.05", onnxruntime="1.18", opset=21, ml_opset=5, ir_version=10),
    Release(triton="25.03", onnxruntime="1.21", opset=22, ml_opset=5, ir_version=10),
    Release(triton="25.08", onnxruntime="1.23", opset=23, ml_opset=5, ir_version=11),
)


def first_to_read(opset: int, ml_opset: int, ir_version: int) -> Release | None:
    """Return the first release that reads a file of these versions, those after it read it, too; None if none is known.

    A version that a file does not use is 0.
    """
    return next(
        (
            each
            for each in RELEASES
            if opset <= each.opset and ml_opset <= each.ml_opset and ir_version <= each.ir_version
        ),
        None,
    )


# What tf2onnx writes, oldest and newest, and the version of the file's format that opsets up to the newest need.
OLDEST_OPSET, NEWEST_OPSET, IR_VERSION = 13, 18, 8
