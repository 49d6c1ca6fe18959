"""How examples are stored for every model: pixels as bytes, features as 32-bit floats."""

import math
from collections.abc import Sequence

import numpy as np

from assay.ground.numerals import counted
from assay.learning.formats.decoding import UnreadableError

NUMBERS = "biuf"  # NumPy's kinds of types: bool, signed and unsigned integers, floats
LARGEST_PIXEL = 255
# How far from a whole number a pixel is that was scaled to another range and back.
ROUNDING = 1e-3
INSTEAD_OF_VANISHING = "write 0 if that is as good, or scale all values of the column"


def fits(found: Sequence[int], shape: Sequence[int]) -> bool:
    """Return whether an example of the shape `found` is one of `shape`; a grey image needs no axis for its channel."""
    return tuple(found) in (tuple(shape), *([tuple(shape[:2])] if len(shape) == 3 and shape[2] == 1 else []))


def as_stored(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return examples x [N, …], numbers that fit the shape, as pixels uint8 or features float32 [N, *shape].

    Nothing is scaled, and nothing concluded from the values: 1 is the 1 of 255, in a type of
    floats or bool as well. Raises UnreadableError if pixels are no whole numbers from 0 to 255, or
    features no finite 32-bit floats, or ones that are 0 there only.
    """
    if not len(x):
        raise UnreadableError("has no examples")
    x = x.reshape(-1, *shape)
    if len(shape) == 3:
        if x.dtype != np.uint8:
            with np.errstate(invalid="ignore"):
                whole = np.rint(x)
                good = (whole >= 0) & (whole <= LARGEST_PIXEL)
                nearly = good.all() and np.allclose(x, whole, rtol=0, atol=ROUNDING)
                good &= x == whole
            remedy = ": round these, as with `x.round()`" if nearly else ""
            _check(x, good, f"pixels are whole numbers from 0 to 255{remedy}")
        return x.astype(np.uint8)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        features = x.astype(np.float32)
    _check(x, np.isfinite(features), "features are finite 32-bit floats")
    _check(x, (features != 0) | (x == 0), f"as 32-bit floats, which features are, 0 is left; {INSTEAD_OF_VANISHING}")
    return features


def _check(x: np.ndarray, good: np.ndarray, rule: str) -> None:
    if not good.all():
        first = int(np.argmin(good))
        value = x.flat[first]
        # Not so short that it would look like one that is good.
        shown = short if float(short := f"{value:g}") == value.item() else str(value)
        more = good.size - np.count_nonzero(good) - 1
        others = f", and {counted(more, 'more such value')}" if more else ""
        raise UnreadableError(f"has {shown} in example {first // math.prod(x.shape[1:])}{others}; {rule}")
