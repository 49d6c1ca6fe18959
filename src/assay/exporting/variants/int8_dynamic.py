"""Matrix products with 8-bit weights; their inputs are quantised while the model runs.

The range of those is that of a whole batch: which requests Triton puts together changes answers, a little where
examples are alike, and much where one of them is far larger than the others.
"""

import onnx

from assay.exporting.variants import OtherModel, Source, Variant, fp32, networks_only


def export(source: Source) -> onnx.ModelProto:
    """Convert the trained model, then quantise."""
    from assay.exporting.compression.quantise import dynamic

    return dynamic(fp32.export(source))


VARIANT = Variant(export, refuses=networks_only, settings=OtherModel)
