"""Two revisions of a model that was brought: whether their answers are the same, or as good."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import own_models
import pytest

from assay.comparing.brought import compare_brought
from assay.comparing.reference import are_brought
from assay.ground.process import StageError
from assay.params.perf import Slo

X = np.random.default_rng(0).normal(0, 1, (40, 4)).astype(np.float32)


def saved(path: Path, model: onnx.ModelProto | None = None, change: float = 0.0) -> Path:
    """Write a model, with its weights moved a little; return its file."""
    model = model or own_models.dense()
    (weights,) = model.graph.initializer
    moved = onnx.numpy_helper.to_array(weights) + np.float32(change) * own_models.weights(*weights.dims, seed=7)
    weights.CopyFrom(onnx.numpy_helper.from_array(moved.astype(np.float32), weights.name))
    return own_models.save(path, model)


def compared(tmp_path: Path, change: float, labels: np.ndarray | None = None, **slo: Any) -> Any:
    """Return how a model compares with itself, moved a little."""
    models = saved(tmp_path / "old.onnx"), saved(tmp_path / "new.onnx", change=change)
    return compare_brought(models, {"x": X}, labels, Slo(**slo), 0.02)


def test_equal_answers_are_not_worse(tmp_path: Path) -> None:
    """Whatever perf.slo says."""
    result = compared(tmp_path, 0.0)
    assert (result.what, result.answer) == ("answers to 40 examples", "meets")
    assert result.found == "scores says the same in 40 of 40 rows; scores differs by up to 0"


def test_other_answers_are_judged_by_the_limit_or_by_nobody(tmp_path: Path) -> None:
    """Without labels, and without a limit, nobody knows which of two answers is the better."""
    result = compared(tmp_path, 0.3)
    assert result.answer == "cannot tell"
    assert "perf.slo.agreement" in result.takes
    same = int(result.found.split(" of 40")[0].split()[-1])
    assert 20 < same < 40
    assert compared(tmp_path, 0.3, agreement=(same - 1) / 40).answer == "meets"
    assert compared(tmp_path, 0.3, agreement=(same + 1) / 40).answer == "fails"
    assert compared(tmp_path, 0.3, difference=0.9).answer == "meets"
    assert compared(tmp_path, 0.3, agreement=(same - 1) / 40, difference=1e-3).answer == "fails"


def test_the_same_class_by_other_values_is_another_answer(tmp_path: Path) -> None:
    """Scores twice as large say the same class each time: without a limit nobody knows whether that is as good."""
    twice = own_models.dense()
    (weights,) = twice.graph.initializer
    weights.CopyFrom(onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(weights), weights.name))
    models = saved(tmp_path / "old.onnx"), own_models.save(tmp_path / "new.onnx", twice)
    for slo, answer in ((Slo(), "cannot tell"), (Slo(agreement=1), "meets"), (Slo(difference=0.5), "fails")):
        result = compare_brought(models, {"x": X}, None, slo, 0.02)
        assert result.answer == answer
        assert result.found.startswith("scores says the same in 40 of 40 rows; scores differs by up to 1")


def test_models_of_other_shapes_are_refused(tmp_path: Path) -> None:
    """Nothing can be asked of both, or answers cannot be compared value by value; labels judge them all the same."""

    def models(*made: onnx.ModelProto) -> tuple[Path, Path]:
        old, new = (own_models.save(tmp_path / f"{place}.onnx", each) for place, each in enumerate(made))
        return old, new

    for classes in (1, 4):
        both = models(own_models.dense(classes), own_models.dense())
        with pytest.raises(StageError, match=rf"output scores .* is \[{classes}\] in the reference and \[3\] in this"):
            compare_brought(both, {"x": X}, None, Slo(), 0.02)
    both, labels = models(own_models.dense(4), own_models.dense()), np.zeros(len(X), np.int64)
    assert compare_brought(both, {"x": X}, labels, Slo(), 0.02).what == "accuracy on 40 examples"
    longer = own_models.dense()
    longer.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5
    with pytest.raises(StageError, match=r"input x is \[batch, 5\] in the reference and \[batch, 4\] in this"):
        compare_brought(models(longer, own_models.dense()), {"x": X}, None, Slo(), 0.02)


def test_numbers_that_are_no_scores_have_a_limit_of_their_own(tmp_path: Path) -> None:
    """An output of one value an example says nothing by its largest."""

    def answer(change: float, **slo: float) -> str:
        models = [
            saved(tmp_path / name, own_models.dense(classes=1), each)
            for name, each in (("old.onnx", 0.0), ("new.onnx", change))
        ]
        result = compare_brought((models[0], models[1]), {"x": X}, None, Slo.model_validate(slo), 0.02)
        return result.answer

    assert answer(0.0) == "meets"
    assert answer(0.1) == "cannot tell"
    assert answer(0.1, difference=0.9) == "meets"
    assert answer(0.1, difference=1e-5) == "fails"


def test_labels_tell_which_is_better(tmp_path: Path) -> None:
    """The reference is right throughout: another model can only be worse."""
    weights = onnx.numpy_helper.to_array(own_models.dense().graph.initializer[0])
    labels = (X @ weights).argmax(axis=1)
    result = compared(tmp_path, 0.0, labels)
    assert (result.what, result.answer) == ("accuracy on 40 examples", "meets")
    assert compared(tmp_path, 5.0, labels).answer == "fails"


def test_models_of_other_tensors_are_not_compared(tmp_path: Path) -> None:
    """What is of one alone is named."""
    other = own_models.dense()
    other.graph.output[0].name = other.graph.node[0].output[0] = "logits"
    models = saved(tmp_path / "old.onnx", other), saved(tmp_path / "new.onnx")
    with pytest.raises(
        StageError, match="the reference has the outputs 'logits FP32', this working tree 'scores FP32'"
    ):
        compare_brought(models, {"x": X}, None, Slo(), 0.02)


def test_one_that_was_brought_and_one_that_was_trained_are_not_compared() -> None:
    """Neither has what the other is judged by; what an older revision calls its model may be unknown here."""
    assert are_brought("own", "own", "abc")
    assert not are_brought("autoencoder", "of yesterday", "abc")
    with pytest.raises(StageError, match="the model of this working tree, own, was brought, and the other was trained"):
        are_brought("own", "autoencoder", "abc")
    with pytest.raises(StageError, match="the model of abc, own, was brought"):
        are_brought("mlp", "own", "abc")
