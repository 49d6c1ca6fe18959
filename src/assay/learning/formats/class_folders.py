"""Images in a folder for each class."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assay.ground.process import StageError
from assay.ground.quoting import first, printable
from assay.learning.formats.decoding import UnreadableError, check_size, naming
from assay.learning.formats.folders import class_files
from assay.learning.formats.images import read_image


def read_class_folders(
    folder: Path, classes: Sequence[str], shape: Sequence[int], resize: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [N, height, width, channels] and labels int64 [N], in the order of names.

    Raises StageError for what is no class folder, and names every bad image.
    """
    if len(shape) != 3:
        raise StageError(f"{folder.name}: images need data.own.shape [height, width, channels], it is {list(shape)}")
    files = class_files(folder, classes)
    with naming(folder):
        check_size(len(files), math.prod(shape))
    images, problems = np.empty((len(files), *shape), np.uint8), []
    for index, (_, path) in enumerate(files):
        try:
            images[index] = read_image(path, shape, resize)
        except UnreadableError as error:
            problems.append(f"{printable(folder.name / path.relative_to(folder))} {error}")
    if problems:
        raise StageError("\n  ".join(first(problems)))
    return images, np.array([label for label, _ in files], np.int64)
