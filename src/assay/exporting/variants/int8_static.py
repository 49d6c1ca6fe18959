"""8-bit weights and values between layers, with ranges seen on the validation split."""

from pathlib import Path

from assay.exporting.compression.calibration import Calibrated, calibrated
from assay.exporting.source import Source
from assay.exporting.variants import Variant, networks_only


def export(source: Source, path: Path) -> None:
    """Convert the trained model, then quantise."""
    with source.converted() as converted:
        calibrated(converted, path, source)


VARIANT = Variant(export, refuses=networks_only, settings=Calibrated)
