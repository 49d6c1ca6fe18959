"""With which parameters DVC ran each stage last, as its lock files say.

DVC brings a stage's inputs up to date before it runs the stage, unless it is told not to: `--downstream` and
`--single-item` take models and measurements of earlier parameters for those of the present ones.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired

from ruamel.yaml import YAML
from typing_extensions import TypedDict

from assay.ground.files import check_is_file, reading
from assay.ground.process import StageError
from assay.ground.quoting import quoted
from assay.ground.records.checking import complaint
from assay.ground.still import read_still


class Entry(TypedDict):
    """A file or folder, and its digest."""

    path: str
    md5: NotRequired[str]


class LockedStage(TypedDict):
    """A stage as it ran last; `params` by file, each by its name with dots."""

    deps: NotRequired[list[Entry]]
    params: NotRequired[dict[str, dict[str, Any]]]
    outs: NotRequired[list[Entry]]


class _Lock(TypedDict):
    stages: dict[str, LockedStage]


def locked_stages(path: Path) -> dict[str, LockedStage]:
    """Return what a dvc.lock says of each stage, nothing where there is none; raises StageError if it is damaged."""
    if not path.exists():
        return {}
    check_is_file(path)

    def parse(text: bytes) -> dict[str, LockedStage]:
        with reading(path, "a lock file of DVC's"):
            content = YAML(typ="safe").load(text.decode())
            if why := complaint(content, _Lock):
                raise ValueError(why)
        stages: dict[str, LockedStage] = content["stages"]
        return stages

    return read_still(path, parse)


def check_parameters(root: Path, addresses: Iterable[str], present: Mapping[str, Any]) -> None:
    """Raise StageError if a stage of the project in `root` ran last with other parameters than the present ones.

    An address is the name of a stage, after that of its pipeline file and a colon if that is not dvc.yaml. Parameters
    are what params.yaml says, and no defaults, of which DVC does not know.
    """
    for address, stage in _stages(root, addresses):
        for key, was in stage.get("params", {}).get("params.yaml", {}).items():
            for place, then, now in _differences(key, was, _at(present, key)):
                raise StageError(
                    f"{address} ran last with {place}: {quoted(then)}, and params.yaml has {quoted(now)}; "
                    "run `dvc repro`, without --downstream or --single-item, to bring it up to date first"
                )


def check_results(root: Path, addresses: Iterable[str]) -> None:
    """Raise StageError if a file that a stage wrote is another than a lock file says that it wrote last."""
    for address, stage in _stages(root, addresses):
        for entry in stage.get("outs", []):
            file = root / entry["path"]
            if file.is_file() and digest(file.read_bytes()) != entry.get("md5"):
                raise StageError(
                    f"{entry['path']} is not what {address} wrote last, by DVC's lock file; `dvc checkout` brings that "
                    "back, or `dvc repro` makes it again"
                )


def _stages(root: Path, addresses: Iterable[str]) -> Iterator[tuple[str, LockedStage]]:
    """Yield addresses, each with what DVC knows of the stage; all of them work in `root`."""
    read: dict[str, dict[str, LockedStage]] = {}
    for address in addresses:
        pipeline, _, name = address.rpartition(":")
        if pipeline not in read:
            read[pipeline] = locked_stages((root / (pipeline or "dvc.yaml")).with_suffix(".lock"))
        yield address, read[pipeline].get(name, LockedStage())


def digest(content: bytes) -> str:
    """Return the digest under which DVC knows a file."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _differences(place: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in {**was, **now}:
            yield from _differences(f"{place}.{name}", was.get(name), now.get(name))
    elif was != now:
        yield place, was, now


def _at(content: Any, key: str) -> Any:
    for name in key.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content
