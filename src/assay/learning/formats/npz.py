"""Examples in NumPy's .npz format: an array `x` and an array `y`."""

import io
import math
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from assay.ground.numerals import counted
from assay.ground.quoting import cut, listed
from assay.learning.formats.decoding import UnreadableError, check_file, check_size, decoding
from assay.learning.formats.stored import NUMBERS, fits

# Of a member: enough for any header that NumPy reads, which a file may claim to be far longer.
HEADER_BYTES = 1 << 14
READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
LABELS = "biufU"  # NumPy's kinds of types: numbers and text


def _header(archive: ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Return an array's shape and type, of which nothing else is decoded; raise UnreadableError if it is too much."""
    if f"{name}.npy" not in archive.namelist():
        arrays = listed(each.removesuffix(".npy") for each in archive.namelist())
        raise UnreadableError(f"has no array {name}; its arrays: {arrays or 'none'}")
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnreadableError("is compressed in another way than NumPy does it")
    with archive.open(member) as file:
        begin = io.BytesIO(file.read(HEADER_BYTES))
    version = np.lib.format.read_magic(begin)
    if version not in READ_HEADER:
        raise UnreadableError(f"has an array {name} in NumPy's format {version[0]}.{version[1]}, not 1.0 or 2.0")
    shape, _, dtype = READ_HEADER[version](begin)
    kinds, wanted = (NUMBERS, "numbers") if name == "x" else (LABELS, "labels")
    if dtype.kind not in kinds:
        raise UnreadableError(f"has an array {name} that holds {cut(str(dtype))}, not {wanted}")
    if min(shape, default=0) < 0:
        raise UnreadableError(f"has an array {name} of less than nothing: {list(shape)}")
    check_size(math.prod(shape), dtype.itemsize)
    return shape, dtype


def _array(archive: ZipFile, name: str) -> np.ndarray:
    # NumPy's own reader of archives takes a member `x` for the array before it looks for `x.npy`.
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise UnreadableError(f"has more bytes in {name} than its header promises")
    return np.asarray(array)


def read_npz(path: Path, shape: tuple[int, ...], labelled: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return the array x, numbers [N, …] that fit the shape, and the array y [N], as they are stored.

    Labels that are integers are int64; without `labelled` they are not read, and empty. Raises
    UnreadableError if the file is damaged or needs pickle, or the arrays are missing, too large, or of other shapes.
    """
    check_file(path)
    with decoding(".npz file"), ZipFile(path) as archive:
        found, _ = _header(archive, "x")
        if not found or not fits(found[1:], shape):
            raise UnreadableError(f"has examples of the shape {list(found[1:])}, not {list(shape)}")
        if labelled and (of_labels := _header(archive, "y")[0]) != found[:1]:
            raise UnreadableError(
                f"has {counted(found[0], 'example')} in x, and labels of the shape {list(of_labels)} in y"
            )
        x, y = _array(archive, "x"), _array(archive, "y") if labelled else np.empty(0, np.int64)
    if not np.issubdtype(y.dtype, np.integer):
        return x, y
    if len(beyond := np.flatnonzero(y > np.iinfo(np.int64).max)):
        raise UnreadableError(f"has the label {y[beyond[0]]} in example {beyond[0]}, beyond every class")
    return x, y.astype(np.int64)
