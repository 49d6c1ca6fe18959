"""Turn a dataset's raw files into train, validation and test arrays.

Reads   datasets/<dataset>/
Writes  artifacts/data/{train,validation,test}.npz
        reports/data.json: examples of each class in each split, and the names of a table's columns
Run     python stages/data.py
"""

from assay.ground.stage import run_stage

import numpy as np
from sklearn.model_selection import train_test_split

from assay.ground.files import write_json
from assay.ground.paths import ARRAYS, DATASETS, REPORTS
from assay.ground.process import StageError
from assay.learning.datasets import Arrays, Examples
from assay.learning.loading import load, too_rare
from assay.machine.lock import machine_shared
from assay.tensors.arrays import write_split
from assay.validation.schema import load_params


def take(count: int, examples: Arrays, classes: int, seed: int) -> tuple[Arrays, Arrays]:
    """Divide examples into a rest and `count` taken ones, both with the same share of each class.

    Raises StageError if a class would be missing from one of them.
    """
    x, y = examples
    too_few = StageError(
        f"data.validation_fraction or data.test_fraction divides {len(y)} examples into {len(y) - count} and {count}, "
        f"the rarest of {classes} classes has {np.unique(y, return_counts=True)[1].min()}: each split needs one of "
        "every class; change the fractions, or add examples"
    )
    try:
        rest, taken = train_test_split(np.arange(len(y)), test_size=count, stratify=y, random_state=seed)
    except ValueError:  # fewer than two of a class, or less room than classes
        raise too_few from None
    if any(len(np.unique(y[part])) < classes for part in (rest, taken)):
        raise too_few
    return (x[rest], y[rest]), (x[taken], y[taken])


def split(examples: Examples, validation_fraction: float, test_fraction: float, seed: int) -> dict[str, Arrays]:
    """Divide examples into disjoint splits; a test split of the publisher's is kept as it is.

    Raises StageError if a class would be missing from a split.
    """
    pool, test = (examples.x, examples.y), examples.test
    count, classes = len(examples.y), len(np.unique(examples.y))
    if test is None:
        pool, test = take(round(count * test_fraction), pool, classes, seed)
    train, validation = take(round(count * validation_fraction), pool, classes, seed)
    return {"train": train, "validation": validation, "test": test}


def class_counts(y: np.ndarray, classes: tuple[str, ...]) -> dict[str, int]:
    """Return the number of examples of each class, by its name."""
    return {name: int(np.sum(y == index)) for index, name in enumerate(classes)}


def main() -> None:
    params = load_params()
    dataset = params.raw_data
    with machine_shared():
        examples = load(dataset, DATASETS / dataset.name)
        if why := too_rare(dataset, examples):  # whatever the fractions are
            raise StageError(f"{dataset.name}: {why}")
        splits = split(examples, params.data.validation_fraction, params.data.test_fraction, params.seed)
        for name, (x, y) in splits.items():
            write_split(ARRAYS / f"{name}.npz", x, y)
    counts = {name: class_counts(y, dataset.classes) for name, (_, y) in splits.items()}
    columns = {"columns": examples.columns} if examples.columns else {}
    write_json(REPORTS / "data.json", {"dataset": dataset.name, **columns, "class_counts": counts})
    print("  ".join(f"{name} {sum(each.values()):,}" for name, each in counts.items()))


if __name__ == "__main__":
    run_stage(main)
