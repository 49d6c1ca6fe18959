"""Read files that DVC and editors empty and write anew where they are, such as dvc.lock and params.yaml.

Who reads meanwhile finds nothing, a part or the whole. A part may well be in order as far as it goes: only what
stands still is believed, and only what has stood for longer is damaged.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from assay.ground.process import StageError

# DVC writes a dvc.lock in parts, one about 25 ms after another.
STILL_S = 0.2
PATIENCE_S = 2.0
_PAUSE_S = 0.02
Content = TypeVar("Content")


class FileVersion(NamedTuple):
    """What changes whenever a file is written to or replaced. Clocks run some milliseconds ahead of files' times."""

    device: int
    inode: int
    modified_ns: int


def file_version(path: Path) -> FileVersion:
    """Return the version of a file as it lies there; raises FileNotFoundError if it does not."""
    found = path.stat()
    return FileVersion(found.st_dev, found.st_ino, found.st_mtime_ns)


def read_still(path: Path, parse: Callable[[bytes], Content]) -> Content:
    """Return what `parse` makes of a file, once nobody has written to it for a moment.

    A StageError that `parse` raises counts when the file has stood for some seconds; after so many, the file is taken
    as it is.
    """
    seen, since = None, time.monotonic()
    ends = since + PATIENCE_S
    while True:
        version, now = file_version(path), time.monotonic()
        if version != seen:
            seen, since = version, now
        # By its own time, unless that lies in the future, as where clocks differ.
        stood_s = max(time.time() - version.modified_ns / 1e9, now - since)
        content = path.read_bytes()
        stands, over = file_version(path) == version, now > ends
        if over or (stands and stood_s > STILL_S):
            try:
                return parse(content)
            except StageError:
                if over or (stands and stood_s > PATIENCE_S):
                    raise
        time.sleep(_PAUSE_S)
