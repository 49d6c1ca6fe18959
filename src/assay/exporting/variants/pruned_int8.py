"""Pruned as `pruned` is, then quantised as `int8_static` is."""

import onnx

from assay.exporting.compression.calibration import Calibrated, calibrated
from assay.exporting.compression.fine_tuning import Pruned, fine_tuned
from assay.exporting.source import Source
from assay.exporting.variants import Variant, trained_here


class PrunedInt8(Pruned, Calibrated):
    """The section of a variant that is both."""


def export(source: Source) -> onnx.ModelProto:
    """Prune, train on, convert, quantise."""
    return calibrated(fine_tuned(source), source)


VARIANT = Variant(export, refuses=trained_here, settings=PrunedInt8)
