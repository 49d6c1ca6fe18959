"""Choose the cells that may be the best, for the run-off to measure side by side.

The run-off depends on this choice alone: a new cell that is no match for the others,
or another objective that leaves the same ones in front, measures nothing again.

Reads   the cells that params.yaml names in reports/perf/all/, reports/onnx/,
        artifacts/model_repository/
Removes from reports/perf/all/ what params.yaml no longer names: others would take it for a result of theirs
Writes  artifacts/finalists_all/<cell>/: their model folders
        reports/finalists/all.json: their names, the default configuration first, the concurrency at
        which they are judged, and whether single requests are: where there is a limit on latency
Run     python stages/finalists.py
"""

from assay.ground.stage import run_stage

from assay.deciding.finalists import Screened, choose_finalists, screen_measured, write_finalists
from assay.ground.numerals import counted
from assay.ground.paths import MEASURED, MODEL_REPOSITORY, PARITY
from assay.ground.records.checking import read_record
from assay.ground.records.measured import CellFile
from assay.ground.records.prepared import Exports, measured
from assay.params.cells import Cell
from assay.params.matrix import measured_names
from assay.params.perf import Perf
from assay.serving.model_folder import repeated
from assay.validation.schema import Params, load_params

SEARCH = "all"
CELLS = MEASURED / SEARCH


def screened_cell(cell: Cell, perf: Perf) -> Screened:
    """Return what a cell's rounds say at the deciding concurrency."""
    rounds = read_record(CELLS / f"{cell.name}.json", CellFile)
    return screen_measured(cell, rounds, perf, measured(read_record(PARITY / f"{cell.variant}.json", Exports)))


def remove_other_cells(params: Params) -> None:
    """Remove cells that another params.yaml asked for: DVC keeps those that it may need again in its cache."""
    asked_for = set(measured_names(params.every_cell))
    for path in CELLS.glob("*.json"):
        if path.stem not in asked_for:
            path.unlink()


def main() -> None:
    params = load_params()
    remove_other_cells(params)
    same = repeated(MODEL_REPOSITORY / cell.name for cell in params.cells)  # nothing would tell them apart
    screened = [screened_cell(cell, params.perf) for cell in params.cells if cell.name not in same]
    names = [each.cell.name for each in choose_finalists(screened, params.finalists.at_most)]
    write_finalists(SEARCH, names, params.perf)
    print(f"in the run-off, of {counted(len(screened), 'cell')}: {', '.join(names)}")


if __name__ == "__main__":
    run_stage(main)
