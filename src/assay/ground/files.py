"""Write files so that a reader, or a killed run, never sees half of one."""

import glob
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

from assay.ground.owner import is_dead, mark
from assay.ground.process import StageError
from assay.ground.quoting import quoted
from assay.ground.remedies import remedy

PARTIAL = ".partial"
CONFLICT = "a merge left its conflict in it"
_LONGEST_WORDS = 200
# As .dvcignore says, and what DVC leaves out by itself.
_LEFT_OUT = ("__pycache__", ".git", ".hg", ".dvc", ".dvcignore")


def left_out_by_dvc(path: Path) -> bool:
    """Return whether DVC, by its name, does not track a file: nobody else would get it."""
    return path.suffix == PARTIAL or path.name in _LEFT_OUT


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path of the same name to write to; rename it onto `path` on success.

    What the block wrote, a file or a directory, is removed if it raises. A killed
    run leaves `<name>.<its mark>.partial`, which DVC and git ignore and the next one removes;
    of a directory it leaves the old one, the new one or, killed between two renames, none.
    """
    with beside(path) as partial:
        yield partial
        take_place(partial, path)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a path of the same name to write to, for `take_place`; what is there at the end is removed.

    A directory whose place was taken comes back if nothing is there any more. Raises StageError if nothing may take
    the place, as a device's.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise StageError(f"{os.path.relpath(path)} is neither a file nor a folder, and nothing may take its place")
    remove_abandoned(path.parent, f"{glob.escape(path.name)}.*{PARTIAL}")
    folder = path.with_name(f"{path.name}.{mark()}{PARTIAL}")
    partial = folder / path.name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True)
        yield partial
    except OSError as error:
        # A failed write does not know its file, and nobody knows the partial one.
        if error.filename is None or str(error.filename).startswith(str(folder)):
            error.filename = str(path)
        if str(error.filename2).startswith(str(partial)):  # where what is copied had no room
            error.filename2 = f"{path}{str(error.filename2).removeprefix(str(partial))}"
        raise
    finally:
        if _replaced(partial).exists() and not path.exists():
            _replaced(partial).rename(path)
        shutil.rmtree(folder, ignore_errors=True)


def take_place(partial: Path, path: Path) -> None:
    """Rename what was written `beside` a path onto it.

    Only a file or a link to one gives way to a file, and only a directory to a directory:
    raises StageError about anything else. Whoever might read and write what is replaced may do so with
    what takes its place, and nobody else, even before; see `_kept_mode`.
    """
    if path.is_dir() != partial.is_dir() and path.exists():
        raise StageError(f"{os.path.relpath(path)} is a {'folder' if path.is_dir() else 'file'}; remove it first")
    if path.is_dir() and path.is_symlink():
        raise StageError(f"{os.path.relpath(path)} is a link to a folder; remove it first")
    if (mode := _kept_mode(path)) is not None:
        partial.chmod(mode)
    if path.is_dir():
        path.rename(_replaced(partial))  # to remove it here would leave half of it to whoever is killed meanwhile
    partial.replace(path)


def _replaced(partial: Path) -> Path:
    """Return where a directory is kept whose place was taken."""
    return partial.with_name(f"replaced {partial.name}")


def _kept_mode(path: Path) -> int | None:
    """Return the permissions that what takes a path's place should have; None for those of a new one.

    DVC may put files of its cache here, by a link of either kind and read-only: what takes their place is a
    stage's own, and not to be protected.
    """
    if path.is_symlink() or not path.exists():
        return None
    return path.stat().st_mode & (stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO) | stat.S_IWUSR


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


@contextmanager
def restoring(*paths: Path) -> Iterator[None]:
    """Let files be what they were, or not be there, if the block fails.

    What they were is kept beside them meanwhile, so that it comes back on a full disk, too.
    """
    with ExitStack() as stack:
        # Under another name: whoever writes a file meanwhile does so beside it, too.
        kept = {path: stack.enter_context(beside(path.with_name(f"{path.name}.before"))) for path in paths}
        for path, copy in kept.items():
            if path.exists():
                shutil.copy2(path, copy)
        done = False
        try:
            yield
            done = True
        finally:
            for path, copy in kept.items() if not done else ():
                if copy.exists():
                    copy.replace(path)
                else:
                    path.unlink(missing_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[TextIO]:
    """Yield a file to add UTF-8 to; an OSError from then on knows which file it was."""
    try:
        with path.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, all of it or nothing."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; raises ValueError on NaN or infinity."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def sha256_of(*paths: Path) -> str:
    """Return the SHA-256 in hexadecimal of a file of any size, or of several as if they were one."""
    found = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**20):
                found.update(block)
    return found.hexdigest()


def damaged(path: Path, why: str) -> StageError:
    """Return the error that a file of ours is damaged, with what to do."""
    return StageError(f"{shown(path)} is damaged: {why}; {remedy(path)}")


def check_is_file(path: Path) -> None:
    """Raise StageError if a folder has the name of a file of ours, or a pipe, which nobody may ever write to."""
    if path.exists() and not path.is_file():
        raise damaged(path, "it is no file")


def shown(path: Path) -> Path:
    """Return a path as a person would write it."""
    return path.absolute().relative_to(Path.cwd()) if path.absolute().is_relative_to(Path.cwd()) else path


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a library makes of a file of ours that it cannot read into a StageError that says what to do.

    `what` is what it should be, as in `an ONNX model`.
    """
    check_is_file(path)
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # the system's: it is missing, or may not be read
            raise
        raise damaged(path, f"it cannot be read as {what} ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:_LONGEST_WORDS]


def has_conflict(path: Path) -> bool:
    """Return whether a merge left both sides of a conflict in a text file."""
    return any(line.startswith("<<<<<<< ") for line in path.read_text(errors="replace").splitlines())


def read_json(path: Path) -> Any:
    """Return the object in a JSON file of ours.

    Raises StageError that names the file, and what to do, if there is none in it; and when a key is asked for, at any
    depth, that it lacks.
    """

    class Found(dict[str, Any]):
        """An object in that file."""

        def __missing__(self, key: str) -> NoReturn:
            raise damaged(path, f"it has no {key!r} where it should")

    check_is_file(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_hook=Found)
    except (ValueError, RecursionError) as error:
        raise damaged(path, CONFLICT if has_conflict(path) else f"it is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise damaged(path, f"it holds {quoted(found)} in place of an object")
    return found
