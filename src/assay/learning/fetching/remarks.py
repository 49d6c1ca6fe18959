"""What whoever brings examples along should know of them, though it may be as it should."""

from collections.abc import Iterator

import numpy as np

from assay.ground.numerals import agreeing, amount
from assay.ground.quoting import listed
from assay.learning.formats.columns import ordering, telling


def remarks(x: np.ndarray, y: np.ndarray, columns: tuple[str, ...] | None, *more: np.ndarray) -> Iterator[str]:
    """Return sentences about examples x [N, …], their classes y [N], and examples that stand beside them."""
    count = len(x) + sum(map(len, more))
    if repeated := copies(x, *more):
        yield (
            f"{repeated:,} of {count:,} ({amount(100 * repeated / count)} %) {agreeing(repeated, 'has', 'have')} "
            "all values of an earlier one; leave out what is a copy: a model is not tested by what it has learned from"
        )
    if x.ndim != 2:
        return
    for places, one, many in (
        (
            telling(x, y),
            "a single column says the class, by a value for each",
            "each of several columns alone says the class, by a value for each",
        ),
        (
            ordering(x),
            "a column only rises, or only falls, from one example to the next",
            "several columns only rise, or only fall, from one example to the next",
        ),
    ):
        if places:
            names = listed(columns[place] if columns else place for place in places)
            it = agreeing(len(places), "it", "they")
            yield f"{agreeing(len(places), one, many)}: {names}; will {it} be known of new examples?"


def copies(*parts: np.ndarray) -> int:
    """Return how many of all examples in some arrays [N, …] of one type have the values of an earlier one."""
    return sum(map(len, parts)) - len({hash(example.tobytes()) for part in parts for example in part})
