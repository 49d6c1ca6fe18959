"""What a runtime's own number of threads would have cost, where that was measured."""

from collections.abc import Callable, Sequence
from typing import Any

from assay.ground.records.prepared import measured
from assay.params.cells import Cell
from assay.params.matrix import DEFAULT_THREADS
from assay.telling.level import LevelSummary
from assay.telling.results import Results
from assay.telling.tables import MeasuredCell


def default_threads(
    results: Results, twin: Cell, cells: Sequence[MeasuredCell], levels: Callable[[str], list[LevelSummary]]
) -> dict[str, Any]:
    """Return what the templates show of it, beside the cell that is its twin but for the threads; None after a race."""
    if DEFAULT_THREADS not in results.cells:
        return {"default_threads": None}
    (level,) = levels(DEFAULT_THREADS)
    (same,) = (each for each in cells if each.cell == twin)
    return {
        "default_threads": level,
        "twin": same.at(level.concurrency),
        "twin_name": twin.name,
        "runtime": "OpenVINO" if measured(results.exports[twin.variant])["accelerator"] else "ONNX Runtime",
    }
