"""A model's folder: complete, as Triton reads it, or a configuration with a list of files that stand elsewhere.

Configurations of one model differ in config.pbtxt alone. Each names the model's files, with their digests, and whoever
serves it puts the folder together with links: no configuration has a copy of a large model.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from tritonclient.grpc.model_config_pb2 import ModelConfig
from typing_extensions import TypedDict

from assay.ground.files import damaged, sha256_of, write_json, write_text
from assay.ground.records.checking import Name, read_record
from assay.serving.model_config import read_config, render

CONFIG, LISTED = "config.pbtxt", "files.json"
# In the folder of a model that its owner configured: folders of an ensemble's steps, and of what its answers are
# compared with, that configuration as it came.
STEPS, REFERENCE = "steps", "reference"
# Where Triton's ONNX Runtime backend looks for a model that its configuration does not name.
ONNX_FILE = "1/model.onnx"
# Another file system, a number of links that is too large, another user's file, a file system without links.
_NO_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES, errno.ENOTSUP)


class Part(NamedTuple):
    """A file of a model, and its SHA-256 digest."""

    path: Path
    sha256: str

    @classmethod
    def at(cls, path: Path) -> "Part":
        """Read the digest of a file, of any size."""
        return cls(path, sha256_of(path))


class _Listed(TypedDict):
    """The same in a list: the path is relative to the model's folder."""

    path: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _List(TypedDict):
    """files.json: a model's files by their places; of an ensemble, `computing` is the step that is looked at."""

    files: dict[Name, _Listed]
    computing: NotRequired[Name]


def write_folder(
    folder: Path,
    config: ModelConfig,
    parts: Mapping[str, Part],
    later: Path | None = None,
    computing: str | None = None,
) -> None:
    """Write a configuration, and the list of the model's files by their places in the folder that a server reads.

    `later` is the path that the folder will have, where that is another; `computing` the step of an ensemble whose
    instances and batches are looked at.
    """
    write_text(folder / CONFIG, render(config))
    listed = {
        place: {"path": os.path.relpath(part.path, later or folder), "sha256": part.sha256}
        for place, part in parts.items()
    }
    write_json(folder / LISTED, {"files": listed, **({"computing": computing} if computing else {})})


def parts_of_onnx(path: Path, weights: Iterable[str]) -> dict[str, Part]:
    """Return an ONNX file, and files of weights beside it, by their places in a model's folder."""
    beside = {f"1/{name}": path.parent / name for name in weights}
    return {place: Part.at(file) for place, file in {ONNX_FILE: path, **beside}.items()}


def files_of(folder: Path) -> dict[str, Path]:
    """Return where each file of a model is, by its place in the folder that a server reads, without its configuration.

    Raises StageError if the list is damaged.
    """
    if not (folder / LISTED).exists():
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path != folder / CONFIG}
    return {place: part.path for place, part in _listed(folder).items()}


def has_version(places: Iterable[str]) -> bool:
    """Return whether one of a model's files is in a version's folder."""
    return any(place.partition("/")[0].isdigit() for place in places)


def onnx_file(folder: Path) -> Path:
    """Return the ONNX file of a model's folder."""
    return files_of(folder).get(ONNX_FILE, folder / ONNX_FILE)


def reference_of(folder: Path) -> list[Path]:
    """Return the folders of the models that a model's answers are compared with, the one to ask last; empty if none."""
    return sorted(
        (folder / REFERENCE).glob("*/"),
        key=lambda each: (read_config(each / CONFIG).HasField("ensemble_scheduling"), each),
    )


def computing_of(folder: Path) -> Path:
    """Return the folder of the model whose configuration and statistics tell of a cell: a step, or the model itself."""
    step = _list(folder).get("computing") if (folder / LISTED).exists() else None
    return folder / STEPS / step if step else folder


def served_name(folder: Path) -> str:
    """Return the name that a model is served under: its configuration's, or its folder's where that has none."""
    return read_config(folder / CONFIG).name or folder.name


def with_steps(folders: Iterable[Path]) -> list[Path]:
    """Return folders, each with those of its steps before it: all that a server needs."""
    return [each for folder in folders for each in (*sorted((folder / STEPS).glob("*/")), folder)]


def written_in(folders: Iterable[Path]) -> tuple[str, ...]:
    """Return all that is written of models: each one's configuration, and the list of its files with their digests."""
    return tuple((each / name).read_text(encoding="utf-8") for each in folders for name in (CONFIG, LISTED))


def repeated(folders: Iterable[Path]) -> dict[str, str]:
    """Return which models are an earlier one under another name: the same files, configured in the same way."""
    first: dict[tuple[str, ...], str] = {}
    found = {}
    for folder in folders:
        told = tuple(text.replace(folder.name, "") for text in written_in(with_steps([folder])))
        if (same := first.setdefault(told, folder.name)) != folder.name:
            found[folder.name] = same
    return found


def check_listed(folders: Iterable[Path]) -> None:
    """Raise StageError if a folder has neither files nor a list of them any more."""
    for each in folders:
        if not (each / LISTED).exists() and not files_of(each):
            raise damaged(each / LISTED, "it is missing")


def check_files(folders: Iterable[Path]) -> None:
    """Raise StageError if a listed file is another one than when a configuration was written; each is read once."""
    found: dict[Path, Part] = {}
    # What answers are compared with names the same files.
    for each in with_steps(folders):
        for part in _listed(each).values() if (each / LISTED).exists() else ():
            if part.path not in found:
                found[part.path] = Part.at(part.path)
            if found[part.path] != part:
                raise damaged(part.path, f"it is another file than the one that {each.name} was configured for")


def put_together(folders: Iterable[Path], repository: Path) -> None:
    """Put model folders together in a new repository, each complete: listed files by hard links.

    Where a file system takes no link to a file, it gets one copy, to which all others are links.
    """
    nearest: dict[Path, Path] = {}
    for folder in folders:
        target = repository / served_name(folder)
        if not (folder / LISTED).exists():
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"))
            continue
        target.mkdir(parents=True)
        shutil.copyfile(folder / CONFIG, target / CONFIG)
        files = files_of(folder)
        if not has_version(files):  # an ensemble's has no files, and Triton wants the folder
            (target / "1").mkdir()
        for place, path in files.items():
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            # A link to a link would be one to a place that another file system does not have.
            source = path.resolve(strict=True)
            _link(nearest.get(source, source), target / place)
            nearest.setdefault(source, target / place)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copyfile(source, target)


def _listed(folder: Path) -> dict[str, Part]:
    found = _list(folder)["files"]
    for place in found:
        if place.startswith("/") or ".." in Path(place).parts:
            raise damaged(folder / LISTED, f"{place} is no place in a model's folder")
    return {place: Part(_plain(folder / each["path"]), each["sha256"]) for place, each in found.items()}


def _list(folder: Path) -> _List:
    found: _List = read_record(folder / LISTED, _List)
    return found


def _plain(path: Path) -> Path:
    """Return a path without `..` in it, as people are told it; links stay."""
    return Path(os.path.normpath(path))
