"""The benchmark matrix: which cells there are, and what else is measured against the anchor."""

import itertools
from collections.abc import Sequence

from assay.params.cells import Cell
from assay.params.perf import Perf

ANCHOR = "anchor"
ANCHOR_COPY = "anchor_copy"
DEFAULT_THREADS = "default_threads"


def matrix(variants: Sequence[str], perf: Perf) -> list[Cell]:
    """Return every cell of the matrix, in DVC's order: the last axis varies fastest.

    The first value of each axis together make the default configuration: the
    first cell returned.
    """
    axes = itertools.product(variants, perf.instances, perf.max_batch_size, perf.dynamic_batching)
    return [Cell(*values) for values in axes]


def measured_names(cells: Sequence[Cell]) -> list[str]:
    """Return the name of everything that is measured against the anchor, in the order in which DVC does."""
    return [*(cell.name for cell in cells), DEFAULT_THREADS, ANCHOR_COPY]


def default_threads_twin(cells: Sequence[Cell]) -> Cell:
    """Return the cell that `default_threads` repeats with ONNX Runtime's own number of threads.

    It is the first of those with the most instances: where every instance brings a thread for each core, they
    get in each other's way most.
    """
    return max(cells, key=lambda cell: cell.instances)
