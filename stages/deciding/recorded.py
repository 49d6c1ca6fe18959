"""What was decided, from the windows as they lie on the disk: the verdict and the saturation."""

from deciding.saturation import Saturation, at_rate, saturation
from deciding.verdict import Verdict, decide
from models import CLASSIFIER
from parameters.cells import matrix
from parameters.schema import Params
from runtime.paths import PARITY, RUNOFF, SATURATION
from runtime.process import StageError
from runtime.quoting import quoted
from runtime.records import Exports, Runoff, SaturationFile, read_record


def recorded_verdict(params: Params) -> Verdict:
    """Return the verdict on the finalists in reports/runoff.json."""
    by_name = {cell.name: cell for cell in matrix(params)}
    measured = read_record(RUNOFF, Runoff)
    if unknown := [name for name in measured["finalists"] if name not in by_name]:
        raise StageError(
            f"reports/runoff.json tells of {quoted(unknown[0])}, which params.yaml no longer asks for; run `dvc repro`"
        )
    finalists = [by_name[name] for name in measured["finalists"]]
    exports = {name: read_record(PARITY / f"{name}.json", Exports)[CLASSIFIER] for name in params.onnx.variants}
    return decide(finalists, measured["rounds"], params, exports)


def recorded_saturation(params: Params) -> Saturation | None:
    """Return what the recommended configuration sustains in an open loop, None if that was not measured."""
    rounds = read_record(SATURATION, SaturationFile)["rounds"]
    if not rounds:
        return None
    return saturation(
        [
            at_rate(float(rate), [each["windows"][rate] for each in rounds], params.perf.slo)
            for rate in rounds[0]["windows"]
        ]
    )
