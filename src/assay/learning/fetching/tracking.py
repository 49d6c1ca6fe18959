"""Put a fetched folder into its place and let DVC track it: folder and .dvc file are both new, or both as they were."""

import sys
from pathlib import Path

from assay.ground.children import checked
from assay.ground.files import left_out_by_dvc, restoring, shown, take_place
from assay.ground.paths import ROOT
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.ground.rwlock import mend_rwlock


def track(fetched: Path, folder: Path) -> None:
    """Let a folder that was made `beside` another take its place, and DVC record it in <folder>.dvc.

    If that fails or is interrupted, the folder, its .dvc file and .gitignore are what they were; a killed run may leave
    a new folder beside an old file. Raises StageError with DVC's words, or with a name that it would leave out.
    """
    _check_names(fetched)
    dvc = [sys.executable, "-m", "dvc"]
    # What DVC writes beside the folder; of its files it makes links to its cache, which go with the folder.
    record, ignored = folder.with_name(f"{folder.name}.dvc"), folder.with_name(".gitignore")
    tracked = False
    mend_rwlock()
    try:
        with restoring(record, ignored):
            take_place(fetched, folder)
            checked(*dvc, "add", str(folder.relative_to(ROOT)), cwd=ROOT, failure="`dvc add` failed")
            # Where its cache has no room for a file, it says nothing, and ends with 0.
            status = [*dvc, "status", "--json", str(record.relative_to(ROOT))]
            if "{}" not in checked(*status, cwd=ROOT, failure="`dvc status` failed").splitlines():
                raise StageError(
                    f"DVC did not take all of {shown(folder)} into its cache; free some space where `dvc cache dir` "
                    "says that it is, then run this again"
                )
            tracked = True
    finally:
        if not tracked:
            if not fetched.exists():
                folder.rename(fetched)  # what it replaced comes back where nothing is
            mend_rwlock()


def _check_names(folder: Path) -> None:
    """Raise StageError if DVC leaves out a file by its name: nobody else would get it, nor see that it is another."""
    for path in sorted(folder.rglob("*")):
        if left_out_by_dvc(path):
            raise StageError(
                f"{printable(path.relative_to(folder))} has a name that DVC leaves out (.dvcignore): rename it, and "
                "whatever names it"
            )
