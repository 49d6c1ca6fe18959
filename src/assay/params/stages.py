"""The names that DVC gives the stages on which a measurement or a report rests."""

from collections.abc import Sequence

from assay.params.cells import Cell
from assay.params.measuring import MOST_FINALISTS

# The pipeline files of those that find finalists, by the way to search.
PIPELINES = {"all": "cells/dvc.yaml", "race": "race/dvc.yaml"}


def before_measuring(variants: Sequence[str]) -> list[str]:
    """Return the names of the stages that make what is measured."""
    return ["data", "train", *(f"onnx@{variant}" for variant in variants), "triton-config"]


def before_reporting(variants: Sequence[str], cells: Sequence[Cell], search: str) -> list[str]:
    """Return the addresses of all stages that a report rests on."""
    served = [f"serving@{variant}" for variant in variants]
    if search == "race":
        searched = ["screen", "contenders", *(f"finalist@{place}" for place in range(1, MOST_FINALISTS + 1)), "anchor"]
    else:
        measured = [_measuring(cell) for cell in cells]
        searched = ["perf-anchor", "perf-default-threads", *measured, "finalists"]
    addresses = [f"{PIPELINES[search]}:{name}" for name in searched]
    return [*before_measuring(variants), *served, *addresses, "runoff", "verdict", "saturation"]


def _measuring(cell: Cell) -> str:
    """Return the stage that measures a cell: DVC's matrix has no axis without a value, so there is one a kind."""
    further = {"threads": cell.threads, "options": cell.option, "shapes": cell.shape}
    return f"{'-'.join(['perf', *(axis for axis, value in further.items() if value)])}@{cell.name}"
