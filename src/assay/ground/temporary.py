"""One temporary folder for each process, whatever it and its libraries put there; and what killed ones left.

A process that is killed cannot clean up. What it leaves in folders common to all programs bears its mark, and the
next process of ours removes it.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.ground import supervisor
from assay.ground.owner import PREFIX, is_dead, mark, marked, prefix
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.ground.supervisor import OWNER, SHARED_MEMORY


def common_folder() -> Path:
    """Return the folder for temporary files that programs share: what TMPDIR names, or /tmp.

    Raises StageError if nothing can be written there.
    """
    named = os.environ.get("TMPDIR") if tempfile.tempdir is None else None
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise StageError(f"{error.strerror}; free some space there, or name another folder in TMPDIR") from None
    # Python takes another one then, in silence: not where this person's other programs look for locks.
    if named and folder.resolve() != Path(named).resolve():
        raise StageError(
            f"TMPDIR names {printable(named)}, and no file can be written there: it is missing, full, no folder, or "
            "not yours to write to; free or make it, or name another"
        )
    return folder.parent if marked(folder.name) == mark() else folder


@contextmanager
def own_folder() -> Iterator[None]:
    """Have `tempfile` use a folder of this process's own inside the block, which is removed with all that is in it.

    Removes what killed processes left before. Processes that are started here bear this one's mark.
    """
    common = common_folder()
    remove_leftovers(common)
    folder = Path(tempfile.mkdtemp(prefix=prefix()))
    tempfile.tempdir = str(folder)
    os.environ[OWNER] = prefix()
    try:
        yield
    finally:
        tempfile.tempdir = str(common)
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """End processes and remove shared memory and temporary folders of our processes that have died, of this user's."""
    left = {path: owner for path in folder.glob(f"{PREFIX}*") if (owner := _dead_owner(path))}
    shared = {path: owner for path in SHARED_MEMORY.glob(f"{PREFIX}*") if (owner := _dead_owner(path))}
    for owner in {*left.values(), *shared.values()}:
        supervisor.end_marked(prefix(owner))
    for path, owner in left.items():
        with contextlib.suppress(FileNotFoundError):  # another process of ours may be at it, too
            for run_folder in (path, *path.glob(f"{PREFIX}*")):
                supervisor.remove_shared_memory(prefix(owner), run_folder)
        shutil.rmtree(path, ignore_errors=True)
    for path in shared:
        path.unlink(missing_ok=True)


def _dead_owner(path: Path) -> str | None:
    """Return the mark of the dead process that a path is of, None if it is alive, or the path not ours to remove."""
    owner = marked(path.name)
    with contextlib.suppress(FileNotFoundError):
        if owner and path.lstat().st_uid == os.geteuid() and is_dead(owner):
            return owner
    return None
