"""The model as it was trained, in 32-bit floats."""

from assay.exporting.source import Source
from assay.exporting.variants import Variant

VARIANT = Variant(Source.convert, every_export=True)
