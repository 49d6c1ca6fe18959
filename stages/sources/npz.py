"""Examples in NumPy's .npz format: an array `x` and an array `y`."""

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from runtime.process import StageError

# Whatever zipfile, zlib and NumPy raise about damaged, encrypted or foreign files.
DAMAGES = (
    AttributeError,
    BadZipFile,
    EOFError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the arrays x and y as they are stored, labels that are integers as int64.

    Raises StageError if the file is damaged, lacks one of them, or needs pickle.
    """
    shown = f"{path.parent.name}/{path.name}"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if missing := [name for name in ("x", "y") if name not in arrays]:
                raise StageError(f"{shown} has no array {' and no array '.join(missing)}")
            x, y = arrays["x"], arrays["y"]
    except DAMAGES as error:
        raise StageError(f"{shown} is not a readable .npz file: {error}") from None
    if x.ndim < 2 or y.ndim != 1:
        raise StageError(
            f"{shown}: x must have an axis of examples and at least one more, y one label an example; "
            f"their shapes are {list(x.shape)} and {list(y.shape)}"
        )
    return x, y.astype(np.int64) if np.issubdtype(y.dtype, np.integer) else y
