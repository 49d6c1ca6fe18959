"""A random forest of scikit-learn's on feature vectors."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained
from assay.params.cells import CLASSIFIER
from assay.params.section import Section


class Hyperparameters(Section):
    """models.random_forest in params.yaml."""

    trees: Annotated[int, Field(ge=1, le=100_000)] = 1
    max_depth: Annotated[int, Field(ge=1, le=1000)] | None = 3


def refuses(dataset: Dataset) -> str | None:
    """Return why the dataset does not fit, or None."""
    if len(dataset.shape) == 1:
        return None
    return f"it takes rows of features and an example there has the shape {dataset.shown_shape}"


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:  # noqa: ARG001  a forest has no epochs
    """Fit the forest; it has no use for the validation split."""
    from sklearn.ensemble import RandomForestClassifier

    # Without a seed of its own it draws from NumPy's, which the one in params.yaml has set.
    forest = RandomForestClassifier(n_estimators=hyperparameters.trees, max_depth=hyperparameters.max_depth)
    return Trained({CLASSIFIER: forest.fit(*splits["train"])})


FAMILY = Family(framework="scikit_learn", hyperparameters=Hyperparameters, refuses=refuses, train=train)
