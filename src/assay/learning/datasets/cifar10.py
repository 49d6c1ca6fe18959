"""CIFAR-10: 32x32 colour photographs of ten kinds of things (Krizhevsky 2009).

Two editions: the published one, and a JPEG-recompressed part of it, whose
accuracies are close to but not the same as the published images'.
"""

import tarfile
import zlib
from pathlib import Path

import numpy as np

from assay.ground.process import StageError
from assay.learning.datasets import Arrays, Dataset, Edition, Examples
from assay.learning.formats.decoding import naming
from assay.learning.formats.npz import read_npz
from assay.learning.formats.published import RawFile

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (32, 32, 3)

# The edition without pickled files.
ARCHIVE = RawFile(
    "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
ADDRESS = "https://www.cs.toronto.edu/~kriz"
TRAIN_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_BATCHES = ("test_batch.bin",)

JPEG_TRAIN = RawFile(
    "cifar10_train_20000_from_jpeg.npz", 57_016_938, "9902271804621a75838117d92efe3555c0a7b2c2c3ed568d5b64e0949e2b60b0"
)
JPEG_TEST = RawFile(
    "cifar10_test_10000_from_jpeg.npz", 28_514_912, "b73c0c926608b5ea8408d52c10b20ff1480c6721fa83d4201a5c7120697036b8"
)


def read_records(content: bytes) -> Arrays:
    """Return images uint8 [N, 32, 32, 3] and labels int64 [N] of a binary batch.

    A record is a label byte, then the red, the green and the blue plane, row by row
    (https://www.cs.toronto.edu/~kriz/cifar.html).
    """
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + int(np.prod(SHAPE)))
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)


def load_archive(folder: Path) -> Examples:
    """Return the 50,000 training and 10,000 test images of the published archive."""

    def read(names: tuple[str, ...]) -> Arrays:
        parts = [archive.extractfile(f"cifar-10-batches-bin/{name}") for name in names]
        return read_records(b"".join(part.read() for part in parts if part))

    try:
        with tarfile.open(folder / ARCHIVE.name) as archive:
            return Examples(*read(TRAIN_BATCHES), test=read(TEST_BATCHES))
    except (tarfile.TarError, EOFError, zlib.error, KeyError, ValueError) as error:
        raise StageError(f"{folder.name}/{ARCHIVE.name} is not CIFAR-10's binary archive: {error}") from None


def load_jpeg(folder: Path) -> Examples:
    """Return 20,000 training and the 10,000 test images, recompressed as JPEG once."""

    def read(file: RawFile) -> Arrays:
        with naming(folder / file.name):
            return read_npz(folder / file.name, SHAPE)

    return Examples(*read(JPEG_TRAIN), test=read(JPEG_TEST))


DATASET = Dataset(
    name="cifar10",
    shape=SHAPE,
    classes=CLASSES,
    editions=(
        Edition("CIFAR-10 as published", (ARCHIVE,), load_archive, ADDRESS),
        Edition("JPEG-recompressed CIFAR-10, 20,000 of its 50,000 training images", (JPEG_TRAIN, JPEG_TEST), load_jpeg),
    ),
)
