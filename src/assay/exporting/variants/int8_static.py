"""8-bit weights and values between layers, with ranges seen on the validation split."""

import onnx

from assay.exporting.compression.calibration import Calibrated, calibrated
from assay.exporting.source import Source
from assay.exporting.variants import Variant, networks_only


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    return calibrated(source.converted(), source)


VARIANT = Variant(export, refuses=networks_only, settings=Calibrated)
