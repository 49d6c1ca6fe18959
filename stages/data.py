"""Turn a dataset's raw files into train, validation and test arrays, or make what a model of one's own is asked.

Reads   reports/raw_data.json, and what it tells of: datasets/<dataset>/, or brought/model/
Writes  artifacts/data/{train,validation,test}.npz; of a model, test.npz, and shapes/ of further shapes
        reports/data.json: examples of each class in each split, and the names of a table's columns
Run     python stages/data.py
"""

from assay.ground.stage import run_stage

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from assay.ground.files import write_json
from assay.ground.numerals import counted
from assay.ground.paths import ARRAYS, DATASETS, RAW_DATA, REPORTS
from assay.ground.process import StageError
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import RawData
from assay.learning.bringing.folder import brought_here
from assay.learning.bringing.made import in_shape, make
from assay.learning.datasets import Arrays, Examples
from assay.learning.loading import load, too_rare
from assay.machine.lock import machine_shared
from assay.params.made_inputs import MadeInput
from assay.tensors.arrays import file_of_test, write_named, write_split
from assay.tensors.named import examples_in
from assay.validation.schema import Params, load_params


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


def divide(params: Params) -> dict[str, Any]:
    """Write the splits of a dataset and return what is to be known of them."""
    dataset = params.raw_data
    examples = load(dataset, DATASETS / dataset.name)
    if why := too_rare(dataset, examples):  # whatever the fractions are
        raise StageError(f"{dataset.name}: {why}")
    splits = split(examples, params.data.validation_fraction, params.data.test_fraction, params.seed)
    for name, (x, y) in splits.items():
        write_split(ARRAYS / f"{name}.npz", x, y)
    counts = {name: class_counts(y, dataset.classes) for name, (_, y) in splits.items()}
    columns = {"columns": examples.columns} if examples.columns else {}
    print("  ".join(f"{name} {sum(each.values()):,}" for name, each in counts.items()))
    return {"dataset": dataset.name, **columns, "class_counts": counts}


def take_samples(raw: dict[str, Any], seed: int) -> dict[str, Any]:
    """Write what a model that was brought is asked and return what is to be known of it."""
    brought, told = brought_here(), [MadeInput.model_validate(each) for each in raw["inputs"]]
    signature = brought.signature
    inputs, labels = brought.asked.examples(signature, told, seed)
    write_named(ARRAYS / "test.npz", inputs, labels)
    for shape in raw["shapes"]:
        write_named(file_of_test(shape), make(signature, in_shape(signature, told, shape), brought.text, seed), None)
    count, found = examples_in(inputs), brought.found
    made = brought.inputs is None or (found is not None and found["told"] is not None)
    print(f"{counted(count, 'example')}, {'made' if made else 'brought'}")
    return {
        "model": raw["model"],
        "examples": count,
        "shapes": {name: list(array.shape[1:]) for name, array in inputs.items()},
        "made": made,
        "labelled": labels is not None,
    }


def main() -> None:
    params, raw = load_params(), read_record(RAW_DATA, RawData)
    with machine_shared():
        found = take_samples(raw, params.seed) if "model" in raw else divide(params)
    write_json(REPORTS / "data.json", found)


if __name__ == "__main__":
    run_stage(main)
