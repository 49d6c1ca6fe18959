"""One's own examples in datasets/own, as `data.own` in params.yaml describes them.

Three formats: a folder of images for each class, one .npz file with the arrays
x and y, or one CSV file with a column `label` and features in all others.
"""

import math
import unicodedata
from collections.abc import Container
from pathlib import Path

import numpy as np

from assay.ground.quoting import listed, quoted
from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.decoding import UnreadableError, naming
from assay.params.own import Description


def files(folder: Path, own: Description) -> list[Path]:
    """Return the files in a folder that a description stands for; raise StageError that names what does not fit."""
    from assay.learning.formats.folders import class_files, only_file

    if own.format == "images":
        return [path for _, path in class_files(folder, own.classes)]
    return [only_file(folder, f".{own.format}")]


def class_indices(labels: np.ndarray, classes: list[str]) -> np.ndarray:
    """Return labels as indices; names become their place in `classes`.

    Raises UnreadableError, naming the first example whose label is no class, or a class whose name is another's place.
    """
    if np.issubdtype(labels.dtype, np.integer):
        return _of_numbers(labels, classes)
    places = {name: index for index, name in enumerate(classes)}
    names = [unicodedata.normalize("NFC", str(label)) for label in labels]
    for index, name in enumerate(names):
        if name not in places:
            raise UnreadableError(
                f"has the label {quoted(name)} in example {index}; data.own.classes: {listed(classes)}"
            )
    return np.array([places[name] for name in names], np.int64)


def _of_numbers(labels: np.ndarray, classes: list[str]) -> np.ndarray:
    """Return whole numbers as indices: the names of classes, or already their places, whichever they can be.

    Raises UnreadableError where they could be either, and would be other classes, and where they can be neither.
    """
    places = {int(name): index for index, name in enumerate(classes) if name.isdecimal() and str(int(name)) == name}
    found, examples = (each.tolist() for each in np.unique(labels, return_index=True))
    are_names, are_places = set(found) <= set(places), set(found) <= set(range(len(classes)))
    if not are_names and not are_places:
        raise _no_class(dict(zip(found, examples, strict=True)), places, classes)
    if not are_names:
        return labels
    other = next((label for label in found if places[label] != label), None)
    if other is not None and are_places:
        raise UnreadableError(
            f"has whole numbers as labels, and data.own.classes has the class '{other}' in place {places[other]}: "
            f"{other} may be its name or a place; save names in y, as y.astype(str) makes of them, "
            "or np.array(classes)[y] of places"
        )
    return np.array([places[label] for label in labels.tolist()], np.int64)


def _no_class(examples: dict[int, int], names: Container[int], classes: list[str]) -> UnreadableError:
    """Return the error that names the first example whose number is no class, or two of which one alone is a name.

    `examples` has the first one of each number.
    """
    numbers = sorted(examples, key=examples.__getitem__)
    known = f"data.own.classes: {listed(classes)}"
    for number in numbers:
        if number not in names and number not in range(len(classes)):
            return UnreadableError(
                f"has the label {number} in example {examples[number]}, which is no class's name, nor its place from 0 "
                f"to {len(classes) - 1}; {known}"
            )
    name = next(number for number in numbers if number not in range(len(classes)))
    place = next(number for number in numbers if number not in names)
    return UnreadableError(
        f"has the label {name} in example {examples[name]}, which is a class's name, and {place} in example "
        f"{examples[place]}, which is only a place; save names, or places, of all; {known}"
    )


def describe(own: Description | None) -> Dataset:
    """Return the dataset that a description stands for, or that of the shipped one."""
    own = own or Description()
    shape = tuple(own.shape)

    def load(folder: Path) -> Examples:
        if own.format == "images":
            from assay.learning.formats.class_folders import read_class_folders

            return Examples(*read_class_folders(folder, own.classes, shape, own.resize))
        (path,) = files(folder, own)
        with naming(path):
            return _load_file(path)

    def _load_file(path: Path) -> Examples:
        from assay.learning.formats.columns import check_features
        from assay.learning.formats.npz import read_npz
        from assay.learning.formats.stored import as_stored
        from assay.learning.formats.table import read_table

        if own.format == "npz":
            columns = None
            given, labels = read_npz(path, shape)
        else:
            columns, given, labels = read_table(path, math.prod(shape))
        x, y = as_stored(given, shape), class_indices(labels, own.classes)
        if len(shape) == 1:
            check_features(given, x, y, columns)
        return Examples(x, y, columns=columns)

    edition = Edition(f"one's own, {own.format}", files=(), load=load)
    return Dataset(name="own", shape=shape, classes=tuple(own.classes), editions=(edition,))


DATASET = describe
