"""How good predictions are."""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_recall_fscore_support, roc_auc_score, roc_curve

# Points of a curve that are kept: more are no better to look at.
MOST_POINTS = 200


def classification_scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return accuracy and the classes' mean F1, precision and recall of class indices, both [N], as shares of 1."""
    precision, recall, f1, _ = precision_recall_fscore_support(actual, predicted, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(actual, predicted)),
        "macro_f1": float(f1),
        "macro_precision": float(precision),
        "macro_recall": float(recall),
    }


def roc_curves(actual: np.ndarray, scores: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return the receiver operating characteristic of each class against the rest, a row a point.

    `scores` [N, classes] are larger where a class is likelier. Each curve is thinned to a few
    hundred points; `area` is what lies below all of them.
    """
    curves = []
    for index, name in enumerate(classes):
        is_it = actual == index
        false, true, _ = roc_curve(is_it, scores[:, index])
        kept = np.unique(np.linspace(0, len(false) - 1, MOST_POINTS).round().astype(int))
        area = roc_auc_score(is_it, scores[:, index])
        points = {"false_positive_rate": false[kept], "true_positive_rate": true[kept]}
        curves.append(pd.DataFrame({"class": name, "area": area, **points}))
    return pd.concat(curves, ignore_index=True)
