"""How good predictions are, where there are labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_recall_fscore_support, roc_auc_score, roc_curve

from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.tensors.named import Tensors

# Points of a curve that are kept: more are no better to look at.
MOST_POINTS = 200
ROC_COLUMNS = ["class", "area", "false_positive_rate", "true_positive_rate"]


@dataclass(frozen=True)
class Judged:
    """How good a classifier is: scores by split, actual and predicted class of each test example, and ROC curves."""

    scores: dict[str, dict[str, float]]
    predictions: pd.DataFrame
    curves: pd.DataFrame


def judged(
    scores: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    classes: tuple[str, ...],
    more: Mapping[str, Mapping[str, float]] | None = None,
) -> Judged:
    """Judge scores of classes [N, classes] by labels [N], both by split; `more` are scores of other kinds.

    Without a test split there is nothing to judge, and every table is empty.
    """
    found = {
        name: {**classification_scores(labels[name], each.argmax(axis=1)), **(more or {}).get(name, {})}
        for name, each in scores.items()
    }
    if "test" not in scores:
        return Judged(found, pd.DataFrame(columns=["actual", "predicted"]), pd.DataFrame(columns=ROC_COLUMNS))
    actual, answer = labels["test"], scores["test"]
    predictions = {"actual": np.take(classes, actual), "predicted": np.take(classes, answer.argmax(axis=1))}
    return Judged(found, pd.DataFrame(predictions), roc_curves(actual, answer, classes))


def classification_scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return accuracy and the classes' mean F1, precision and recall of class indices, both [N], as shares of 1."""
    precision, recall, f1, _ = precision_recall_fscore_support(actual, predicted, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(actual, predicted)),
        "macro_f1": float(f1),
        "macro_precision": float(precision),
        "macro_recall": float(recall),
    }


def correctness(scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return what is recorded of scores [N, classes] and labels [N]: how many are right of how many, and which not."""
    wrong = np.flatnonzero(scores.argmax(axis=1) != labels)
    return {
        "test_correct": len(labels) - len(wrong),
        "test_examples": len(labels),
        "test_wrong": " ".join(map(str, wrong)),
    }


def class_scores(answers: Tensors, scores: Sequence[str]) -> np.ndarray:
    """Return the scores of classes [N, classes] among the outputs of a model; `scores` are those that have such.

    Raises StageError if there is not one of them, with a row an example.
    """
    found = [name for name in scores if answers[name].ndim == 2]
    if len(found) != 1:
        has = f"several do: {listed(found)}" if found else "none does"
        raise StageError(
            f"labels need one output that scores the classes of an example, floats [N, classes], and {has}; leave the "
            "labels out to compare variants with the model as it came"
        )
    return answers[found[0]]


def roc_curves(actual: np.ndarray, scores: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return the receiver operating characteristic of each class against the rest, a row a point.

    `scores` [N, classes] are larger where a class is likelier. Each curve is thinned to a few
    hundred points; `area` is what lies below all of them. A class without examples has none.
    """
    curves = []
    for index, name in enumerate(classes):
        is_it = actual == index
        if not is_it.any() or is_it.all():
            continue
        false, true, _ = roc_curve(is_it, scores[:, index])
        kept = np.unique(np.linspace(0, len(false) - 1, MOST_POINTS).round().astype(int))
        area = roc_auc_score(is_it, scores[:, index])
        curves.append(pd.DataFrame(dict(zip(ROC_COLUMNS, (name, area, false[kept], true[kept]), strict=True))))
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=ROC_COLUMNS)
