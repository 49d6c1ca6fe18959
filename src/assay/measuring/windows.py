"""Measure windows of load on the models of one server, and what each cost."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from assay.ground.numerals import counted
from assay.ground.process import StageError
from assay.ground.records.measured import Cost, Row, Statistics, Window
from assay.load.columns import REQUESTS
from assay.load.single_requests import BYTES_A_VALUE, LARGEST_EXPORT, histogram, latencies_us
from assay.load.window import Demand, Load, UnusableWindowError, command, demand_in_words, measure
from assay.measuring.resources import cpu_seconds, finished_children_cpu_seconds
from assay.measuring.soundness import complaint
from assay.serving.client import Protocol, Server
from assay.serving.installation import Installation, find_installation

# A machine busy with something else may stand still for a few windows. The pauses between
# attempts double: half a minute together.
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)
# perf_analyzer starts and ends in a moment, but for reading its requests and waiting for the last answers.
_START_AND_STOP_S = 5
# What stands in a window beside perf_analyzer's own row, and in what units.
UNITS = {
    "statistics.count": "requests",
    "statistics.inference_count": "inferences",
    "statistics.execution_count": "executions",
    "statistics.ns": "nanoseconds",
    "counted_s": "seconds, perf_analyzer's intervals together, in which it counts what is answered",
    "cpu_seconds": "seconds of processor time, in user and system mode; null where the server's cannot be read",
    "seconds": "seconds on the clock, from perf_analyzer's start to its end",
    "latency_bins": "requests by latency, bin n up to 1.01^n microseconds; null where single ones were not exported",
    "server_peak_memory": "bytes, each process at its own peak; null where it cannot be read",
    "model_alone": "microseconds a batch in this process alone, without a server",
    "single_alone_us": "microseconds of one example in this process alone, without a server",
}


@dataclass
class Windows:
    """Measures windows of models on one server; `inputs` are the requests that each is sent.

    `folder` takes temporary files; perf_analyzer runs on `cores`, or where it likes. A window is
    `window_ms` long where its own length is not given. A request holds `batch_size` examples, in
    `shared_memory` or in the message. `answers` is how far each model's, by protocol and batch
    size, were from ONNX Runtime's. `values_a_request`, of each model, asks for the latencies of single
    requests where a window's export is not too large: the first one at a demand, never exported, says it of all.
    A model may be `served_as` another name than it is known by here, and have the `statistics_of` another, an
    ensemble's step.
    """

    server: Server
    inputs: Mapping[str, Path]
    folder: Path
    protocol: Protocol
    window_ms: int
    cores: tuple[int, ...] = ()
    batch_size: int = 1
    shared_memory: bool = False
    answers: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    values_a_request: Mapping[str, int] = field(default_factory=dict)
    served_as: Mapping[str, str] = field(default_factory=dict)
    statistics_of: Mapping[str, str] = field(default_factory=dict)
    installation: Installation = field(default_factory=find_installation)

    def __post_init__(self) -> None:
        self._results = self.folder / "window.csv"
        self._keeps_requests: dict[str, bool] = {}
        self._environment = self.installation.perf_analyzer_environment(self.folder / "libraries")

    def load(self, model: str, demand: Demand, window_ms: int | None = None) -> Load:
        """Return the load that a window of the model applies."""
        return Load(
            model=self.served_as.get(model, model),
            address=self.server.address(self.protocol),
            protocol=self.protocol,
            input_data=self.inputs[model],
            demand=demand,
            window_ms=window_ms or self.window_ms,
            cores=self.cores,
            batch_size=self.batch_size,
            shared_memory=self.shared_memory,
            export=self.folder / "requests.json" if self._keeps_requests.get(_kind(model, demand)) else None,
            patience_s=_START_AND_STOP_S + self.server.patience_s(self.inputs[model].stat().st_size),
        )

    def measure(self, model: str, demand: Demand, window_ms: int | None = None) -> Window:
        """Return one window: perf_analyzer's row, the server's statistics around it, and what it cost.

        A window that holds no measurement, or one that makes no sense, is repeated after a pause, and `repeats` says
        how often. Raises StageError if that does not help or a request failed.
        """
        load = self.load(model, demand, window_ms)
        for repeats, pause_s in enumerate(PAUSES_S):
            try:
                return self._measure_once(model, load, repeats)
            except UnusableWindowError as error:
                if repeats == 1:  # a single one is nothing to tell
                    print(f"measuring a window again and again: {error}", flush=True)
                time.sleep(pause_s)
        return self._measure_once(model, load, len(PAUSES_S))

    def _measure_once(self, model: str, load: Load, repeats: int) -> Window:
        told_by = self.statistics_of.get(model, load.model)
        before = self.server.statistics(told_by)
        began, server, client = time.monotonic(), self._server_cpu_seconds(), finished_children_cpu_seconds()
        row = measure(self.installation.perf_analyzer, self._environment, load, self._results)
        if model in self.values_a_request:
            export_bytes = BYTES_A_VALUE * self.values_a_request[model] * row[REQUESTS]
            # Once: what differed from window to window would keep the requests of quick windows, or of slow ones.
            self._keeps_requests.setdefault(_kind(model, load.demand), export_bytes <= LARGEST_EXPORT)
        cost: Cost = {
            "server": _used(server, self._server_cpu_seconds()),
            "client": _used(client, finished_children_cpu_seconds()),
        }
        seconds = round(time.monotonic() - began, 6)
        after = self.server.statistics(told_by)
        failed = _failures(after) - _failures(before)
        if failed > 0:
            raise StageError(
                f"{counted(failed, 'request')} to {model} failed at {demand_in_words(load.demand)}; "
                "perf_analyzer does not say why, and nothing was recorded; a model that fails now and then cannot be "
                "measured: ask it by itself with `python tools/predict.py`"
            )
        window: Window = {
            "model": model,
            "perf_analyzer": cast("Row", row),
            "statistics": {"before": cast("Statistics", before), "after": cast("Statistics", after)},
            "cpu_seconds": cost,
            "counted_s": round(load.counted_s, 6),
            "seconds": seconds,
            "latency_bins": latency_bins(load.export) if load.export else None,
            "repeats": repeats,
        }
        if why := complaint(window):
            raise UnusableWindowError(
                f"a window of {model} at {demand_in_words(load.demand)} makes no sense: {why}; "
                "let the machine rest, raise perf.window_ms, or have another server measured"
            )
        return window

    def _server_cpu_seconds(self) -> float | None:
        return None if self.server.pid is None else cpu_seconds(self.server.pid)

    def command_line(self, model: str, demand: Demand) -> list[str]:
        """Return the command line of such a window, without this machine's folders."""
        line = command(self.installation.perf_analyzer, self.load(model, demand), self._results)
        return [Path(word).name if word.startswith("/") else word for word in line]


def _kind(model: str, demand: Demand) -> str:
    """Return what tells windows that hold about as many requests from others."""
    return f"{model} at {demand_in_words(demand)}"


def latency_bins(export: Path) -> dict[str, int]:
    """Return the histogram of an export; raises UnusableWindowError if it was cut short."""
    try:
        return histogram(latencies_us(export))
    except StageError as error:
        raise UnusableWindowError(str(error)) from None


def _used(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, 6)


def _failures(statistics: dict[str, Any]) -> int:
    return int(statistics["inference_stats"]["fail"]["count"])
