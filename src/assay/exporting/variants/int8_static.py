"""8-bit weights and values between layers, with ranges seen on the validation split."""

from typing import Annotated

import onnx
from pydantic import Field

from assay.exporting.compression.calibration import calibrated
from assay.exporting.variants import OtherModel, Source, Variant, fp32, networks_only


class Calibrated(OtherModel):
    """variants.int8_static in params.yaml."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)] = 256


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    return calibrated(fp32.export(source), source)


VARIANT = Variant(export, refuses=networks_only, settings=Calibrated)
