"""What the stages wrote, read and checked, for whoever tells of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.deciding.objective import Objective
from assay.deciding.recorded import read_verdict
from assay.deciding.verdict import Verdict
from assay.ground.files import read_json
from assay.ground.paths import MACHINE, MEASURED, PARITY, REPORTS, RUNOFF, SATURATION, SERVING, TRAINING, VERDICT
from assay.ground.records.checking import read_record
from assay.ground.records.measured import (
    NOBODY,
    CellFile,
    RaceFile,
    Runoff,
    RunoffFile,
    SaturationFile,
    SaturationRounds,
)
from assay.ground.records.prepared import Data, Exports, Machine, RawData, Served, Training
from assay.params.cells import Cell
from assay.params.matrix import ANCHOR_COPY, PLACES, measured_names
from assay.telling.level import LevelSummary, summarise_level


@dataclass(frozen=True)
class Results:
    """The content of the files below reports/: `exports` and `served` by variant, `cells` by name."""

    raw_data: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    machine: Machine
    exports: dict[str, dict[str, Any]]
    served: dict[str, dict[str, Any]]
    cells: dict[str, CellFile]
    runoff: RunoffFile
    decided: Verdict
    saturation: SaturationRounds
    race: RaceFile | None

    @property
    def server(self) -> dict[str, Any]:
        """The kind and the version of the server that was measured."""
        found: dict[str, Any] = self.cells[ANCHOR_COPY]["server"]
        return found

    @property
    def as_configured(self) -> bool:
        """Whether a repository's model was measured as its owner configured it."""
        return bool(self.raw_data.get("computing", {}).get("as_configured"))

    def as_told(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return cells as they are told of: what their names say of instances and batches may not be so."""
        return [replace(cell, as_configured=self.as_configured) for cell in cells]

    @property
    def verdict(self) -> Verdict:
        """The verdict on cells as they are told of."""
        told = self.as_told([each.cell for each in self.decided.finalists])
        finalists = [replace(each, cell=cell) for each, cell in zip(self.decided.finalists, told, strict=True)]
        return replace(self.decided, finalists=finalists)

    def levels(self, name: str, sought: Callable[[int], Objective]) -> list[LevelSummary]:
        """Return the summaries of a cell's levels; `sought` says what was measured for at a concurrency."""
        return [summarise_level(level, sought(level["concurrency"])) for level in self.cells[name]["levels"]]


def read_results(variants: Sequence[str], cells: Sequence[Cell], search: str) -> Results:
    """Read the results of these variants and cells; raises StageError if a file is damaged.

    Of a race, the finalists alone were measured as cells.
    """
    race = search == "race"
    return Results(
        raw_data=read_record(REPORTS / "raw_data.json", RawData),
        data=read_record(REPORTS / "data.json", Data),
        training=read_record(TRAINING, Training),
        machine=read_record(MACHINE, Machine),
        exports={variant: read_record(PARITY / f"{variant}.json", Exports) for variant in variants},
        served={variant: read_record(SERVING / f"{variant}.json", Served) for variant in variants},
        cells=_read_finalists() if race else _read_cells(MEASURED / search, measured_names(cells)),
        runoff=read_record(RUNOFF, Runoff),
        decided=read_verdict(VERDICT),
        saturation=read_record(SATURATION, SaturationFile),
        race=read_record(MEASURED / search / "heats.json", RaceFile) if race else None,
    )


def _read_cells(folder: Path, names: Sequence[str]) -> dict[str, CellFile]:
    return {name: read_record(folder / f"{name}.json", CellFile) for name in names}


def _read_finalists() -> dict[str, CellFile]:
    """Return the finalists of a race, and the anchor's copy, by name."""
    folder = MEASURED / "race"
    taken = [place for place in PLACES if read_json(folder / f"{place}.json") != NOBODY]
    found = _read_cells(folder, [*taken, ANCHOR_COPY])
    return {each["cell"]: each for each in found.values()}
