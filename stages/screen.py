"""Let the configurations of the matrix race in one server; stages/contenders.py chooses among those that are left.

All of them are loaded together and measured by turns, in short rounds; again and again the better half stays. The
default configuration stays to the end, the anchor is in every round. What the server refuses, or dies of, falls out
with its reason, and the others go on. A matrix that the memory does not hold in one server races in groups, winners
against winners. A killed run goes on from the rounds that it has measured.

Reads   artifacts/model_repository/, artifacts/data/test.npz, reports/onnx/, reports/machine.json, triton/ (the anchor)
Writes  reports/perf/race/heats.json: every window of the race; nothing derived
Run     python stages/screen.py
"""

from assay.ground.stage import run_stage

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from assay.deciding.objective import OBJECTIVES
from assay.ground.dvc_lock import check_parameters
from assay.ground.numerals import counted
from assay.ground.paths import ARRAYS, MEASURED, MODEL_REPOSITORY, PARITY, ROOT, STAGES
from assay.ground.records.checking import read_record, write_record
from assay.ground.records.measured import Heat, RaceFile
from assay.ground.records.prepared import Exports, measured
from assay.machine.lock import machine_to_ourselves
from assay.machine.memory import available_memory
from assay.measuring.bench import Candidate, exported, open_journal
from assay.measuring.journal import Journal
from assay.measuring.rounds import Rounds
from assay.params.stages import before_measuring
from assay.racing.brackets import brackets
from assay.racing.limits import entrants, judge_of
from assay.racing.memory import bounded, memory_needs
from assay.racing.race import HeatRun, Rules, in_words, run_heats
from assay.racing.schedule import ends
from assay.serving.model_folder import repeated
from assay.telling.progress import Progress
from assay.validation.schema import Params, load_params


def rules_of(params: Params, exports: dict[str, Any]) -> Rules:
    """Return how configurations are measured and judged.

    For each two of them a server may take as long to start as `timeouts.start_s` is, which is for a cell and the
    anchor: but an hour at most.
    """
    perf = params.perf
    longer = min(3600, params.timeouts.start_s * math.ceil((1 + len(params.cells)) / 2))
    timeouts = params.timeouts.model_copy(update={"start_s": longer})
    return Rules(
        conditions=replace(params.conditions, timeouts=timeouts),
        concurrency=perf.deciding_concurrency,
        score=OBJECTIVES[perf.objective].score,
        judge=judge_of(params.cells, exports, perf.slo),
        single_requests=bool(perf.slo.latency_limits_ms),
    )


def run_heat(
    name: str,
    names: Sequence[str],
    survivors: int,
    *,
    candidates: dict[str, Candidate],
    rules: Rules,
    params: Params,
    journals: list[Journal],
) -> tuple[Heat, Sequence[str]]:
    """Run a heat, or go on with it, and add its journal to the others; return it and who is left."""
    inputs = [*(MODEL_REPOSITORY / each for each in names), ARRAYS / "test.npz", STAGES / "screen.py"]
    settings = [survivors, params.perf.objective, params.perf.slo.model_dump()]
    journal = open_journal(name, inputs, params.conditions, *settings)
    journals.append(journal)
    planned = list(ends(len(names), survivors))
    title = f"race of {counted(len(names), 'configuration')}, concurrency {rules.concurrency}"

    def aim(done: int) -> int:
        return next((end for end in planned if end > done), planned[-1] if planned else done)

    def said(rounds: Rounds) -> str:
        return in_words(rules.score, rounds, [each for each in names if each in rounds[-1]["windows"]])

    with Progress(title, aim, said) as progress:
        progress.resumed(len(journal.rounds(rules.concurrency)))
        run = HeatRun([candidates[each] for each in names], survivors, journal, rules, progress.update)
        heat = run.run()
    return heat, run.standing.left


def main() -> None:
    params = load_params()
    check_parameters(ROOT, before_measuring(params.onnx.variants), params.model_dump(exclude_unset=True))
    records = {variant: read_record(PARITY / f"{variant}.json", Exports) for variant in params.onnx.variants}
    exports = {variant: measured(record) for variant, record in records.items()}
    same_as = repeated(MODEL_REPOSITORY / cell.name for cell in params.cells)
    different = [cell for cell in params.cells if cell.name not in same_as]
    rules = rules_of(params, exports)
    cells = entrants(different, rules.judge)
    instances = {cell.name: cell.instances for cell in cells}
    file_bytes = {variant: export["file_bytes"] for variant, export in exports.items()}
    default, survivors, journals = cells[0].name, params.finalists.at_most, list[Journal]()
    with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
        available = available_memory()
        found = exported([MODEL_REPOSITORY / cell.name for cell in cells], Path(folder))
        candidates = {each.name: bounded(each, rules.concurrency) for each in found}
        needs = memory_needs(cells, candidates, file_bytes, params.conditions)
        heats = run_heats(
            list(needs),
            survivors,
            lambda names: brackets({name: needs[name] for name in names}, instances, default, available),
            partial(run_heat, candidates=candidates, rules=rules, params=params, journals=journals),
        )
    result = {
        "concurrency": rules.concurrency,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "same_as": same_as,
        "heats": heats,
    }
    write_record(MEASURED / "race" / "heats.json", RaceFile, result)
    for each in journals:
        each.close()


if __name__ == "__main__":
    run_stage(main)
