"""Read what a person wants to have classified, as the stages read what a model learns from."""

import math
import os
from pathlib import Path

import numpy as np

from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.learning.formats.decoding import UnreadableError, check_file
from assay.learning.formats.images import read_image
from assay.learning.formats.npz import read_npz
from assay.learning.formats.stored import as_stored
from assay.learning.formats.table import read_table


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder and its folders but hidden things, in the order of paths; links are not followed.

    A folder that cannot be read stands for what is in it.
    """
    found, locked = [], list[Path]()
    for place, folders, files in os.walk(folder, onerror=lambda error: locked.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [Path(place, name) for name in (*files, *links) if not name.startswith(".")]
    return sorted(found + locked)


def expand(paths: list[Path]) -> list[Path]:
    """Return files, those of folders in the order of their names; raises StageError if there is none."""
    # Path.is_dir raises where a name is too long, before that path can be named among the unanswered.
    found = [file for path in paths for file in (_inside(path) if os.path.isdir(path) else [path])]  # noqa: PTH112
    if not found:
        raise StageError(f"no files in {listed(map(printable, paths))}")
    return found


def out_of_reach(path: Path) -> str | None:
    """Return in words why a file is not there to be read, as far as that is known without opening it."""
    try:
        check_file(path)
    except UnreadableError as error:
        return f"{printable(path)} {error}"
    return None


def read_examples(
    path: Path, shape: tuple[int, ...], resize: bool, columns: tuple[str, ...] | None = None
) -> tuple[list[str], np.ndarray]:
    """Return the examples of a file as they are stored, and a name for each.

    Pixels are uint8 [N, height, width, channels], features float32 [N, features], in the order of
    `columns` where their names are known. Raises UnreadableError that says what is wrong with the file.
    """
    name = cell(path)
    match path.suffix.lower():
        case ".npz":
            x, _ = read_npz(path, shape, labelled=False)
        case ".csv":
            x = read_table(path, math.prod(shape), labelled=False, columns=columns).x
        case _ if len(shape) == 3:
            return [name], read_image(path, shape, resize, remedy="--resize scales images")[np.newaxis]
        case _:
            check_file(path)
            raise UnreadableError("is neither .npz nor .csv, and the dataset in params.yaml has no images")
    x = as_stored(x, shape)
    return [f"{name}#{index}" for index in range(len(x))], x


def cell(path: Path) -> str:
    """Return the name of a file for a cell of a CSV file, which no spreadsheet takes for a formula.

    One that begins with something else than a letter, digit, underscore, dot or slash is written as ./name.
    """
    text = printable(path)
    return text if text[0].isalnum() or text[0] in "_./" else f"./{text}"
