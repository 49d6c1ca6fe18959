"""Pruned as `pruned` is, then quantised as `int8_static` is."""

import onnx

from assay.exporting.compression.calibration import calibrated
from assay.exporting.variants import Source, Variant, networks_only, pruned
from assay.exporting.variants.int8_static import Calibrated


class PrunedInt8(pruned.Pruned, Calibrated):
    """variants.pruned_int8 in params.yaml."""


def export(source: Source) -> onnx.ModelProto:
    """Prune, train on, convert, quantise."""
    return calibrated(pruned.export(source), source)


VARIANT = Variant(export, refuses=networks_only, settings=PrunedInt8)
