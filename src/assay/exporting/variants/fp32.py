"""The model as it was trained, in 32-bit floats."""

import onnx

from assay.exporting.variants import Source, Variant


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model."""
    return source.framework.to_onnx(source.trained, source.opset)


VARIANT = Variant(export=export, every_export=True)
