"""Run-offs made up for tests: cells with speeds of their own, and the verdict on them."""

from typing import Any

import numpy as np
from measured import one_round, window

from assay.deciding.verdict import Verdict, decide
from assay.params.cells import Cell
from assay.validation.schema import Params, validate

EXPORT = {"test_correct": 950, "test_examples": 1000, "batch": {"safe": True}}
DEFAULT = Cell("fp32", 1, 64, "off")


def cell(batching: str = "off", instances: int = 1) -> Cell:
    return Cell("fp32", instances, 64, batching)


def rounds(speeds: dict[Cell, float], starts: int = 6, size: int = 4, **settings: Any) -> list[Any]:
    """Return a run-off in which each cell has its own speed, all with the noise of start and round."""
    random = np.random.default_rng(7)
    machine = np.repeat(random.normal(0, 0.2, starts), size)
    noise = np.exp(machine[:, np.newaxis] + random.normal(0, 0.02, (starts * size, len(speeds))))
    return [
        one_round(
            1 + index // size,
            **{
                each.name: window(speed * noise[index, at], **settings)
                for at, (each, speed) in enumerate(speeds.items())
            },
        )
        for index in range(starts * size)
    ]


def verdict(content: dict[str, Any], speeds: dict[Cell, float], **settings: Any) -> Verdict:
    return judged(list(speeds), rounds(speeds, **settings), validate(content))


def judged(cells: list[Cell], measured: list[Any], params: Params) -> Verdict:
    """Return the verdict on cells of a matrix, as the stage asks for it."""
    return decide(
        cells,
        measured,
        {"fp32": EXPORT},
        params.perf,
        rounds_a_start=params.runoff.rounds,
        repetition=params.triton.repetition,
        variants=params.onnx.variants,
    )
