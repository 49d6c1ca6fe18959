"""Measure one cell of the matrix against the anchor, in one server.

At each concurrency, rounds of one short window for the anchor and one for the
candidate follow each other, in random order within a round: whatever the machine
does to one, it does to the other. A level ends when its ratio is known to
`screening.precision`: of the objective at the concurrency that decides, of throughput at
others. A killed run goes on from the rounds that it has measured.

Beside the matrix there are two cells to judge the others by: `anchor_copy` measures
the anchor against itself, `default_threads` a configuration without the number of
threads that all others state. Of a race, the finalists alone are measured so, by their places.

Reads   artifacts/model_repository/<cell>/ or finalist_<place>/, artifacts/data/test.npz or shapes/<shape>.npz (its
        requests), reports/machine.json, triton/ (the anchor, its requests, our backend)
Writes  reports/perf/<search>/<cell>.json: every window as perf_analyzer and the server's
        statistics told it, and what it cost; nothing derived
Run     python stages/perf.py fp32-1-64-off
"""

from assay.ground.stage import argument, run_stage

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from assay.deciding.objective import against_anchor, against_anchor_in_words, sought
from assay.ground.dvc_lock import check_parameters
from assay.ground.files import write_json
from assay.ground.paths import ARTIFACTS, MEASURED, MODEL_REPOSITORY, ROOT, STAGES
from assay.ground.records.checking import write_record
from assay.ground.records.measured import NOBODY, Beside, CellFile, Round
from assay.load.columns import UNITS
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import Candidate, anchor, anchor_copy, bench, exported, open_journal
from assay.measuring.journal import Journal
from assay.measuring.readings import effective_batch
from assay.measuring.rounds import Rounds, measure_rounds
from assay.measuring.windows import UNITS as WINDOW_UNITS
from assay.measuring.windows import Windows
from assay.params.matrix import ANCHOR, ANCHOR_COPY, DEFAULT_THREADS, PLACES, measured_names, served_as
from assay.params.stages import before_measuring
from assay.profiling.model_alone import ModelAlone
from assay.serving.model_config import read_config, render
from assay.serving.model_folder import CONFIG, computing_of, reference_of
from assay.statistics.stopping import enough, next_look
from assay.telling.progress import Progress
from assay.tensors.arrays import file_of_test
from assay.validation.schema import Params, load_params


def levels(name: str, params: Params) -> list[int]:
    """Return the concurrencies at which a cell is measured: the evidence about threads needs one."""
    return [params.perf.deciding_concurrency] if name == DEFAULT_THREADS else params.perf.concurrency


def measure_level(
    windows: Windows, name: str, concurrency: int, journal: Journal, *, alone: ModelAlone | None, params: Params
) -> Rounds:
    """Return the rounds of a cell at one concurrency."""

    def model_alone(measured: Round) -> Beside:
        if alone is None:
            return {"model_alone": None}
        batch = round(effective_batch([measured["windows"]["candidate"]]))
        return {"model_alone": {"batch": batch, "us": alone.microseconds(batch)}}

    every, its_levels = measured_names(params.every_cell), levels(name, params)
    which = f"cell {every.index(name) + 1} of {len(every)}, " if params.perf.search == "all" else ""
    level, objective = its_levels.index(concurrency) + 1, sought(concurrency, params.perf)
    title = f"{which}{name}, concurrency {concurrency} ({level} of {len(its_levels)})"
    with Progress(title, next_look, partial(against_anchor_in_words, objective=objective)) as progress:
        progress.resumed(len(journal.rounds(concurrency)))
        return measure_rounds(
            windows.server,
            {
                "anchor": partial(windows.measure, ANCHOR, concurrency),
                "candidate": partial(windows.measure, served_as(name, params.every_cell)[0], concurrency),
            },
            concurrency,
            journal,
            seed=params.seed,
            enough=lambda rounds: enough(against_anchor(rounds, objective), params.screening.precision),
            beside=model_alone,
            progress=progress.update,
        )


def measure_cell(name: str, candidate: Candidate, journal: Journal, params: Params) -> dict[str, Any]:
    """Serve a cell's candidate beside the anchor and return everything that was measured."""
    with bench([anchor(), candidate], params.conditions) as windows:
        # A server that runs elsewhere computes on another processor, and what is no ONNX file nothing but a server.
        here = params.triton.server != "url" and not reference_of(candidate.folder)
        alone = ModelAlone(candidate.folder, candidate.examples) if here else None
        journal.new_start()
        return {
            "cell": name,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "server": {"kind": params.triton.server, "version": windows.server.version()},
            "perf_analyzer": windows.command_line(candidate.name, params.perf.concurrency[0]),
            "units": {"perf_analyzer": UNITS, **WINDOW_UNITS},
            "config": render(read_config(computing_of(candidate.folder) / CONFIG)),
            "answers": windows.answers,
            "single_alone_us": alone.single() if alone else None,
            "levels": [
                {
                    "concurrency": level,
                    "rounds": measure_level(windows, name, level, journal, alone=alone, params=params),
                }
                for level in levels(name, params)
            ],
        }


def found_under(asked: str, params: Params) -> tuple[str, Path, str] | None:
    """Return the name, the folder and the shape of what is measured; None of a place that no finalist of a race has."""
    if asked in PLACES:
        return next(((folder.name, folder, "") for folder in (ARTIFACTS / asked).glob("*/")), None)
    model, shape = served_as(asked, params.every_cell)
    return asked, MODEL_REPOSITORY / model, shape


def main() -> None:
    params = load_params()
    asked = argument([*measured_names(params.every_cell), *PLACES])
    result = MEASURED / params.perf.search / f"{asked}.json"
    if (found := found_under(asked, params)) is None:
        write_json(result, NOBODY)
        return
    name, served, shape = found
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
        if name == ANCHOR_COPY:
            candidate, own = anchor_copy(Path(folder)), []
        else:
            (candidate,), own = exported([served], Path(folder), shape), [served, file_of_test(shape)]
            check_parameters(ROOT, before_measuring(params.onnx.variants), params.model_dump(exclude_unset=True))
        journal = open_journal(asked, [*own, STAGES / "perf.py"], params.conditions)
        measured = measure_cell(name, candidate, journal, params)
    write_record(result, CellFile, measured)
    journal.close()


if __name__ == "__main__":
    run_stage(main)
