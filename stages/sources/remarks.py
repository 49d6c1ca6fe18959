"""What whoever brings examples along should know of them, though it may be as it should."""

from collections.abc import Iterator

import numpy as np

from runtime.numerals import agreeing, amount
from runtime.quoting import listed
from sources.columns import telling


def remarks(x: np.ndarray, y: np.ndarray, columns: tuple[str, ...] | None, *more: np.ndarray) -> Iterator[str]:
    """Return sentences about examples x [N, …], their classes y [N], and examples that stand beside them."""
    count = len(x) + sum(map(len, more))
    if repeated := copies(x, *more):
        yield (
            f"{repeated:,} of {count:,} ({amount(100 * repeated / count)} %) {agreeing(repeated, 'has', 'have')} "
            "all values of an earlier one; leave out what is a copy: a model is not tested by what it has learned from"
        )
    if x.ndim == 2 and (told := telling(x, y)):
        names = listed(columns[place] if columns else place for place in told)
        says = agreeing(len(told), "a single column says", "each of several columns alone says")
        it = agreeing(len(told), "it", "they")
        yield f"{says} the class, by a value for each: {names}; will {it} be known of new examples?"


def copies(*parts: np.ndarray) -> int:
    """Return how many of all examples in some arrays [N, …] of one type have the values of an earlier one."""
    return sum(map(len, parts)) - len({hash(example.tobytes()) for part in parts for example in part})
