"""Compare the answers of two models that were brought, on this working tree's examples: by labels, or by each other."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from assay.comparing.result import Result, accuracy_result
from assay.ground.numerals import counted
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.params.perf import Slo
from assay.scoring.agreement import agreement
from assay.scoring.classification import class_scores
from assay.statistics.limit import Answer, overall
from assay.tensors.named import Tensors, each_alone, examples_in
from assay.tensors.parity import ROUNDING, onnx_answers, onnx_session
from assay.tensors.rows import scored
from assay.tensors.signature import Signature


def check_alike(reference: Signature, workspace: Signature) -> None:
    """Raise StageError unless two models can be asked the same examples, and answer under the same names.

    An axis that one of them leaves free may have any size in the other.
    """
    for kind, ours, theirs in (
        ("inputs", workspace.inputs, reference.inputs),
        ("outputs", workspace.outputs, reference.outputs),
    ):
        taken, wanted = ({f"{each.name} {each.datatype}" for each in tensors} for tensors in (ours, theirs))
        if other := sorted(taken ^ wanted):
            raise StageError(
                f"the reference has the {kind} {listed(sorted(wanted))}, this working tree {listed(sorted(taken))}; "
                f"{listed(other)} is of one alone: the two cannot be compared"
            )
    expected = {each.name: each.axes or () for each in reference.inputs}
    for tensor in workspace.inputs:
        if not _fits(axes := tensor.axes or (), expected[tensor.name]):
            raise StageError(
                f"input {printable(tensor.name)} is {_shown(expected[tensor.name])} in the reference and "
                f"{_shown(axes)} in this working tree: nothing can be asked of both"
            )


def _fits(ours: Sequence[int | str], theirs: Sequence[int | str]) -> bool:
    """Return whether axes may have the same sizes: where both are fixed, they are equal."""
    if len(ours) != len(theirs):
        return False
    return all(
        isinstance(mine, str) or isinstance(other, str) or mine == other
        for mine, other in zip(ours, theirs, strict=True)
    )


def _shown(axes: Sequence[int | str]) -> str:
    return f"[{', '.join(str(axis) or '?' for axis in axes)}]"


def _check_shapes(old: Tensors, new: Tensors) -> None:
    """Raise StageError unless answers to the same examples have the same shapes, and can be compared value by value."""
    for name, answer in old.items():
        if answer.shape[1:] != new[name].shape[1:]:
            raise StageError(
                f"output {printable(name)} of one example is {_shown(answer.shape[1:])} in the reference and "
                f"{_shown(new[name].shape[1:])} in this working tree: they cannot be compared value by value; bring "
                "the model with `--labels`, and it is said which answers are better"
            )


def compare_brought(
    models: tuple[Path, Path], inputs: Tensors, labels: np.ndarray | None, slo: Slo, tolerance: float
) -> Result:
    """Compare the reference's ONNX file with this working tree's, each example asked alone.

    By labels where there are some, else by whether they say the same.
    """
    signatures = [Signature.read(path) for path in models]
    check_alike(*signatures)
    old, new = (
        each_alone(partial(onnx_answers, onnx_session(str(path))), inputs, batched=signature.batched)
        for path, signature in zip(models, signatures, strict=True)
    )
    scores = scored(signatures[1])
    count = counted(examples_in(inputs), "example")
    if labels is None:
        _check_shapes(old, new)
        return _same(f"answers to {count}", old, new, scores, slo)
    equal = all(np.array_equal(each, new[name]) for name, each in old.items())
    right = [class_scores(answers, scores).argmax(axis=1) == labels for answers in (old, new)]
    return accuracy_result(f"accuracy on {count}", (right[0], right[1]), tolerance, equal=equal)


def _same(what: str, old: Tensors, new: Tensors, scores: tuple[str, ...], slo: Slo) -> Result:
    """Say whether answers are those of the reference; how far others may be from it, perf.slo says, or nobody."""
    said, answers = [], list[Answer]()
    for name, each in agreement(old, new, scores).items():
        rows, same, largest = each["rows"], each["same"], each["largest"]
        all_rows, all_values = same == rows, largest is None or largest <= ROUNDING
        limits = []
        if rows:
            said.append(f"{name} says the same in {same:,} of {rows:,} rows")
            if slo.agreement is not None:
                limits.append(all_rows or same / rows >= slo.agreement)
        if largest is not None:
            said.append(f"{name} differs by up to {largest:.2g}")
            if slo.difference is not None:
                limits.append(all_values or largest <= slo.difference)
        if all_rows and all_values:
            answers.append("meets")
        elif limits:
            answers.append("meets" if all(limits) else "fails")
        else:
            answers.append("cannot tell")
    takes = "labels, or perf.slo.agreement and perf.slo.difference in params.yaml,"
    return Result(what, "; ".join(said), overall(answers), takes)
