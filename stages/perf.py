"""Measure one cell of the matrix against the anchor, in one server.

At each concurrency, rounds of one short window for the anchor and one for the
candidate follow each other, in random order within a round: whatever the machine
does to one, it does to the other. The cell `anchor_copy` measures the anchor
against itself.

Reads   artifacts/model_repository/<cell>/, triton/, artifacts/data/test.npz
Writes  reports/perf/<cell>.json: every window as perf_analyzer and the server's
        statistics told it; nothing derived
Run     python stages/perf.py fp32-1-64-off
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

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


def measure_cell(candidate: Path, params: Params, folder: Path) -> dict[str, Any]:
    """Serve the candidate beside the anchor and return everything that was measured."""
    config = read_config(candidate / "config.pbtxt")
    examples, _ = read_split(ARRAYS / "test.npz")
    inputs = {ANCHOR: ANCHOR_FOLDER / "input_data.json", candidate.name: folder / "input_data.json"}
    if candidate.name == ANCHOR_COPY:
        inputs[ANCHOR_COPY] = inputs[ANCHOR]
    else:
        write_input_data(inputs[candidate.name], config.input[0].name, examples[:REQUESTS])
    with serve([ANCHOR_FOLDER, candidate], params.triton.start_timeout_s) as server:
        for model in (ANCHOR_FOLDER, candidate):
            check_effective_config(server, model)
        answers = None if candidate.name == ANCHOR_COPY else check_answers(server, candidate, examples)
        windows = Windows(server, params, inputs, folder)
        return {
            "cell": candidate.name,
            "server": {"kind": params.triton.server, "version": server.version()},
            "perf_analyzer": windows.command_line(candidate.name, params.perf.concurrency[0]),
            "units": {"perf_analyzer": UNITS, "statistics": STATISTICS_UNITS},
            "config": render(config),
            "answers": answers,
            "levels": [
                {"concurrency": level, "rounds": measure_level(windows, candidate.name, level, params)}
                for level in params.perf.concurrency
            ],
        }


def candidate_folder(name: str, folder: Path) -> Path:
    """Return the model folder of a cell; the anchor's copy is made in `folder`."""
    if name == ANCHOR_COPY:
        copy = shutil.copytree(ANCHOR_FOLDER, folder / ANCHOR_COPY)
        config = read_config(copy / "config.pbtxt")
        config.name = ANCHOR_COPY
        write_text(copy / "config.pbtxt", render(config))
        return copy
    return MODEL_REPOSITORY / name


def main() -> None:
    params = load_params()
    name = argument([*(cell.name for cell in matrix(params)), ANCHOR_COPY])
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measured = measure_cell(candidate_folder(name, folder), params, folder)
    write_json(CELLS / f"{name}.json", measured)


if __name__ == "__main__":
    run_stage(main)
