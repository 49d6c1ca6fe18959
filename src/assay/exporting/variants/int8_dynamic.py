"""Matrix products with 8-bit weights; their inputs are quantised while the model runs.

The range of those is that of a whole batch: which requests Triton puts together changes answers, a little where
examples are alike, and much where one of them is far larger than the others.
"""

import onnx

from assay.exporting.settings import OtherModel
from assay.exporting.source import Source
from assay.exporting.variants import Variant, networks_only


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    from assay.exporting.compression.quantise import dynamic

    return dynamic(source.converted())


VARIANT = Variant(export, refuses=networks_only, settings=OtherModel)
