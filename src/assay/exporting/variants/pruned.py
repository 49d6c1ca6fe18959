"""A share of the channels of every layer but the last really removed, and the rest trained on."""

from assay.exporting.compression.fine_tuning import Pruned, fine_tuned
from assay.exporting.variants import Variant, trained_here

VARIANT = Variant(fine_tuned, refuses=trained_here, settings=Pruned)
