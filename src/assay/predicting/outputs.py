"""Where a person may let a tool write."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assay.ground.files import replacing
from assay.ground.process import FULL, StageError
from assay.ground.quoting import printable

# What is there is no file that somebody keeps: devices, and other names for what processes have open.
_OF_THE_SYSTEM = ("/dev", "/proc", "/sys")
# But for this: files in memory.
_IN_MEMORY = "/dev/shm"  # noqa: S108  nothing is put there unasked


def checked_output(path: Path, inputs: Iterable[Path]) -> Path:
    """Return the file to replace for an output that a person named: for a link, what it leads to.

    Raises StageError if that is no file, one of the inputs, where this program's own words go, or in a folder where
    nothing can be written.
    """
    target = Path(os.path.realpath(path))
    shown = _shown(path)
    if path == Path("-"):
        raise StageError(f"{shown}: predictions go to a file, not to standard output; name one")
    if target.is_symlink():
        raise StageError(f"{shown} is a link that leads to itself; name a file")
    if any(map(_is_of_the_system, [*_on_the_way(path), target])):
        raise StageError(f"{shown} leads to a place of the system's, where no file is replaced; name another")
    if path.is_dir():
        raise StageError(f"{shown} is a folder; name a file")
    if path.exists():
        if not path.is_file():
            raise StageError(f"{shown} is neither a file nor a folder; name a file, and read that")
        if any(each.exists() and each.samefile(path) for each in inputs):
            raise StageError(f"{shown} is one of the inputs; name another file")
        if not path.stat().st_mode & stat.S_IWUSR:
            raise StageError(f"{shown} is protected against writing; name another file, or `chmod u+w` it")
        if _takes_our_words(path):
            raise StageError(f"{shown} is where this program's own words go; name another file")
    folder = next(each for each in target.parents if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise StageError(f"{shown} cannot be written: {printable(folder)} is no folder that you may write to")
    return target


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Like `replacing`, for an output that a person named; raises StageError if the system cannot write it."""
    try:
        with replacing(path) as partial:
            yield partial
    except OSError as error:
        remedy = "; free some space, or name another file" if error.errno in FULL else ""
        raise StageError(f"{_shown(path)} cannot be written: {error.strerror or error}{remedy}") from None


def _shown(path: Path) -> str:
    return f"--output {printable(path)}"


def _on_the_way(path: Path) -> Iterator[Path]:
    """Return a path, and what each link leads to that it is: /dev/stdout leads on to the file that is open there."""
    yield path
    while path.is_symlink():
        path = path.parent / path.readlink()
        yield path


def _is_of_the_system(path: Path) -> bool:
    place = Path(os.path.abspath(path))  # noqa: PTH100  links are not followed
    return any(map(place.is_relative_to, _OF_THE_SYSTEM)) and not place.is_relative_to(_IN_MEMORY)


def _takes_our_words(path: Path) -> bool:
    found = path.stat()
    for stream in (1, 2):
        with suppress(OSError):  # whoever started this may have closed it
            if os.path.samestat(found, os.fstat(stream)):
                return True
    return False
