"""Columns that nobody means as features: they say which example it is, or its class, and nothing about it."""

import numpy as np

from runtime.quoting import quoted
from sources.decoding import UnreadableError

# With fewer examples, numbers may well follow one another by chance.
LEAST = 10


def check_features(x: np.ndarray, y: np.ndarray, columns: tuple[str, ...] | None) -> None:
    """Raise UnreadableError if a column of x [N, columns] counts the examples, or repeats their classes y [N]."""
    if len(x) < LEAST:
        return
    for place in range(x.shape[1]):
        name = f"the column {quoted(columns[place])}" if columns else f"column {place} of x"
        if np.all(np.diff(x[:, place]) == 1):
            raise UnreadableError(
                f"has a running number in {name}, from {x[0, place]:g} to {x[-1, place]:g}; leave it out, "
                "as to_csv(…, index=False) does with pandas' index, or shuffle the examples if it is meant"
            )
        if np.array_equal(x[:, place], y):
            raise UnreadableError(f"has the class itself in {name}, by its number; leave it out")
