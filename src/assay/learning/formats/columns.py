"""Columns that nobody means as features: they say which example it is, or its class, or lose what they say."""

import math
from collections.abc import Iterator

import numpy as np

from assay.ground.quoting import quoted
from assay.learning.formats.decoding import UnreadableError

# With fewer examples, numbers may well follow one another by chance.
LEAST = 10
# So many tables of noise may be taken for ones with the class in them.
BY_CHANCE = 0.01
# What two ways to compute the same may differ by, as a share of it.
NOISE = 2**-48
# Columns are gathered from rows that lie far apart.
AT_ONCE = 64
# Within these, a number and its inverse are 32-bit floats of full precision: what a model scales a column by.
SMALLEST, LARGEST = 1e-30, 1e30
LEFT_OUT_OR_MEANT = (
    "and count one feature less in data.own.shape; or, if it is a feature, say so: "
    "add 0.5 to every value of it, here and in all that the model is asked"
)


def check_features(x: np.ndarray, stored: np.ndarray, y: np.ndarray, columns: tuple[str, ...] | None) -> None:
    """Raise UnreadableError if a column of x [N, columns] numbers the examples or their classes y [N], or loses itself.

    `stored` are the same features as 32-bit floats. What is lost is half of a column's different values, or more.
    """
    _, first, places = np.unique(y, return_index=True, return_inverse=True)
    may_be_chance = _separated_by_chance(y, x.shape[1]) > BY_CHANCE
    for place, (column, kept) in enumerate(zip(_columns(x), _columns(stored), strict=True)):
        name = f"the column {quoted(columns[place])}" if columns else f"column {place} of x"
        if _counts(column):
            raise UnreadableError(_running_number(name, column))
        if not may_be_chance and _is_one_to_one(column, column[first], places) and _is_whole(column):
            raise UnreadableError(
                f"has the class itself in {name}, as a number for each; leave it out, {LEFT_OUT_OR_MEANT}"
            )
        largest = float(np.abs(kept).max())
        if largest and not SMALLEST <= largest <= LARGEST:
            raise UnreadableError(
                f"has no number in {name} that is farther from 0 than {largest:.3g}, and models can scale what lies "
                f"between {SMALLEST:g} and {LARGEST:g}; scale all values of it"
            )
        if lost := _lost(column, kept):
            raise UnreadableError(_few_left(name, *lost))


def telling(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Return the places of columns in x [N, columns] that have a value for each class in y [N], hardly by chance."""
    if _separated_by_chance(y, x.shape[1]) > BY_CHANCE:
        return []
    _, first, places = np.unique(y, return_index=True, return_inverse=True)
    return [place for place, column in enumerate(_columns(x)) if _is_one_to_one(column, column[first], places)]


def ordering(x: np.ndarray) -> list[int]:
    """Return the places of columns in x [N, columns] that number the examples, in whatever steps: none is by chance."""
    if len(x) < LEAST:
        return []
    return [place for place, column in enumerate(_columns(x)) if _only_rises(column) or _only_rises(column[::-1])]


def _only_rises(column: np.ndarray) -> bool:
    return bool(np.all(column[1:] > column[:-1]))


def _columns(x: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, x.shape[1], AT_ONCE):
        yield from np.ascontiguousarray(x[:, start : start + AT_ONCE].T)


def _running_number(name: str, column: np.ndarray) -> str:
    return (
        f"has a running number in {name}, from {int(column.min())} to {int(column.max())}; leave it out, "
        f"as to_csv(…, index=False) does with pandas' index, {LEFT_OUT_OR_MEANT}"
    )


def _few_left(name: str, different: int, kept: int) -> str:
    return (
        f"has {different:,} different values in {name}, and as 32-bit floats, of seven digits, {kept:,}; subtract "
        "what they have in common, the smallest for one, or scale them; if that is meant, write them in seven digits"
    )


def _is_whole(column: np.ndarray) -> bool:
    return column.dtype.kind in "biu" or bool(np.all(column == np.rint(column)))


def _counts(column: np.ndarray) -> bool:
    """Return whether a column has whole numbers at equal distances, each once, in whatever order."""
    if len(column) < LEAST:
        return False
    step, rest = divmod(column.max().item() - column.min().item(), len(column) - 1)
    return step >= 1 and rest == 0 and _is_whole(column) and bool(np.all(np.diff(np.sort(column)) == step))


def _is_one_to_one(column: np.ndarray, values: np.ndarray, places: np.ndarray) -> bool:
    """Return whether each of several classes has a value of its own, its place among these, and no other."""
    return 1 < len(values) == len(np.unique(values)) and np.array_equal(column, values[places])


def _separated_by_chance(y: np.ndarray, columns: int) -> float:
    """Return how many of so many columns of noise may be expected to say the class, had each as many values as those.

    Of all orders in which a column's values may stand, as many are one-to-one with the classes as these can be named.
    """
    counts = np.unique(y, return_counts=True)[1].tolist()
    orders = math.lgamma(len(y) + 1) - sum(math.lgamma(count + 1) for count in counts)
    return columns * math.exp(math.lgamma(len(counts) + 1) - orders)


def _lost(column: np.ndarray, stored: np.ndarray) -> tuple[int, int] | None:
    """Return how many different values a column has, and how many as it is stored; None if these are more than half."""
    with np.errstate(invalid="ignore"):
        if np.array_equal(stored.astype(column.dtype), column):
            return None
    kept = len(np.unique(stored))
    if 2 * kept > len(column):
        return None
    values = np.unique(column)
    noise = 0 if _is_whole(column) else NOISE * np.maximum(np.abs(values[1:]), np.abs(values[:-1]))
    different = 1 + int(np.count_nonzero(np.diff(values) > noise))
    return (different, kept) if different >= 2 * kept else None
