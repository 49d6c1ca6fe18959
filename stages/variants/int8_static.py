"""8-bit weights and values between layers, with ranges seen on the validation split."""

from typing import Annotated

import onnx
from pydantic import Field

from variants import Settings, Source, Variant, fp32, networks_only


class Calibrated(Settings):
    """variants.int8_static in params.yaml."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)]


def quantised(model: onnx.ModelProto, source: Source) -> onnx.ModelProto:
    """Return a converted model in 8 bits, with the ranges of as many examples as the variant's section says."""
    from compression.quantise import static

    examples, _ = source.split("validation")
    return static(model, examples[: source.settings.calibration_examples])


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    return quantised(fp32.export(source), source)


VARIANT = Variant(export, refuses=networks_only, settings=Calibrated)
