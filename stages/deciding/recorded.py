"""What was decided, from the windows as they lie on the disk: the verdict and the saturation."""

from deciding.saturation import Saturation, at_rate, saturation
from deciding.verdict import Verdict, decide
from models import CLASSIFIER
from parameters.cells import matrix
from parameters.schema import Params
from runtime.files import read_json
from runtime.paths import PARITY, RUNOFF, SATURATION


def recorded_verdict(params: Params) -> Verdict:
    """Return the verdict on the finalists in reports/runoff.json."""
    by_name = {cell.name: cell for cell in matrix(params)}
    measured = read_json(RUNOFF)
    finalists = [by_name[name] for name in measured["finalists"]]
    exports = {name: read_json(PARITY / f"{name}.json")[CLASSIFIER] for name in params.onnx.variants}
    return decide(finalists, measured["rounds"], params, exports)


def recorded_saturation(params: Params) -> Saturation | None:
    """Return what the recommended configuration sustains in an open loop, None if that was not measured."""
    rounds = read_json(SATURATION)["rounds"]
    if not rounds:
        return None
    return saturation(
        [
            at_rate(float(rate), [each["windows"][rate] for each in rounds], params.perf.slo)
            for rate in rounds[0]["windows"]
        ]
    )
