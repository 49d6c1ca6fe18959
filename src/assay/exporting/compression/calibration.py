"""Ranges of values between layers, seen on examples, for variants in which these are quantised ahead of serving."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay.exporting.settings import OtherModel
from assay.exporting.source import Source
from assay.tensors.named import part
from assay.tensors.signature import Signature


class Calibrated(OtherModel):
    """The section of a variant that is calibrated."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)] = 256


def calibrated(model: Path, path: Path, source: Source) -> None:
    """Write a converted model in 8 bits, with ranges of the first examples of the validation split.

    The variant's section says of how many.
    """
    from assay.exporting.compression.quantise import static

    examples = source.validation_inputs(Signature.read(model))
    static(model, path, part(examples, 0, source.settings.calibration_examples))
