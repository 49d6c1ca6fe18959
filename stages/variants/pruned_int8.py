"""Pruned as `pruned` is, then quantised as `int8_static` is."""

import onnx

from variants import Source, Variant, networks_only, pruned
from variants.int8_static import Calibrated, quantised


class PrunedInt8(pruned.Pruned, Calibrated):
    """variants.pruned_int8 in params.yaml."""


def export(source: Source) -> onnx.ModelProto:
    """Prune, train on, convert, quantise."""
    return quantised(pruned.export(source), source)


VARIANT = Variant(export, refuses=networks_only, settings=PrunedInt8)
