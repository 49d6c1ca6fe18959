"""Matrix products with 8-bit weights; their inputs are quantised while the model runs.

The range of those is that of a whole batch: which requests Triton puts together changes answers, a little where
examples are alike, and much where one of them is far larger than the others.
"""

from pathlib import Path

from assay.exporting.settings import OtherModel
from assay.exporting.source import Source
from assay.exporting.variants import Variant, networks_only


def export(source: Source, path: Path) -> None:
    """Convert the trained model, then quantise."""
    from assay.exporting.compression.quantise import dynamic

    with source.converted() as converted:
        dynamic(converted, path)


VARIANT = Variant(export, refuses=networks_only, settings=OtherModel)
