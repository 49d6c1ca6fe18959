"""Measure one short window of load on one model with one perf_analyzer process."""

import csv
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from assay.ground import stops
from assay.ground.process import StageError, ending_with_us
from assay.ground.quoting import quoted
from assay.ground.supervisor import SHARED_MEMORY
from assay.load.arrivals import RequestRate, intervals_us
from assay.load.columns import DELAYED, REQUESTS, UNITS
from assay.load.shared_memory import MAKE_ROOM
from assay.machine.cores import on_cores
from assay.serving.client import Protocol

# perf_analyzer calls a level stable when its last three windows agree, and prints
# nothing otherwise. Ours may differ as they like: the statistics come later, over
# many calls. So every call measures exactly three windows, reported as one.
WINDOWS = 3
ANY_SPREAD_PERCENT = 999
# What it says when a window stayed empty all the same, because the machine stood still. The last:
# it takes the version whose statistics grew in the window, and none did.
_UNUSABLE = (
    "No valid requests recorded",
    "Failed to obtain stable measurement",
    "failed to find the requested model version",
)
# Rarely, on a machine that is busy with something else, it crashes by itself.
_CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)
# perf_analyzer sleeps this many times the interval it is told.
SLEEP_FACTOR = 1.2
# Beside its windows, where nobody says how long: it starts, reads its requests, and waits for the last answers.
PATIENCE_S = 15.0
# perf_analyzer keeps every request of its intervals, and counts them at the end, more slowly than they were answered:
# 4.4 times as long as its intervals were, of 3.2 million on a busy machine.
COUNTING_FACTOR = 6

# The file that tells perf_analyzer when to send.
INTERVALS = "intervals_us.txt"
_DELAYED = re.compile(r"([\d.]+)% of the requests were delayed")
_REQUESTS = re.compile(r"Request count: (\d+)")


class UnusableWindowError(StageError):
    """A window holds no measurement: too short for a machine as busy as this one, or perf_analyzer crashed in it.

    Or what is said of it makes no sense.
    """


# Requests in flight, a closed loop; or an open one.
Demand = int | RequestRate


@dataclass(frozen=True)
class Load:
    """A demand on one model, sent from some of the cores or from any.

    `batch_size` is the number of examples in a request; `shared_memory` whether they, and the
    answers, stand in the system's shared memory in place of the messages; `export` the file, if
    any, that every single request is written to. `patience_s` is what starting, reading its requests
    and waiting for the last answers may take beside its intervals.
    """

    model: str
    address: str
    protocol: Protocol
    input_data: Path
    demand: Demand
    window_ms: int
    cores: tuple[int, ...] = ()
    batch_size: int = 1
    shared_memory: bool = False
    export: Path | None = None
    patience_s: float = PATIENCE_S

    @property
    def counted_s(self) -> float:
        """How many seconds perf_analyzer's intervals last together."""
        return WINDOWS * SLEEP_FACTOR * self.window_ms / 1000

    @property
    def longest_s(self) -> float:
        """After how many seconds perf_analyzer is given up."""
        return (1 + COUNTING_FACTOR) * self.counted_s + self.patience_s


def demand_in_words(demand: Demand) -> str:
    """Return what is demanded, as in `concurrency 8` or `2,900 requests/s, poisson`."""
    return str(demand) if isinstance(demand, RequestRate) else f"concurrency {demand}"


def _demand(demand: Demand, results: Path) -> list[str]:
    if isinstance(demand, RequestRate):
        # Synchronous senders would wait for answers, as a closed loop does.
        return ["--async", "--request-intervals", str(results.with_name(INTERVALS))]
    return ["--concurrency-range", f"{demand}:{demand}"]


def command(perf_analyzer: Path, load: Load, results: Path) -> list[str]:
    """Return perf_analyzer's command line; it writes one CSV row to `results`, and reads `INTERVALS` beside it."""
    return [
        *on_cores(load.cores),
        str(perf_analyzer),
        "-m",
        load.model,
        "-u",
        load.address,
        "-i",
        load.protocol,
        "--input-data",
        str(load.input_data),
        *_demand(load.demand, results),
        "-b",
        str(load.batch_size),
        *(["--shared-memory", "system"] if load.shared_memory else []),
        *(["--profile-export-file", str(load.export)] if load.export else []),
        "--measurement-mode",
        "time_windows",
        "--measurement-interval",
        str(load.window_ms),
        "--stability-percentage",
        str(ANY_SPREAD_PERCENT),
        "--max-trials",
        str(WINDOWS),
        "--verbose-csv",
        "-f",
        str(results),
    ]


