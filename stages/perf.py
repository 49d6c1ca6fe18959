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

import random
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from parameters.cells import ANCHOR, ANCHOR_COPY, matrix
from parameters.schema import Params, load_params
from perf_analyzer.input_data import write_input_data
from perf_analyzer.window import UNITS, Load, command, measure
from runtime.arrays import read_split
from runtime.files import write_json, write_text
from runtime.paths import ANCHOR as ANCHOR_FOLDER
from runtime.paths import ARRAYS, CELLS, MODEL_REPOSITORY
from runtime.process import StageError, argument, run_stage
from server.answers import check_answers, check_effective_config
from server.client import Server
from server.embedded import serve
from server.installation import Installation, find_installation
from server.lock import machine_to_ourselves
from server.model_config import read_config, render

STATISTICS_UNITS = {
    "count": "requests",
    "inference_count": "inferences",
    "execution_count": "executions",
    "ns": "nanoseconds",
}
# Enough different requests that no cache of one input helps; sent in turn, again and again.
REQUESTS = 256


class Windows:
    """Measures windows of either model on one server."""

    def __init__(self, server: Server, params: Params, inputs: Mapping[str, Path], folder: Path) -> None:
        self.server, self.params, self.inputs = server, params, inputs
        self.results = folder / "window.csv"
        self.installation: Installation = find_installation()
        self.environment = self.installation.perf_analyzer_environment(folder / "libraries")

    def load(self, model: str, concurrency: int) -> Load:
        """Return the load that a window of the model at a concurrency applies."""
        perf = self.params.perf
        return Load(
            model=model,
            address=self.server.address(perf.protocol),
            protocol=perf.protocol,
            input_data=self.inputs[model],
            concurrency=concurrency,
            window_ms=perf.window_ms,
        )

    def measure(self, model: str, concurrency: int) -> dict[str, Any]:
        """Return one window: perf_analyzer's row and the server's statistics around it.

        Raises StageError if a request failed.
        """
        before = self.server.statistics(model)
        row = measure(self.installation.perf_analyzer, self.environment, self.load(model, concurrency), self.results)
        after = self.server.statistics(model)
        failed = _failures(after) - _failures(before)
        if failed:
            raise StageError(f"{failed} requests to {model} failed at concurrency {concurrency}; nothing was recorded")
        return {"perf_analyzer": row, "statistics": {"before": before, "after": after}}

    def command_line(self, model: str, concurrency: int) -> list[str]:
        """Return the command line of such a window, without this machine's folders."""
        line = command(self.installation.perf_analyzer, self.load(model, concurrency), self.results)
        return [Path(word).name if word.startswith("/") else word for word in line]


def _failures(statistics: dict[str, Any]) -> int:
    return int(statistics["inference_stats"]["fail"]["count"])


def measure_level(windows: Windows, candidate: str, concurrency: int, params: Params) -> list[dict[str, Any]]:
    """Return the rounds at one concurrency, after one discarded window of each model."""
    order = random.Random(f"{params.seed} {candidate} {concurrency}")  # noqa: S311  shuffling is no secret
    models = {"anchor": ANCHOR, "candidate": candidate}
    for model in models.values():
        windows.measure(model, concurrency)
    rounds = []
    title = f"{candidate} at concurrency {concurrency}"
    for _ in tqdm(range(params.perf.rounds), desc=title, unit="round", disable=not sys.stderr.isatty()):
        roles = order.sample(sorted(models), k=len(models))
        measured = {role: windows.measure(models[role], concurrency) for role in roles}
        rounds.append({"order": roles, **measured})
    return rounds


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
