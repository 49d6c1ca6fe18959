"""Clones of the last commit for benchmarks to change, with a model that trains in seconds."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from assay.ground import environment
from assay.ground.process import StageError, ending_with_us
from record import REVISION, ROOT


def require_committed() -> None:
    """End the program if the working tree differs from the commit that a clone would carry."""
    if REVISION.endswith("-dirty"):
        sys.exit("error: the working tree has changes that a clone would not have; commit them first")


def clone(folder: Path) -> None:
    """Clone the last commit and pull its data."""
    finish(ROOT, "git", "clone", "--quiet", str(ROOT), str(folder))
    finish(folder, "dvc", "pull", "data.dvc")


def shorten(folder: Path, sections: Mapping[str, Mapping[str, Any]], model: str | None = None) -> None:
    """Write one epoch of training, what `sections` say and another `model` into a clone's params.yaml."""
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    for section in ("reconstruction", "head"):
        content["models"]["autoencoder"][section]["epochs"] = 1
    content["model"] = model or content["model"]
    for name, changes in sections.items():
        content[name].update(changes)
    yaml.dump(content, folder / "params.yaml")


def finish(folder: Path, *command: str) -> float:
    """Run a command in the clone, and return its seconds; raises StageError if it fails."""
    return _run(folder, command, None)[0]


def timed(folder: Path, *command: str) -> tuple[float, str]:
    """Run a command in the clone, and return its seconds and what it printed; raises StageError if it fails."""
    return _run(folder, command, subprocess.PIPE)


def _run(folder: Path, command: Sequence[str], stdout: int | None) -> tuple[float, str]:
    began = time.monotonic()
    finished = subprocess.run(
        ending_with_us(command),
        cwd=folder,
        env=environment.of_children(),
        check=False,
        stdout=stdout,
        encoding="utf-8",
    )
    if finished.returncode:
        said = f", after it printed:\n{finished.stdout}" if finished.stdout else "; its own words are above"
        raise StageError(f"`{' '.join(command)}` exited with {finished.returncode}{said}")
    return time.monotonic() - began, finished.stdout or ""
