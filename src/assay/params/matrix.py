"""The benchmark matrix: which cells there are, and what else is measured against the anchor."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from assay.params.cells import Cell
from assay.params.measuring import MOST_FINALISTS
from assay.params.perf import Perf

ANCHOR = "anchor"
ANCHOR_COPY = "anchor_copy"
DEFAULT_THREADS = "default_threads"
# Where the finalists of a race are measured one by one.
PLACES = tuple(f"finalist_{place}" for place in range(1, MOST_FINALISTS + 1))


def matrix(variants: Sequence[str], perf: Perf) -> list[Cell]:
    """Return every cell of the matrix: the last axis varies fastest.

    The first value of each axis together make the default configuration: the
    first cell returned. `perf.threads` and `perf.options` are further ones: each configuration is there without, too.
    """
    threads, options = (None, *perf.threads), ("", *perf.options)
    axes = itertools.product(variants, perf.instances, perf.max_batch_size, perf.dynamic_batching, threads, options)
    return [Cell(*values) for values in axes]


def in_shapes(cells: Sequence[Cell], shapes: Sequence[str]) -> list[Cell]:
    """Return every cell without further threads and options in each of some shapes, in DVC's order."""
    plain = [cell for cell in cells if not cell.threads and not cell.option]
    return [replace(cell, shape=shape) for cell in plain for shape in shapes]


def served_as(name: str, cells: Sequence[Cell]) -> tuple[str, str]:
    """Return the model that is served for what is measured under a name, and the shape in which it is asked."""
    cell = next((each for each in cells if each.name == name), None)
    return (cell.configuration, cell.shape) if cell else (name, "")


def measured_names(cells: Sequence[Cell]) -> list[str]:
    """Return the name of everything that is measured against the anchor, in the order in which DVC does."""
    return [*(cell.name for cell in cells), DEFAULT_THREADS, ANCHOR_COPY]


def default_threads_twin(cells: Sequence[Cell]) -> Cell:
    """Return the cell that `default_threads` repeats with ONNX Runtime's own number of threads.

    It is the first of those with the most instances: where every instance brings a thread for each core, they
    get in each other's way most.
    """
    return max(cells, key=lambda cell: cell.instances)
