"""Read what a person wants to have classified: images, arrays, tables."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from runtime.process import StageError
from sources.images import read_image
from sources.npz import DAMAGES


def expand(paths: list[Path]) -> list[Path]:
    """Return files, those of folders in the order of their names; raises StageError if there is none."""
    found = [
        file
        for path in paths
        for file in (sorted(each for each in path.rglob("[!.]*") if each.is_file()) if path.is_dir() else [path])
    ]
    if not found:
        raise StageError(f"no files in {', '.join(map(str, paths))}")
    return found


def read_examples(path: Path, shape: tuple[int, ...], resize: bool) -> tuple[list[str], np.ndarray]:
    """Return the examples of a file as a model takes them, pixels uint8 or features float32 [N, *shape], and names.

    Raises ValueError, or OSError, that says what is wrong with the file.
    """
    match path.suffix.lower():
        case ".npz":
            x = _read_array(path)
        case ".csv":
            x = _read_rows(path)
            if x.shape[1] == np.prod(shape):
                x = x.reshape(-1, *shape)
        case _ if len(shape) == 3:
            image = read_image(path, shape, resize, remedy="--resize scales images")
            return [str(path)], _pixels(image[np.newaxis])
        case _:
            raise ValueError("is neither .npz nor .csv, and the dataset in params.yaml has no images")
    if len(shape) == 3 and x.shape[1:] == shape[:2] and shape[2] == 1:
        x = x[..., np.newaxis]
    if x.shape[1:] != shape:
        raise ValueError(f"has examples of the shape {list(x.shape[1:])}, not {list(shape)}")
    if not len(x):
        raise ValueError("has no examples")
    if not np.isfinite(x).all():
        raise ValueError("has values that are not finite numbers")
    return [f"{path}#{index}" for index in range(len(x))], _pixels(x) if len(shape) == 3 else x.astype(np.float32)


def _pixels(x: np.ndarray) -> np.ndarray:
    if x.min() < 0 or x.max() > 255 or np.any(x != np.rint(x)):
        raise ValueError("must hold pixels as whole numbers from 0 to 255")
    return x.astype(np.uint8)


def _read_array(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x = np.asarray(arrays["x"])
    except KeyError:
        raise ValueError("has no array x") from None
    except DAMAGES as error:
        raise ValueError(f"is not a readable .npz file: {error}") from None
    if x.dtype.kind not in "biuf" or x.ndim < 2:
        raise ValueError("must have an array x of numbers with an axis of examples and at least one more")
    return x


def _read_rows(path: Path) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # Fields beyond the header's would be dropped with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, index_col=False)
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ValueError(f"is not a readable CSV file: {str(error).strip()}") from None
    numbers = table.drop(columns="label", errors="ignore").apply(pd.to_numeric, errors="coerce")
    if bad := np.argwhere(numbers.isna().to_numpy()).tolist():
        row, column = bad[0]
        raise ValueError(f"has no number in row {row + 1} of column {numbers.columns[column]}")
    return np.asarray(numbers.to_numpy(np.float64))
