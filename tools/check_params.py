"""Check params.yaml without running anything, and say what it describes.

Reads   params.yaml; reports/perf.json, if there is one: how many requests a window will hold

Run     python tools/check_params.py        (make check)
"""

from assay.ground.stage import run_stage

import math
from dataclasses import replace
from typing import Any

from assay.deciding.objective import OBJECTIVES
from assay.ground.files import read_json
from assay.ground.numerals import counted, unlike
from assay.ground.paths import REPORTS
from assay.ground.process import StageError
from assay.learning import models
from assay.load.window import SLEEP_FACTOR, WINDOWS
from assay.machine.cores import server_cores, usable_cores
from assay.measuring.readings import SPARE
from assay.params.matrix import ANCHOR
from assay.params.moved_and_missing import defaults_taken
from assay.params.stages import PIPELINES
from assay.racing.schedule import windows
from assay.statistics.stopping import LOOKS
from assay.validation.schema import Params, load_params

# Where measuring every cell takes longer, the race is named.
LONG_MINUTES = 10
# What is listed.
MOST_CELLS = 100


def seconds_of_window(params: Params) -> float:
    """Return for how long perf_analyzer counts in one window."""
    return WINDOWS * SLEEP_FACTOR * params.perf.window_ms / 1000


def windows_of_cells(params: Params, cells: int, *, beside: int) -> tuple[int, int]:
    """Return how many windows measuring so many cells takes, at least and at most, and so many levels beside them.

    At each concurrency every round has a window of the candidate and one of the anchor, and one more of each is
    discarded first. The anchor's copy is measured like a cell.
    """
    levels = len(params.perf.concurrency) * (cells + 1) + beside
    least, most = (2 * (rounds + 1) * levels for rounds in (LOOKS[0], LOOKS[-1]))
    return least, most


def windows_to_decide(params: Params, search: str) -> tuple[int, int]:
    """Return how many windows it takes to find finalists by a way to search, and to decide between them.

    At least, and at most: the default configuration may be the only finalist, or there are as many as may be.
    """
    finalists = min(params.finalists.at_most, len(params.cells))
    runoff = params.runoff.starts * (params.runoff.rounds + 1)
    if search == "race":
        least, most = windows_of_cells(params, 1, beside=0)[0], windows_of_cells(params, finalists, beside=0)[1]
        raced = windows(len(params.cells), params.finalists.at_most)
    else:
        least, most = windows_of_cells(params, len(params.every_cell), beside=1)  # ONNX Runtime's own threads
        raced = 0
    return least + raced + runoff, most + raced + finalists * runoff


def said_of_search(params: Params) -> list[str]:
    """Say how many windows, and how many minutes of load, it takes as params.yaml says, and the other way."""
    said, seconds = [], seconds_of_window(params)
    minutes = {search: [seconds * each / 60 for each in windows_to_decide(params, search)] for search in PIPELINES}
    for search, (least, most) in minutes.items():
        few, many = windows_to_decide(params, search)
        chosen = "" if search == params.perf.search else f"with perf.search={search}: "
        unit, per = ("hours", 60) if least > 60 else ("minutes", 1)
        how_long = f"{least / per:,.1f} to {most / per:,.1f} {unit}"
        said.append(f"{chosen}measuring and deciding applies load in {few:,} to {many:,} windows, {how_long}")
    said.sort(key=lambda line: line.startswith("with "))
    if params.perf.search == "all" and minutes["all"][0] > LONG_MINUTES > minutes["race"][0]:
        said.append("so many configurations may race: `dvc exp run` it with -S perf.search=race")
    return said


def check_windows(params: Params) -> str:
    """Say whether windows hold the requests that `perf.objective` needs, by the last report; "" if it needs none.

    Raises StageError if a window would hold too few at the concurrency that decides.
    """
    objective, perf = OBJECTIVES[params.perf.objective], params.perf
    if objective.requests == 1:
        return ""
    seconds, level = seconds_of_window(params), perf.deciding_concurrency
    names = {cell.name for cell in params.cells}
    rates = {
        name: rate
        for row in measured_last(params)
        if row["concurrency"] == level and row["cell"] in names
        for name, rate in ((row["cell"], row["throughput_per_s"]), (ANCHOR, row["anchor_throughput_per_s"]))
    }
    needs = f"perf.objective = {objective.name} needs {objective.requests} requests in every window"
    if not rates:
        return f"{needs}; no report tells how many there will be at concurrency {level}: the first cell will"
    slowest, rate = min(rates.items(), key=lambda each: each[1])
    held = rate * seconds
    if held < objective.requests:
        wanted_ms = math.ceil(SPARE * objective.requests / held * perf.window_ms)
        raise StageError(
            f"{needs}, and by the last report those of {slowest} at concurrency {level} would hold about "
            f"{unlike(held, objective.requests)}; set perf.window_ms to {wanted_ms} or choose another objective"
        )
    return f"{needs}; by the last report there will be {math.floor(held)} or more"


def measured_last(params: Params) -> list[dict[str, Any]]:
    """Return the rows of the last report, if it is of the same model and dataset."""
    path = REPORTS / "perf.json"
    found = read_json(path) if path.exists() else {}
    same = found.get("model") == params.model and found.get("dataset") == params.dataset
    return list(found["cells"]) if same else []


def main() -> None:
    params = load_params()
    cores = server_cores(params.triton, params.load.client_cores, usable_cores())
    as_configured = getattr(params.hyperparameters, "as_configured", False)
    every_cell = [replace(cell, as_configured=as_configured) for cell in params.every_cell]
    cells = [f"{cell.name} ({cell.meaning})" for cell in every_cell]
    subject = "as it was brought" if models.get(params.model).brought else f"on {params.dataset}"
    print(f"params.yaml is valid: {params.model} {subject}, seed {params.seed}")
    print(f"{counted(len(cells), 'cell')} at concurrency {', '.join(map(str, params.perf.concurrency))}:")
    print("\n".join(f"  {name}" for name in cells[:MOST_CELLS]))
    if len(cells) > MOST_CELLS:
        print(f"  and {len(cells) - MOST_CELLS:,} more")
    print(f"the server computes on {counted(cores, 'core')}")
    print("\n".join(said_of_search(params)))
    for line in defaults_taken(params.model_dump(exclude_unset=True), params.model_dump()):
        print(f"not in the file, and taken as {line}")
    if said := check_windows(params):
        print(said)
    if params.saturation.distribution:
        print("the open loop comes on top, with windows as long as its rates and percentiles need")


if __name__ == "__main__":
    run_stage(main)
