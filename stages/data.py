"""Turn a dataset's raw files into train, validation and test arrays.

Reads   data/<dataset>/, verified by checksum
Writes  artifacts/data/{train,validation,test}.npz
        reports/data.json: examples of each class in each split
Run     python stages/data.py
"""

import numpy as np
from sklearn.model_selection import train_test_split

import datasets
from parameters.schema import load_params
from runtime.arrays import SPLITS, write_split
from runtime.files import write_json
from runtime.paths import ARRAYS, RAW_DATA, REPORTS
from runtime.process import StageError, run_stage

Splits = dict[str, tuple[np.ndarray, np.ndarray]]


def split(x: np.ndarray, y: np.ndarray, validation_fraction: float, test_fraction: float, seed: int) -> Splits:
    """Divide examples into disjoint splits with the same share of each class.

    Raises StageError if a class would be missing from a split.
    """
    count = len(y)
    validation_size, test_size = round(count * validation_fraction), round(count * test_fraction)
    classes = len(np.unique(y))
    if min(validation_size, test_size, count - validation_size - test_size) < classes:
        raise StageError(
            f"data.validation_fraction and data.test_fraction split {count} examples into "
            f"{count - validation_size - test_size}, {validation_size} and {test_size}; "
            f"each split needs at least {classes}, one a class"
        )
    rest, test = train_test_split(np.arange(count), test_size=test_size, stratify=y, random_state=seed)
    train, validation = train_test_split(rest, test_size=validation_size, stratify=y[rest], random_state=seed)
    chosen = dict(zip(SPLITS, (train, validation, test), strict=True))
    return {name: (x[rows], y[rows]) for name, rows in chosen.items()}


def class_counts(y: np.ndarray, classes: tuple[str, ...]) -> dict[str, int]:
    """Return the number of examples of each class, by its name."""
    return {name: int(np.sum(y == index)) for index, name in enumerate(classes)}


def main() -> None:
    params = load_params()
    dataset = datasets.get(params.dataset)
    x, y = dataset.load(RAW_DATA / params.dataset)
    splits = split(x, y, params.data.validation_fraction, params.data.test_fraction, params.seed)
    for name, (examples, labels) in splits.items():
        write_split(ARRAYS / f"{name}.npz", examples, labels)
    counts = {name: class_counts(labels, dataset.classes) for name, (_, labels) in splits.items()}
    write_json(REPORTS / "data.json", {"dataset": params.dataset, "class_counts": counts})


if __name__ == "__main__":
    run_stage(main)
