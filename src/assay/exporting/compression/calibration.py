"""Which examples show the ranges of values between layers, where these are quantised ahead of serving."""

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from assay.exporting.variants import Source


def calibrated(model: onnx.ModelProto, source: "Source") -> onnx.ModelProto:
    """Return a converted model in 8 bits, with ranges of the first examples of the validation split.

    The variant's section says of how many.
    """
    from assay.exporting.compression.quantise import static

    examples, _ = source.split("validation")
    return static(model, examples[: source.settings.calibration_examples])
