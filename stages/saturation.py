"""Find how many requests a second the recommended configuration sustains within its limits.

The load is open: requests are sent at times of their own, as clients send them that do not
know of each other. A few windows at rates that grow, or fall, find where the limits are missed, or
requests cannot be sent in time; the rates around that then take turns, in random order, so that all
of them see the same machine.
Nothing is measured unless `perf.open_loop.distribution` says how requests arrive.

Reads   reports/runoff.json, reports/onnx/, artifacts/finalists/, artifacts/data/test.npz,
        reports/machine.json
Writes  reports/saturation.json: every window at each rate, and the first looks that led there
Run     python stages/saturation.py
"""

from runtime.stage import run_stage

import random
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from deciding.recorded import recorded_verdict
from measuring.bench import bench, exported, open_journal
from measuring.journal import Journal
from measuring.open_loop import measure_at, rate_name, rates_around_limit
from measuring.progress import Progress
from measuring.readings import throughput
from measuring.rounds import Rounds, measure_rounds
from measuring.windows import Windows
from parameters.schema import Params, load_params
from runtime.files import write_json
from runtime.lock import machine_to_ourselves
from runtime.numerals import counted
from runtime.paths import ARRAYS, FINALISTS, RUNOFF, SATURATION, STAGES
from runtime.records.checking import read_record
from runtime.records.measured import Runoff

# The journal keeps rounds by concurrency, and here there is none.
NO_CONCURRENCY = 0


def measure_rates(windows: Windows, model: str, closed: float, journal: Journal, params: Params) -> Rounds:
    """Return the rounds, those in the journal first: a window at each rate, which names it."""
    perf, done = params.perf, journal.rounds(NO_CONCURRENCY)
    chance = random.Random(f"{params.seed} {len(done)}")  # noqa: S311  arrivals are no secret
    if done:
        rates, looks = [float(rate) for rate in done[0]["windows"]], done[0]["first_looks"]
    else:
        rates, looks = rates_around_limit(windows, model, closed, perf, chance)
    wanted = perf.open_loop.rounds
    with Progress(
        f"{model} at {counted(len(rates), 'request rate')}", lambda _: wanted, lambda _: "measured"
    ) as progress:
        progress.resumed(len(done))
        return measure_rounds(
            windows.server,
            {rate_name(rate): partial(measure_at, windows, model, rate, perf, chance) for rate in rates},
            NO_CONCURRENCY,
            journal,
            seed=params.seed,
            enough=lambda rounds: len(rounds) >= wanted,
            beside=lambda _: {"first_looks": looks},
            progress=progress.update,
        )


def main() -> None:
    params = load_params()
    runoff = read_record(RUNOFF, Runoff)
    perf, recommended = params.perf, recorded_verdict(runoff, params).recommended
    if perf.open_loop.distribution is None or recommended is None:
        write_json(SATURATION, {"cell": None, "rounds": []})
        return
    model = recommended.cell.name
    closed = median(throughput(each["windows"][model]) for each in runoff["rounds"])
    inputs = [FINALISTS / model, ARRAYS / "test.npz", STAGES / "saturation.py"]
    journal = open_journal("saturation", inputs, params, perf.open_loop.model_dump(), perf.slo.model_dump())
    with (
        machine_to_ourselves(),
        tempfile.TemporaryDirectory() as folder,
        bench(exported([FINALISTS / model], Path(folder)), params, single_requests=True) as windows,
    ):
        journal.new_start()
        rounds = measure_rates(windows, model, closed, journal, params)
    write_json(SATURATION, {"cell": model, "rounds": rounds})
    journal.close()


if __name__ == "__main__":
    run_stage(main)
