"""What a file that somebody brings along may be like, and how what is wrong with one becomes a sentence.

Readers of files raise `UnreadableError`; who asked for the file says its name.
"""

import csv
import stat
import struct
import tokenize
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

from assay.ground.process import StageError
from assay.ground.quoting import cut, with_folder

# The memory that examples may take; checked against what a file claims before any of it is decoded.
LARGEST_BYTES = 4 << 30

# What NumPy, Pillow and Python's own modules raise about bytes that they did not expect:
# tests/pipeline/test_mutations.py mutates valid files until no other comes.
DAMAGES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    csv.Error,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)


class UnreadableError(ValueError):
    """What is wrong with a file, without its name, as in `is cut short`."""


@contextmanager
def decoding(kind: str) -> Iterator[None]:
    """Make an UnreadableError of whatever a library raises about a damaged file; its warnings are for programmers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableError:
        raise
    except OSError as error:
        # Pillow raises it about damaged content, too, then without a number of the system's.
        if error.errno and error.strerror:
            raise UnreadableError(f"cannot be read: {error.strerror}") from None
        raise UnreadableError(_sentence(kind, error)) from None
    except DAMAGES as error:
        raise UnreadableError(_sentence(kind, error)) from None


def _sentence(kind: str, error: Exception) -> str:
    words = cut(" ".join(str(error).split()), 200)
    return f"is not a readable {kind}: {words or type(error).__name__}"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make a StageError of what is wrong with a file, with its name."""
    try:
        yield
    except UnreadableError as error:
        raise StageError(f"{with_folder(path)} {error}") from None


def check_file(path: Path) -> None:
    """Raise UnreadableError unless a regular file is at the path, or a link to one."""
    with decoding("file"):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            next(path.iterdir(), None)  # which fails where nobody may look into it
    if stat.S_ISDIR(mode):
        raise UnreadableError("is a link to a folder, which is not followed" if path.is_symlink() else "is a folder")
    if not stat.S_ISREG(mode):
        raise UnreadableError("is neither a file nor a folder")


def check_size(count: int, each: int) -> None:
    """Raise UnreadableError if so many examples of so many bytes each are more than are read."""
    if count * each > LARGEST_BYTES:
        raise UnreadableError(
            f"holds {count * each / 1e9:,.1f} GB of values; at most {LARGEST_BYTES / 1e9:.1f} GB are read at once"
        )
