"""Decide between the finalists of the run-off.

Cheap, and apart from what measures before and after it: another limit, another word or another
picture measures nothing again.

Reads   reports/runoff.json, reports/onnx/
Writes  reports/verdict.json: how the finalists compare, and which configuration to run
Run     python stages/verdict.py
"""

from assay.ground.stage import run_stage

from assay.deciding.recorded import write_verdict
from assay.deciding.verdict import Verdict, decide
from assay.ground.paths import PARITY, RUNOFF, VERDICT
from assay.ground.process import StageError
from assay.ground.quoting import quoted
from assay.ground.records.checking import read_record
from assay.ground.records.measured import Runoff, RunoffFile
from assay.ground.records.prepared import Exports, measured
from assay.validation.schema import Params, load_params


def decided(runoff: RunoffFile, params: Params) -> Verdict:
    """Return the verdict on the finalists of a run-off; raises StageError if params.yaml does not ask for one."""
    by_name = {cell.name: cell for cell in params.cells}
    if unknown := [name for name in runoff["finalists"] if name not in by_name]:
        raise StageError(
            f"reports/runoff.json tells of {quoted(unknown[0])}, which params.yaml no longer asks for; run `dvc repro`"
        )
    variants = params.onnx.variants
    return decide(
        [by_name[name] for name in runoff["finalists"]],
        runoff["rounds"],
        {name: measured(read_record(PARITY / f"{name}.json", Exports)) for name in variants},
        params.perf,
        rounds_a_start=params.runoff.rounds,
        repetition=params.triton.repetition,
        variants=variants,
    )


def main() -> None:
    params = load_params()
    runoff = read_record(RUNOFF, Runoff)
    verdict = decided(runoff, params)
    write_verdict(VERDICT, verdict, runoff["measured_at"])
    chosen = verdict.recommended
    print(f"to run: {chosen.cell.name}" if chosen else "to run: none surely meets every limit")


if __name__ == "__main__":
    run_stage(main)
