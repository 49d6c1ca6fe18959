"""The names that DVC gives the stages on which a measurement or a report rests."""

from collections.abc import Sequence

from assay.params.cells import Cell


def before_measuring(variants: Sequence[str]) -> list[str]:
    """Return the names of the stages that make what is measured."""
    return ["data", "train", *(f"onnx@{variant}" for variant in variants), "triton-config"]


def before_reporting(variants: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    """Return the names of all stages that a report rests on."""
    served = [f"serving@{variant}" for variant in variants]
    measured = [f"perf-shapes@{cell.name}" if cell.shape else f"perf@{cell.name}" for cell in cells]
    evidence = ["perf-anchor", "perf-default-threads"]
    return [*before_measuring(variants), *served, *evidence, *measured, "finalists", "runoff", "verdict", "saturation"]
