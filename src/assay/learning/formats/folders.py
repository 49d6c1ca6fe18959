"""What lies in a folder that somebody brings along, and whether it is what a description expects there."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from assay.ground.files import left_out_by_dvc
from assay.ground.process import StageError
from assay.ground.quoting import first, listed, printable
from assay.learning.formats.decoding import UnreadableError, check_file, naming


def visible(folder: Path) -> list[Path]:
    """Return what is in a folder in the order of names, without hidden files and folders, as `ls` shows it."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def only_file(folder: Path, suffix: str) -> Path:
    """Return the one file in a folder; raise StageError unless that has the suffix, and nothing else is there."""
    found = visible(folder)
    if len(found) != 1 or found[0].suffix.lower() != suffix:
        raise StageError(
            f"{printable(folder.name)} must hold one {suffix} file and nothing else; "
            f"it holds: {listed(path.name for path in found) or 'nothing'}"
        )
    with naming(found[0]):
        check_file(found[0])
    return found[0]


def class_files(folder: Path, classes: Sequence[str]) -> list[tuple[int, Path]]:
    """Return the files of a folder for each class, with the class's place in `classes`, in the order of both.

    Raises StageError that names whatever is no such folder, and in one is no file.
    """
    files, problems = [], []
    of_class: dict[str, Path] = {}
    for path in visible(folder):
        # Some systems write é as two characters; classes are composed, as their description says.
        name = unicodedata.normalize("NFC", path.name)
        if wrong := _wrong_folder(path, name, classes):
            problems.append(f"{_below(folder, path)} {wrong}")
        elif name in of_class:
            twice = " and ".join(ascii(each.name) for each in (of_class[name], path))
            problems.append(f"{_below(folder, path)} is there twice, written as {twice}; put their files together")
        else:
            of_class[name] = path
    for label, name in enumerate(classes):
        for path in visible(of_class[name]) if name in of_class else ():
            if wrong := _wrong_file(path):
                problems.append(f"{_below(folder, path)} {wrong}")
            else:
                files.append((label, path))
    if problems:
        raise StageError("\n  ".join(first(problems)))
    if not files:
        raise StageError(
            f"{printable(folder.name)} has no images; data.own expects a folder for each of: {listed(classes)}"
        )
    return files


def _below(folder: Path, path: Path) -> str:
    return printable(folder.name / path.relative_to(folder))


def _wrong_folder(path: Path, name: str, classes: Sequence[str]) -> str | None:
    if not path.is_dir():
        return _wrong_file(path) or "is beside the class folders; put it into one, or away"
    if path.is_symlink():
        return "is a link to a folder, which is not followed; put its files here"
    if name not in classes:
        return f"is a folder for no class; data.own.classes: {listed(classes)}"
    return _left_out(path)


def _wrong_file(path: Path) -> str | None:
    if path.is_dir() and not path.is_symlink():
        return "is a folder, and images lie in their class's own; move them there, or put it away"
    try:
        check_file(path)
    except UnreadableError as error:
        return str(error)
    return _left_out(path)


def _left_out(path: Path) -> str | None:
    # DVC would not hand it on to another clone, where the examples would then be others.
    return "has a name that DVC leaves out (.dvcignore): rename it" if left_out_by_dvc(path) else None
