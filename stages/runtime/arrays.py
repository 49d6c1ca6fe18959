"""The prepared examples that pass between stages, one .npz file a split."""

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from runtime.files import replacing
from runtime.process import StageError

SPLITS = ("train", "validation", "test")


def write_split(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Write examples and labels, without pickle."""
    # In memory first: a ZipFile that meets a full disk complains again when it is deleted.
    content = io.BytesIO()
    np.savez_compressed(content, x=x, y=y)
    with replacing(path) as partial:
        partial.write_bytes(content.getbuffer())


def read_split(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return model inputs, float32 [N, …], and labels, int64 [N].

    Stored pixels, uint8, are scaled to the range 0 to 1; features are as stored.
    Raises StageError if the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x, y = arrays["x"], arrays["y"]
    except (BadZipFile, EOFError, KeyError, ValueError) as error:
        raise StageError(f"{path} is damaged ({error}); make it again with `dvc repro --force data`") from None
    scaled = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x
    return scaled, y
