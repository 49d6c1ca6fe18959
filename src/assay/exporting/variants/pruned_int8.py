"""Pruned as `pruned` is, then quantised as `int8_static` is."""

import tempfile
from pathlib import Path

from assay.exporting.compression.calibration import Calibrated, calibrated
from assay.exporting.compression.fine_tuning import Pruned, fine_tuned
from assay.exporting.source import Source
from assay.exporting.variants import Variant, trained_here


class PrunedInt8(Pruned, Calibrated):
    """The section of a variant that is both."""


def export(source: Source, path: Path) -> None:
    """Prune, train on, convert, quantise."""
    with tempfile.TemporaryDirectory() as folder:
        fine_tuned(source, pruned := Path(folder) / "pruned.onnx")
        calibrated(pruned, path, source)


VARIANT = Variant(export, refuses=trained_here, settings=PrunedInt8)
