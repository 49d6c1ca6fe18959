"""Pruned as `pruned` is, then quantised as `int8_static` is."""

from typing import Annotated

import onnx
from pydantic import Field

from variants import Source, Variant, networks_only
from variants.pruned import Pruned, prune


class PrunedInt8(Pruned):
    """variants.pruned_int8 in params.yaml."""

    calibration_examples: Annotated[int, Field(ge=1, le=100_000)]


def export(source: Source) -> onnx.ModelProto:
    """Prune, train on, convert, quantise."""
    from compression.quantise import static

    converted = source.framework.to_onnx(prune(source, source.settings), source.opset)
    examples, _ = source.split("validation")
    return static(converted, examples[: source.settings.calibration_examples])


VARIANT = Variant(export, refuses=networks_only, settings=PrunedInt8)
