"""Whether, and how, two revisions mean the same by an example, a column and a class.

Columns and classes have names, and a revision may have put them into another order: its model is asked
and understood by names, or its answers would be taken for others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.ground.records.learned import Learned
from assay.tensors.arrays import SPLITS, read_split


@dataclass(frozen=True)
class Terms:
    """The order of another revision's columns among ours, None where they have no names; and of our classes among its.

    `columns[j]` is the place of its column j among ours, `classes[i]` that of our class i among its classes.
    """

    columns: list[int] | None
    classes: list[int]

    def asked(self, x: np.ndarray) -> np.ndarray:
        """Return our examples as its model takes them."""
        if self.columns is None:
            return x
        # Pixels, too, have columns where they come from a table.
        return x.reshape(len(x), -1)[:, self.columns].reshape(x.shape)

    def understood(self, scores: np.ndarray) -> np.ndarray:
        """Return its model's scores [N, classes] in the order of our classes."""
        return scores[:, self.classes]

    def labelled(self, y: np.ndarray) -> np.ndarray:
        """Return our labels as its own."""
        return np.take(self.classes, y)


def terms_of(theirs: Learned, ours: Learned) -> Terms | None:
    """Return the terms of another revision; None if it learned of other classes, or from columns of other names."""
    columns = None
    if (named := theirs.get("columns")) and (own := ours.get("columns")):
        if sorted(named) != sorted(own):
            return None
        columns = [own.index(name) for name in named]
    if sorted(theirs["classes"]) != sorted(ours["classes"]):
        return None
    return Terms(columns, [theirs["classes"].index(name) for name in ours["classes"]])


def divided_alike(ours: Path, theirs: Path, terms: Terms) -> bool:
    """Return whether two folders of prepared examples hold the same ones for training, validation and test."""

    def same(name: str) -> bool:
        (x, y), others = read_split(ours / name), read_split(theirs / name)
        return all(map(np.array_equal, (terms.asked(x), terms.labelled(y)), others))

    return all((theirs / f"{name}.npz").exists() and same(f"{name}.npz") for name in SPLITS)
