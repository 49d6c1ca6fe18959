"""8-bit weights and values between layers, with ranges seen on the validation split."""

from typing import Annotated

import onnx
from pydantic import Field

from variants import Settings, Source, Variant, fp32, networks_only


class Calibrated(Settings):
    """variants.int8_static in params.yaml."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)]


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    from compression.quantise import static

    examples, _ = source.split("validation")
    return static(fp32.export(source), examples[: source.settings.calibration_examples])


VARIANT = Variant(export, refuses=networks_only, settings=Calibrated)
