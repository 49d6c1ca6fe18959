"""The idx format of MNIST and its relatives: a header of big-endian sizes, then bytes."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from runtime.process import StageError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array of a gzipped idx file, as its header shapes it.

    The header is two zero bytes, the type, the number of axes, and each axis's
    length as four bytes (http://yann.lecun.com/exdb/mnist). Raises StageError if
    the file is not that.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        zero, kind, axes = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{axes}I", content, offset=4)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise StageError(f"{path.parent.name}/{path.name} is not a gzipped idx file: {error}") from None
    values = content[4 + 4 * axes :]
    if (zero, kind) != (0, UNSIGNED_BYTE) or len(values) != math.prod(shape):
        raise StageError(
            f"{path.parent.name}/{path.name} is not an idx file of bytes: "
            f"its header promises {' x '.join(map(str, shape))} values, {len(values):,} follow"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_pair(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images, uint8 [N, height, width, 1], and labels, int64 [N], of the split `train` or `t10k`."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz")
    return images[..., np.newaxis], labels.astype(np.int64)
