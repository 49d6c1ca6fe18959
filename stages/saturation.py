"""Find how many requests a second the recommended configuration sustains within its limits.

The load is open: requests are sent at times of their own, as clients send them that do not
know of each other. A few windows at rates that grow, or fall, find where the limits are missed, or
requests cannot be sent in time; the rates around that then take turns, in random order, so that all
of them see the same machine.
Nothing is measured unless `saturation.distribution` says how requests arrive.

Reads   reports/verdict.json, artifacts/finalists_<search>/, artifacts/data/test.npz, reports/machine.json
Writes  reports/saturation.json: every window at each rate, and the first looks that led there
Run     python stages/saturation.py
"""

from assay.ground.stage import run_stage

import random
import tempfile
from functools import partial
from pathlib import Path

from assay.ground.numerals import counted
from assay.ground.paths import ARRAYS, SATURATION, STAGES, VERDICT, finalists
from assay.ground.records.checking import read_record, write_record
from assay.ground.records.measured import SaturationFile
from assay.ground.records.verdicts import DecidedFile, Recommended
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import bench, exported, open_journal
from assay.measuring.journal import Journal
from assay.measuring.rounds import Rounds, measure_rounds
from assay.measuring.windows import Windows
from assay.saturation.rates import Arrivals, measure_at, rate_name, rates_around_limit
from assay.telling.progress import Progress
from assay.validation.schema import Params, load_params

# The journal keeps rounds by concurrency, and here there is none.
NO_CONCURRENCY = 0


def measure_rates(
    windows: Windows, recommended: Recommended, arrivals: Arrivals, journal: Journal, params: Params
) -> Rounds:
    """Return the rounds, those in the journal first: a window at each rate, which names it."""
    model, done = recommended["cell"], journal.rounds(NO_CONCURRENCY)
    chance = random.Random(f"{params.seed} {len(done)}")  # noqa: S311  arrivals are no secret
    if done:
        rates, looks = [float(rate) for rate in done[0]["windows"]], done[0]["first_looks"]
    else:
        rates, looks = rates_around_limit(windows, model, recommended["throughput"], arrivals, chance)
    wanted = params.saturation.rounds
    with Progress(
        f"{model} at {counted(len(rates), 'request rate')}", lambda _: wanted, lambda _: "measured"
    ) as progress:
        progress.resumed(len(done))
        return measure_rounds(
            windows.server,
            {rate_name(rate): partial(measure_at, windows, model, rate, arrivals, chance) for rate in rates},
            NO_CONCURRENCY,
            journal,
            seed=params.seed,
            enough=lambda rounds: len(rounds) >= wanted,
            beside=lambda _: {"first_looks": looks},
            progress=progress.update,
        )


def main() -> None:
    params = load_params()
    distribution, slo = params.saturation.distribution, params.perf.slo
    recommended = read_record(VERDICT, DecidedFile)["recommended"]
    if distribution is None or recommended is None:
        write_record(SATURATION, SaturationFile, {"cell": None, "rounds": []})
        return
    model, arrivals = recommended["cell"], Arrivals(distribution, slo, params.perf.window_ms)
    served = finalists(params.perf.search) / model
    inputs = [served, ARRAYS / "test.npz", STAGES / "saturation.py"]
    journal = open_journal("saturation", inputs, params.conditions, params.saturation.model_dump(), slo.model_dump())
    with (
        machine_to_ourselves(),
        tempfile.TemporaryDirectory() as folder,
        bench(exported([served], Path(folder)), params.conditions, single_requests=True) as windows,
    ):
        journal.new_start()
        rounds = measure_rates(windows, recommended, arrivals, journal, params)
    write_record(SATURATION, SaturationFile, {"cell": model, "rounds": rounds})
    journal.close()


if __name__ == "__main__":
    run_stage(main)
