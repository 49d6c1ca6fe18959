"""Measure one cell of the matrix against the anchor, in one server.

At each concurrency, rounds of one short window for the anchor and one for the
candidate follow each other, in random order within a round: whatever the machine
does to one, it does to the other. The cell `anchor_copy` measures the anchor
against itself.

Reads   artifacts/model_repository/<cell>/, artifacts/data/test.npz (a cell's requests),
        triton/ (the anchor, its requests, our backend)
Writes  reports/perf/<cell>.json: every window as perf_analyzer and the server's
        statistics told it; nothing derived
Run     python stages/perf.py fp32-1-64-off
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parameters.cells import ANCHOR, ANCHOR_COPY, matrix
from parameters.schema import Params, load_params
from perf_analyzer.input_data import write_input_data
from perf_analyzer.rounds import STATISTICS_UNITS, Windows, measure_level
from perf_analyzer.window import UNITS
from runtime.arrays import read_split
from runtime.files import write_json, write_text
from runtime.paths import ANCHOR as ANCHOR_FOLDER
from runtime.paths import ARRAYS, CELLS, MODEL_REPOSITORY
from runtime.process import argument, run_stage
from server.answers import check_answers, check_effective_config
from server.embedded import serve
from server.lock import machine_to_ourselves
from server.model_config import read_config, render

# Enough different requests that no cache of one input helps; sent in turn, again and again.
REQUESTS = 256


@dataclass(frozen=True)
class Candidate:
    """What is measured against the anchor: a model folder and the requests that it is sent."""

    folder: Path
    input_data: Path
    examples: NDArray[np.float32] | None  # its answers to these are checked first


def exported_cell(name: str, temporary: Path) -> Candidate:
    """Return a cell of the matrix, asked with the test split."""
    folder = MODEL_REPOSITORY / name
    examples, _ = read_split(ARRAYS / "test.npz")
    input_data = temporary / "input_data.json"
    write_input_data(input_data, read_config(folder / "config.pbtxt").input[0].name, examples[:REQUESTS])
    return Candidate(folder, input_data, examples)


def anchor_copy(temporary: Path) -> Candidate:
    """Return a copy of the anchor under another name, asked what the anchor is asked."""
    folder = shutil.copytree(ANCHOR_FOLDER, temporary / ANCHOR_COPY)
    config = read_config(folder / "config.pbtxt")
    config.name = ANCHOR_COPY
    write_text(folder / "config.pbtxt", render(config))
    return Candidate(folder, folder / "input_data.json", examples=None)


def measure_cell(candidate: Candidate, params: Params, temporary: Path) -> dict[str, Any]:
    """Serve the candidate beside the anchor and return everything that was measured."""
    name = candidate.folder.name
    inputs = {ANCHOR: ANCHOR_FOLDER / "input_data.json", name: candidate.input_data}
    with serve([ANCHOR_FOLDER, candidate.folder], params.triton.start_timeout_s) as server:
        for model in (ANCHOR_FOLDER, candidate.folder):
            check_effective_config(server, model)
        answers = None
        if candidate.examples is not None:
            answers = check_answers(server, candidate.folder, candidate.examples)
        windows = Windows(server, params, inputs, temporary)
        return {
            "cell": name,
            "server": {"kind": params.triton.server, "version": server.version()},
            "perf_analyzer": windows.command_line(name, params.perf.concurrency[0]),
            "units": {"perf_analyzer": UNITS, "statistics": STATISTICS_UNITS},
            "config": render(read_config(candidate.folder / "config.pbtxt")),
            "answers": answers,
            "levels": [
                {"concurrency": level, "rounds": measure_level(windows, name, level, params)}
                for level in params.perf.concurrency
            ],
        }


def main() -> None:
    params = load_params()
    name = argument([*(cell.name for cell in matrix(params)), ANCHOR_COPY])
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder)
        candidate = anchor_copy(temporary) if name == ANCHOR_COPY else exported_cell(name, temporary)
        measured = measure_cell(candidate, params, temporary)
    write_json(CELLS / f"{name}.json", measured)


if __name__ == "__main__":
    run_stage(main)
