"""Choose the cells that may be the best, for the run-off to measure side by side.

The run-off depends on this choice alone: a new cell that is no match for the others,
or another objective that leaves the same ones in front, measures nothing again.

Reads   the cells that params.yaml names in reports/perf/, reports/onnx/,
        artifacts/model_repository/
Removes from reports/perf/ what params.yaml no longer names: others would take it for a result of theirs
Writes  artifacts/finalists/<cell>/: their model folders
        reports/finalists.json: their names, the default configuration first, the concurrency at
        which they are judged, and whether single requests are: where there is a limit on latency
Run     python stages/finalists.py
"""

from runtime.stage import run_stage

import shutil

from deciding.finalists import Screened, choose_finalists, screen_measured
from models import CLASSIFIER
from parameters.cells import Cell, matrix, measured_cells
from parameters.schema import Params, load_params
from runtime.files import replacing_directory, write_json
from runtime.numerals import counted
from runtime.paths import CELLS, FINALIST_LIST, FINALISTS, MODEL_REPOSITORY, PARITY
from runtime.records.checking import read_record
from runtime.records.measured import CellFile
from runtime.records.prepared import Exports


def screened_cell(cell: Cell, params: Params) -> Screened:
    """Return what a cell's rounds say at the deciding concurrency."""
    measured = read_record(CELLS / f"{cell.name}.json", CellFile)
    return screen_measured(cell, measured, params, read_record(PARITY / f"{cell.variant}.json", Exports)[CLASSIFIER])


def remove_other_cells(params: Params) -> None:
    """Remove cells that another params.yaml asked for: DVC keeps those that it may need again in its cache."""
    asked_for = set(measured_cells(params))
    for path in CELLS.glob("*.json"):
        if path.stem not in asked_for:
            path.unlink()


def main() -> None:
    params = load_params()
    remove_other_cells(params)
    screened = [screened_cell(cell, params) for cell in matrix(params)]
    names = [each.cell.name for each in choose_finalists(screened, params.perf.runoff.finalists)]
    with replacing_directory(FINALISTS) as folder:
        for name in names:
            shutil.copytree(MODEL_REPOSITORY / name, folder / name)
    chosen = {
        "concurrency": params.perf.deciding_concurrency,
        "single_requests": bool(params.perf.slo.latency_limits_ms),
        "finalists": names,
    }
    write_json(FINALIST_LIST, chosen)
    print(f"in the run-off, of {counted(len(screened), 'cell')}: {', '.join(names)}")


if __name__ == "__main__":
    run_stage(main)
