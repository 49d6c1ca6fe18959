"""Choose the finalists of a race: the default configuration, and those left that may be the best.

The rounds of the race tell who that is: where they are kept, as in a clone of a colleague's, or in an experiment with
another load, the same finalists come out and nothing races anew.

Reads   reports/perf/race/heats.json, reports/onnx/, artifacts/model_repository/
Writes  artifacts/finalists_race/<cell>/, reports/finalists/race.json: the finalists, as stages/finalists.py does
        artifacts/finalist_<place>/: one of them each, or nobody
Run     python stages/contenders.py
"""

from assay.ground.stage import run_stage

from assay.deciding.finalists import write_finalists, write_places
from assay.deciding.objective import OBJECTIVES
from assay.ground.numerals import counted
from assay.ground.paths import MEASURED, PARITY
from assay.ground.records.checking import read_record
from assay.ground.records.measured import RaceFile
from assay.ground.records.prepared import Exports, measured
from assay.params.matrix import ANCHOR
from assay.racing.limits import judge_of
from assay.racing.standing import contenders
from assay.validation.schema import Params, load_params

SEARCH = "race"


def finalists_of(race: RaceFile, params: Params) -> list[str]:
    """Return the names of a race's finalists, the default configuration first."""
    perf = params.perf
    exports = {variant: measured(read_record(PARITY / f"{variant}.json", Exports)) for variant in params.onnx.variants}
    judge = judge_of(params.cells, exports, perf.slo)
    return contenders(race["heats"][-1], OBJECTIVES[perf.objective].score, judge)


def main() -> None:
    params = load_params()
    race = read_record(MEASURED / SEARCH / "heats.json", RaceFile)
    names = finalists_of(race, params)
    write_finalists(SEARCH, names, params.perf)
    write_places(names)
    raced = {name for heat in race["heats"] for each in heat["rounds"] for name in each["windows"]} - {ANCHOR}
    of_whom = f", of {counted(len(raced), 'configuration')} that raced" if raced else ""
    print(f"in the run-off{of_whom}: {', '.join(names)}")


if __name__ == "__main__":
    run_stage(main)
