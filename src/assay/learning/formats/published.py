"""The files of a published dataset, and whether a folder holds them undamaged."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.ground.files import sha256_of
from assay.ground.process import StageError


@dataclass(frozen=True)
class RawFile:
    """One file as its publisher offers it; `size` is in bytes."""

    name: str
    size: int
    sha256: str


def files_in(folder: Path) -> list[RawFile]:
    """Return every file in a folder, and in those within it, as it is there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [RawFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in found]


Owners = Callable[[], Mapping[str, str]]


def problem(path: Path, expected: RawFile, owners: Owners) -> str | None:
    """Return what is wrong with a file, or None if it is the expected one.

    `owners` returns which known file a SHA-256 belongs to, to name one that was swapped.
    """
    if not path.is_file():
        return "is missing"
    size, found = path.stat().st_size, sha256_of(path)
    if found == expected.sha256:
        return None
    if owner := owners().get(found):
        return f"is another file under this name: {owner}"
    if size < expected.size:
        return f"is truncated: {size:,} of {expected.size:,} bytes"
    if size > expected.size:
        return f"is not the published file: {size:,} bytes where {expected.size:,} are expected"
    return f"is corrupt: its sha256 is {found}, expected {expected.sha256}"


def check_files(folder: Path, files: Iterable[RawFile], owners: Owners, remedy: str) -> None:
    """Raise StageError, naming every file that is missing or not the published one, and the remedy."""
    problems = [(file.name, problem(folder / file.name, file, owners)) for file in files]
    found = [f"{folder.name}/{name} {what}" for name, what in problems if what]
    if found:
        raise StageError("; ".join(found) + f"; {remedy}")
