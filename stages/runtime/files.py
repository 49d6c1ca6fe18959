"""Write files so that a reader, or a killed run, never sees half of one."""

import glob
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.owner import is_dead, mark
from runtime.process import StageError

PARTIAL = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path of the same name to write to; rename it onto `path` on success.

    What the block wrote, a file or a directory, is removed if it raises. A killed
    run leaves `<name>.<its mark>.partial`, which DVC and git ignore and the next one removes.
    Only a file or a link to one gives way to a file, and only a directory to a directory:
    raises StageError about anything else, a device most of all.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise StageError(f"{os.path.relpath(path)} is neither a file nor a folder, and nothing may take its place")
    remove_abandoned(path.parent, f"{glob.escape(path.name)}.*{PARTIAL}")
    folder = path.with_name(f"{path.name}.{mark()}{PARTIAL}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        partial = folder / path.name
        yield partial
        if path.is_dir() != partial.is_dir() and path.exists():
            raise StageError(f"{os.path.relpath(path)} is a {'folder' if path.is_dir() else 'file'}; remove it first")
        if path.is_dir():
            if path.is_symlink():
                raise StageError(f"{os.path.relpath(path)} is a link to a folder; remove it first")
            shutil.rmtree(path)
        partial.replace(path)
    except OSError as error:
        # A failed write does not know its file, and nobody knows the partial one.
        if error.filename is None or str(error.filename).startswith(str(folder)):
            error.filename = str(path)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(folder: Path, pattern: str = f"**/*{PARTIAL}") -> None:
    """Remove what killed processes left half-written in a folder, and nothing of living ones."""
    for path in list(folder.glob(pattern)):
        if is_dead(path.stem.rpartition(".")[2]):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """Like `replacing`, with an empty directory to fill."""
    with replacing(path) as partial:
        partial.mkdir()
        yield partial


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, all of it or nothing."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; raises ValueError on NaN or infinity."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the parsed content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