def read_results(path: Path) -> dict[str, float]:
    """Return perf_analyzer's single row: column -> number, in the units of `UNITS`.

    Raises UnusableWindowError if there is no row or not a number in a column; StageError if a column is unknown.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    rows = list(csv.DictReader(text.splitlines()))
    if len(rows) != 1:
        raise UnusableWindowError(f"perf_analyzer reported {len(rows)} rows where one was expected")
    unknown = [str(column) for column in rows[0] if column not in UNITS]
    if unknown:
        raise StageError(f"perf_analyzer reported columns whose unit is unknown: {', '.join(unknown)}")
    try:
        return {column: float(value) for column, value in rows[0].items()}
    except (TypeError, ValueError):
        raise UnusableWindowError(
            f"perf_analyzer reported something that is not a number: {quoted(list(rows[0].values()))}"
        ) from None


def _check_running(load: Load, stopped: int) -> None:
    """Raise UnusableWindowError if this process, and so perf_analyzer, was stopped since it had been so often."""
    if stops.count() > stopped:
        raise UnusableWindowError(f"this process was stopped, and went on, while {load.model} was measured")


def measure(perf_analyzer: Path, environment: dict[str, str], load: Load, results: Path) -> dict[str, float]:
    """Run perf_analyzer once and return its row.

    Raises UnusableWindowError if a window stayed empty, perf_analyzer crashed, or all was stopped
    meanwhile; StageError, with what it printed, if it fails or takes far longer than its windows.
    """
    results.unlink(missing_ok=True)
    stopped = stops.count()
    if load.export:  # perf_analyzer refuses a file that is there
        load.export.unlink(missing_ok=True)
    if isinstance(load.demand, RequestRate):
        # perf_analyzer begins again at the end: half as much again leaves time to start and stop.
        lines = map(str, intervals_us(load.demand, 1.5 * load.counted_s))
        results.with_name(INTERVALS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        finished = subprocess.run(
            ending_with_us(command(perf_analyzer, load, results), "KILL"),
            check=False,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=load.longest_s,
        )
    except subprocess.TimeoutExpired:
        _check_running(load, stopped)
        raise StageError(
            f"perf_analyzer on {load.model} did not finish in {load.longest_s:.0f} s; the server may have stopped "
            "answering; if it only takes longer, raise timeouts.request_s in params.yaml"
        ) from None
    _check_running(load, stopped)
    if finished.returncode in _CRASHES:
        full = load.shared_memory and finished.returncode == -signal.SIGBUS
        why = f": {SHARED_MEMORY} was probably full; {MAKE_ROOM}" if full else ""
        raise UnusableWindowError(f"perf_analyzer on {load.model} crashed with signal {-finished.returncode}{why}")
    if any(text in finished.stdout for text in _UNUSABLE):
        raise UnusableWindowError(
            f"perf_analyzer could not measure {load.model} in windows of perf.window_ms = {load.window_ms}; "
            "let the machine rest or raise perf.window_ms"
        )
    if finished.returncode != 0:
        said = "\n  ".join(line[:200] for line in finished.stdout.strip().splitlines()[-10:])
        raise StageError(f"perf_analyzer on {load.model} failed with exit code {finished.returncode}:\n  {said}")
    return read_results(results) | _beside_the_row(finished.stdout)


def _beside_the_row(printed: str) -> dict[str, float]:
    """Return what perf_analyzer prints and does not write to its row; raises StageError if it does not."""
    counted, delayed = _REQUESTS.search(printed), _DELAYED.search(printed)
    if counted is None:
        raise StageError("perf_analyzer did not print how many requests a window held")
    return {REQUESTS: float(counted[1])} | ({DELAYED: float(delayed[1])} if delayed else {})
