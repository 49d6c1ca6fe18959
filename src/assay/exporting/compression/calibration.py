"""Ranges of values between layers, seen on examples, for variants in which these are quantised ahead of serving."""

from typing import Annotated

import onnx
from pydantic import Field

from assay.exporting.settings import OtherModel
from assay.exporting.source import Source
from assay.tensors.named import part


class Calibrated(OtherModel):
    """The section of a variant that is calibrated."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)] = 256


def calibrated(model: onnx.ModelProto, source: Source) -> onnx.ModelProto:
    """Return a converted model in 8 bits, with ranges of the first examples of the validation split.

    The variant's section says of how many.
    """
    from assay.exporting.compression.quantise import static

    return static(model, part(source.validation_inputs(), 0, source.settings.calibration_examples))
