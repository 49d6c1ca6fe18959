"""Measure the finalists side by side, in one server, over several starts of it.

A cell of the matrix had a server start of its own, and two cells were never measured at
the same time: they only say who may be the best. Here the finalists take turns, in random
order within each round, and the whole is repeated with fresh servers, because a start
can favour one model.

Reads   artifacts/finalists_<search>/, reports/finalists/<search>.json, artifacts/data/test.npz, reports/machine.json
Writes  reports/runoff.json: who is in it, when it ended, and every window; nothing derived
Run     python stages/runoff.py
"""

from assay.ground.stage import run_stage

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import mean

from assay.ground.numerals import amount
from assay.ground.paths import ARRAYS, RUNOFF, STAGES, finalist_list, finalists
from assay.ground.records.checking import read_record, write_record
from assay.ground.records.measured import Finalists, Runoff
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import Candidate, bench, exported, open_journal
from assay.measuring.journal import Journal, complete_starts
from assay.measuring.readings import throughput
from assay.measuring.rounds import Rounds, measure_rounds
from assay.telling.progress import Progress
from assay.validation.schema import Params, load_params


def measure_start(candidates: list[Candidate], chosen: Finalists, journal: Journal, params: Params) -> None:
    """Start the server once and add this start's rounds to the journal."""
    runoff, concurrency = params.runoff, chosen["concurrency"]
    names = [candidate.name for candidate in candidates]

    def of_this_start(rounds: Rounds) -> Rounds:
        return [each for each in rounds if each["start"] == journal.start]

    def in_words(rounds: Rounds) -> str:
        means = {name: mean(throughput(each["windows"][name]) for each in rounds) for name in names}
        return ", ".join(f"{name} {amount(value)}/s" for name, value in means.items())

    with bench(candidates, params.conditions, single_requests=chosen["single_requests"]) as windows:
        journal.new_start()
        done = len(complete_starts(journal.rounds(concurrency), runoff.rounds))
        which = f"{params.triton.repetition} {done + 1} of {runoff.starts}"
        title = f"run-off of {len(names)}, concurrency {concurrency}, {which}"
        with Progress(title, lambda _: runoff.rounds, in_words) as progress:
            measure_rounds(
                windows.server,
                {name: partial(windows.measure, name, concurrency) for name in names},
                concurrency,
                journal,
                seed=params.seed,
                enough=lambda rounds: len(of_this_start(rounds)) >= runoff.rounds,
                progress=lambda rounds: progress.update(of_this_start(rounds)),
            )


def main() -> None:
    params = load_params()
    folders = finalists(params.perf.search)
    chosen = read_record(finalist_list(params.perf.search), Finalists)
    concurrency, runoff = chosen["concurrency"], params.runoff
    inputs = [folders, ARRAYS / "test.npz", STAGES / "runoff.py"]
    journal = open_journal("runoff", inputs, params.conditions, runoff.rounds, chosen["single_requests"])
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
        candidates = exported([folders / name for name in chosen["finalists"]], Path(folder))
        while len(complete_starts(journal.rounds(concurrency), runoff.rounds)) < runoff.starts:
            measure_start(candidates, chosen, journal, params)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    write_record(RUNOFF, Runoff, {**chosen, "measured_at": measured_at, "rounds": journal.rounds(concurrency)})
    journal.close()


if __name__ == "__main__":
    run_stage(main)
