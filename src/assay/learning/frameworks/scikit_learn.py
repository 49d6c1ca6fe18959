"""Scikit-learn classifiers, saved by skops without pickle, converted by skl2onnx."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from assay.ground.files import reading
from assay.learning.frameworks import Framework
from assay.tensors.named import Tensors, only
from assay.tensors.releases import IR_VERSION, TARGET

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

# skl2onnx's name for them.
PROBABILITIES = "probabilities"


def make_deterministic(seed: int) -> None:
    """Seed NumPy's generator, from which estimators without a seed of their own draw."""
    np.random.seed(seed)


def save(model: "ClassifierMixin", path: Path) -> None:
    """Write a fitted classifier."""
    import skops.io

    skops.io.dump(model, path)


def load(path: Path) -> "ClassifierMixin":
    """Read a fitted classifier of our own making: nothing but scikit-learn's types is trusted."""
    import skops.io

    # A forged tree could make scikit-learn read beyond its arrays; this one comes from the training stage.
    with reading(path, "a classifier of scikit-learn's"):
        return skops.io.load(path, trusted=["sklearn.tree._tree.Tree"])


def answer(model: "ClassifierMixin", inputs: Tensors) -> Tensors:
    """Return the probability of each class, [N, classes]."""
    return {PROBABILITIES: np.asarray(model.predict_proba(only(inputs)), np.float32)}


def to_onnx(model: "ClassifierMixin", opset: int, path: Path) -> None:
    """Convert a classifier of feature vectors to one that gives probabilities alone, and write the file.

    The label that skl2onnx adds is left out: it is where the probability is largest.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

    both = convert_sklearn(
        model,
        name="classifier",
        initial_types=[("features", FloatTensorType([None, model.n_features_in_]))],
        options={id(model): {"zipmap": False}},
        target_opset={"": opset, "ai.onnx.ml": TARGET.ml_opset},
    )
    converted: onnx.ModelProto = select_model_inputs_outputs(both, [PROBABILITIES])
    (probabilities,) = converted.graph.output
    probabilities.CopyFrom(both.graph.output[1])
    for tensor in (*converted.graph.input, probabilities):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    probabilities.type.tensor_type.shape.dim[1].dim_value = len(model.classes_)
    converted.ir_version = IR_VERSION
    onnx.save(converted, path)


FRAMEWORK = Framework(".skops", make_deterministic, save, load, answer, to_onnx)
