"""Which limits on a brought model's answers can be judged, by what it answers and what was brought with it."""

from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.params.perf import Slo
from assay.tensors.rows import FLOATS, with_rows
from assay.tensors.signature import Signature


def limits_without_judge(slo: Slo, signature: Signature, *, labelled: bool) -> dict[str, str]:
    """Return the limits on answers, by name, that nothing known of a model can be judged by, and what each needs."""
    outputs = listed(printable(each.name) for each in signature.outputs)
    found = {}
    if slo.accuracy is not None and not labelled:
        found["accuracy"] = (
            "needs labels, and none were brought; bring them with `--labels labels.npy`, or set perf.slo.agreement, "
            "the least share of answers that are those of the model as it came, or perf.slo.difference"
        )
    if slo.agreement is not None and not with_rows(signature):
        found["agreement"] = (
            f"needs an output that says something row by row, as scores of classes do, and there is only {outputs}, "
            "floats that score none; set perf.slo.difference, the largest difference from the model as it came"
        )
    if slo.difference is not None and not any(each.datatype in FLOATS for each in signature.outputs):
        found["difference"] = (
            f"needs an output of floats, and there is only {outputs}; set perf.slo.agreement, the least share of "
            "answers that are those of the model as it came"
        )
    return found


def check_limits(slo: Slo, signature: Signature, *, labelled: bool) -> None:
    """Raise StageError about the first limit that nothing can be judged by: it would be kept by whoever is asked."""
    for name, what in limits_without_judge(slo, signature, labelled=labelled).items():
        raise StageError(f"perf.slo.{name} {what}")
