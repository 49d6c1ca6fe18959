"""The idx format of MNIST and its relatives: a header of big-endian sizes, then bytes."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np

from assay.ground.numerals import agreeing, counted
from assay.learning.formats.decoding import UnreadableError, check_size, decoding, naming

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array of a gzipped idx file, as its header shapes it.

    The header is two zero bytes, the type, the number of axes, and each axis's
    length as four bytes (http://yann.lecun.com/exdb/mnist). Raises StageError if
    the file is not that.
    """
    with naming(path), decoding("gzipped idx file"), gzip.open(path) as file:
        zero, kind, axes = struct.unpack(">HBB", file.read(4))
        if (zero, kind) != (0, UNSIGNED_BYTE):
            raise UnreadableError("is not an idx file of bytes: its header says that it holds something else")
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
        count = math.prod(shape)
        check_size(count, 1)
        # One more than there should be, and no more than that.
        values = file.read(count + 1)
        if len(values) != count:
            few = f"{len(values):,} {agreeing(len(values), 'follows', 'follow')}"
            follow = few if len(values) < count else "more follow"
            raise UnreadableError(f"is not a whole idx file: its header promises {counted(count, 'value')}, {follow}")
        return np.frombuffer(values, np.uint8).reshape(shape)


def read_pair(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images, uint8 [N, height, width, 1], and labels, int64 [N], of the split `train` or `t10k`."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz")
    return images[..., np.newaxis], labels.astype(np.int64)
