"""What was decided, from the windows as they lie on the disk: the verdict and the saturation."""

from typing import Any

from deciding.saturation import Saturation, at_rate, saturation
from deciding.verdict import Verdict, decide
from models import CLASSIFIER
from parameters.cells import matrix
from parameters.schema import Params
from runtime.paths import PARITY
from runtime.process import StageError
from runtime.quoting import quoted
from runtime.records.checking import read_record
from runtime.records.prepared import Exports


def recorded_verdict(measured: dict[str, Any], params: Params) -> Verdict:
    """Return the verdict on the finalists of a run-off, as reports/runoff.json holds it."""
    by_name = {cell.name: cell for cell in matrix(params)}
    if unknown := [name for name in measured["finalists"] if name not in by_name]:
        raise StageError(
            f"reports/runoff.json tells of {quoted(unknown[0])}, which params.yaml no longer asks for; run `dvc repro`"
        )
    finalists = [by_name[name] for name in measured["finalists"]]
    exports = {name: read_record(PARITY / f"{name}.json", Exports)[CLASSIFIER] for name in params.onnx.variants}
    return decide(finalists, measured["rounds"], params, exports)


def recorded_saturation(measured: dict[str, Any], params: Params) -> Saturation | None:
    """Return what the recommended configuration sustains, None where that is not asked for.

    `measured` is what reports/saturation.json holds.
    """
    rounds = measured["rounds"]
    if not rounds or params.perf.open_loop.distribution is None:
        return None
    return saturation(
        [
            at_rate(float(rate), [each["windows"][rate] for each in rounds], params.perf.slo)
            for rate in rounds[0]["windows"]
        ],
        rounds[0]["first_looks"],
    )
