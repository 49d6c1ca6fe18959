"""Measure rounds: a window of the anchor and one of the candidate, in random order."""

import random
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from parameters.cells import ANCHOR
from parameters.schema import Params
from perf_analyzer.window import Load, UnusableWindowError, command, measure
from runtime.process import StageError
from server.client import Server
from server.installation import Installation, find_installation

ATTEMPTS = 3
STATISTICS_UNITS = {
    "count": "requests",
    "inference_count": "inferences",
    "execution_count": "executions",
    "ns": "nanoseconds",
}


class Windows:
    """Measures windows of the anchor and of a candidate on one server."""

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

        A window that holds no measurement is repeated, a few times, and `repeats`
        says how often. Raises StageError if that does not help or a request failed.
        """
        for repeats in range(ATTEMPTS - 1):
            try:
                return {**self._measure_once(model, concurrency), "repeats": repeats}
            except UnusableWindowError as error:
                print(f"once more: {error}", flush=True)
        return {**self._measure_once(model, concurrency), "repeats": ATTEMPTS - 1}

    def _measure_once(self, model: str, concurrency: int) -> dict[str, Any]:
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
    print(f"{title}: {_in_words(rounds)}", flush=True)
    return rounds


def _in_words(rounds: list[dict[str, Any]]) -> str:
    medians = {
        role: median(each[role]["perf_analyzer"]["Inferences/Second"] for each in rounds)
        for role in ("candidate", "anchor")
    }
    return f"{len(rounds)} rounds, {medians['candidate']:,.0f} inferences/s, the anchor {medians['anchor']:,.0f}"
