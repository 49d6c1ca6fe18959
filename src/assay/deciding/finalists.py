"""Who reaches the run-off: the cells that may be the best, as far as the screening can tell."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.deciding.objective import OBJECTIVES
from assay.deciding.slo import Check, answer_to_all, check_all
from assay.ground.files import replacing_directory, write_text
from assay.ground.paths import ARTIFACTS, MODEL_REPOSITORY, finalist_list, finalists
from assay.ground.process import StageError
from assay.ground.records.checking import write_record
from assay.ground.records.measured import CellFile, Finalists, Level
from assay.params.cells import Cell
from assay.params.measuring import MOST_FINALISTS
from assay.params.perf import Perf
from assay.statistics.interval import Interval
from assay.statistics.ratio import ratio_of_logs

# A cell has one start of the server, and another start would give another ratio: by 6 % (standard deviation of
# its logarithm, benchmarks/results/configurations.jsonl). Its interval, from within that start, cannot know. So
# much is allowed between two cells that were measured in different starts: three standard deviations.
START_DEVIATION = 0.06
BETWEEN_STARTS = math.exp(3 * math.sqrt(2) * START_DEVIATION)


@dataclass(frozen=True)
class Screened:
    """A cell, how it compares with the anchor in the objective (more is better), and its limits.

    `checks` are of the start that was measured, `hopes` of another, which may be as much faster as they differ.
    """

    cell: Cell
    objective: Interval
    checks: list[Check]
    hopes: list[Check]


def screen(cell: Cell, level: Level, perf: Perf, export: dict[str, Any]) -> Screened:
    """Judge a cell by its rounds at the deciding concurrency and its export's test accuracy."""
    objective = OBJECTIVES[perf.objective]
    windows = [each["windows"] for each in level["rounds"]]
    scores = [objective.score(each["candidate"]) - objective.score(each["anchor"]) for each in windows]
    blocks = [[each["candidate"]] for each in windows]
    checks, hopes = (
        check_all(slo, blocks, export, cell) for slo in (perf.slo, perf.slo.with_latencies(BETWEEN_STARTS))
    )
    return Screened(cell, ratio_of_logs(scores), checks, hopes)


def screen_measured(cell: Cell, measured: CellFile, perf: Perf, export: dict[str, Any]) -> Screened:
    """Judge a cell by its file; raises StageError if it was not measured at the deciding concurrency."""
    concurrency = perf.deciding_concurrency
    level = next((each for each in measured["levels"] if each["concurrency"] == concurrency), None)
    if level is None:
        raise StageError(f"reports/perf/all/{cell.name}.json lacks concurrency {concurrency}; run `dvc repro`")
    return screen(cell, level, perf, export)


def write_finalists(search: str, names: Sequence[str], perf: Perf) -> None:
    """Write who is in the run-off by a way to search: their models' folders and their names, the default one first."""
    with replacing_directory(finalists(search)) as folder:
        for name in names:
            shutil.copytree(MODEL_REPOSITORY / name, folder / name)
    chosen = {
        "concurrency": perf.deciding_concurrency,
        "single_requests": bool(perf.slo.latency_limits_ms),
        "finalists": list(names),
    }
    write_record(finalist_list(search), Finalists, chosen)


def write_places(names: Sequence[str]) -> None:
    """Write a folder for each place in the run-off, with the model that has it: DVC measures it again if another has.

    A place that nobody has holds a word of that, for an empty folder would get lost.
    """
    for place in range(1, MOST_FINALISTS + 1):
        with replacing_directory(ARTIFACTS / f"finalist_{place}") as folder:
            if place > len(names):
                write_text(folder / "nobody", "There are fewer finalists.\n")
            else:
                shutil.copytree(MODEL_REPOSITORY / names[place - 1], folder / names[place - 1])


def choose_finalists(screened: list[Screened], most: int) -> list[Screened]:
    """Return at most `most` cells, the default configuration, which comes first in `screened`, among them.

    The others are the best in the objective, as far as their intervals, and what another start
    may make of them, reach that of the best cell that surely meets every limit. That one is
    always among them: those of which a limit is in doubt may all miss it. A cell that would
    surely fail one in another start, too, is left out.
    """
    default, *others = screened
    possible = [each for each in screened if answer_to_all(each.hopes) != "fails"]
    sure = [each for each in possible if answer_to_all(each.checks) == "meets"]
    best = max(sure or possible, key=lambda each: each.objective.value, default=default)
    close = [each for each in others if each in possible and each.objective.high * BETWEEN_STARTS >= best.objective.low]
    ranked = sorted(close, key=lambda each: (each is best, each.objective.value), reverse=True)[: most - 1]
    return [default, *sorted(ranked, key=lambda each: each.objective.value, reverse=True)]
