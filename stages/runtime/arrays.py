"""The prepared examples that pass between stages, one .npz file a split."""

from pathlib import Path

import numpy as np

from runtime.files import replacing

SPLITS = ("train", "validation", "test")


def write_split(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Write examples and labels, without pickle."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, x=x, y=y)


def read_split(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return model inputs, float32 [N, …], and labels, int64 [N].

    Stored pixels, uint8, are scaled to the range 0 to 1; features are as stored.
    """
    with np.load(path, allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"]
    scaled = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x
    return scaled, y
