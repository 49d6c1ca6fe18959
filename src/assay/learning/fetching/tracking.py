"""Put a fetched folder into its place and let DVC track it: folder and .dvc file are both new, or both as they were."""

import sys
from pathlib import Path

from assay.ground.children import checked
from assay.ground.files import replacing, take_place
from assay.ground.paths import ROOT
from assay.ground.rwlock import mend_rwlock


def track(fetched: Path, folder: Path) -> None:
    """Let a folder that was made `beside` another take its place, and DVC record it in <folder>.dvc.

    If that fails or is interrupted, the folder, its .dvc file and .gitignore are what they were; a killed run may leave
    a new folder beside an old file. Raises StageError with DVC's words.
    """
    # What DVC writes beside the folder; of its files it makes links to its cache, which go with the folder.
    written = [folder.with_name(f"{folder.name}.dvc"), folder.with_name(".gitignore")]
    before = {path: path.read_bytes() if path.exists() else None for path in written}
    dvc_add = [sys.executable, "-m", "dvc", "add", str(folder.relative_to(ROOT))]
    tracked = False
    mend_rwlock()
    try:
        take_place(fetched, folder)
        checked(*dvc_add, cwd=ROOT, failure="`dvc add` failed")
        tracked = True
    finally:
        if not tracked:
            if not fetched.exists():
                folder.rename(fetched)  # what it replaced comes back where nothing is
            for path, content in before.items():
                _write(path, content)
            mend_rwlock()


def _write(path: Path, content: bytes | None) -> None:
    """Let a file have this content, or not be there."""
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        with replacing(path) as partial:
            partial.write_bytes(content)
