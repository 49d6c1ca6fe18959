"""Mend DVC's list of its own locks, which it empties before it writes it anew.

A DVC that is ended between the two leaves an empty file, and every later one refuses it. An empty list and none are the
same to DVC: each entry names a process, and lasts no longer than that.

Writes  .dvc/tmp/rwlock (removed, if it cannot be read)
Run     python -m assay.ground.rwlock        (make repro)
"""

from assay.ground.stage import run_stage

import fcntl
import json

from assay.ground.paths import ROOT


def mend_rwlock() -> None:
    """Remove the workspace's list of locks if it cannot be read, and say so; leave it to a DVC that writes it now."""
    path = ROOT / ".dvc" / "tmp" / "rwlock"
    if not path.is_file():
        return
    # DVC writes the list while it holds this file.
    with path.with_suffix(".lock").open("a") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            json.loads(path.read_bytes())
        except ValueError:
            print(f"{path.relative_to(ROOT)} was cut short when a DVC was ended: removed", flush=True)
            path.unlink()


if __name__ == "__main__":
    run_stage(mend_rwlock)
