"""Where a person may let a tool write."""

import os
from collections.abc import Iterable
from pathlib import Path

from runtime.process import StageError
from runtime.quoting import printable


def checked_output(path: Path, inputs: Iterable[Path]) -> Path:
    """Return the file to replace for an output that a person named: for a link, what it leads to.

    Raises StageError if that is no file, one of the inputs, or in a folder where nothing can be written.
    """
    target = Path(os.path.realpath(path))
    shown = f"--output {printable(path)}"
    if target.is_symlink():
        raise StageError(f"{shown} is a link that leads to itself; name a file")
    if path.is_dir():
        raise StageError(f"{shown} is a folder; name a file")
    if path.exists():
        if not path.is_file():
            raise StageError(f"{shown} is neither a file nor a folder; name a file, and read that")
        if any(each.exists() and each.samefile(path) for each in inputs):
            raise StageError(f"{shown} is one of the inputs; name another file")
    folder = next(each for each in target.parents if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise StageError(f"{shown} cannot be written: {printable(folder)} is no folder that you may write to")
    return target
