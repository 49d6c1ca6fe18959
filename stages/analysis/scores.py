"""How good predictions are."""

import numpy as np
from sklearn.metrics import accuracy_score, f1_score


def classification_scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return accuracy and macro F1 of class indices, both [N], as shares of 1."""
    return {
        "accuracy": float(accuracy_score(actual, predicted)),
        "macro_f1": float(f1_score(actual, predicted, average="macro", zero_division=0)),
    }
