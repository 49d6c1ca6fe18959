"""Clones of the last commit for benchmarks to change, with a model that trains in seconds."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from record import REVISION, ROOT


def require_committed() -> None:
    """End the program if the working tree differs from the commit that a clone would carry."""
    if REVISION.endswith("-dirty"):
        sys.exit("error: the working tree has changes that a clone would not have; commit them first")


def clone(folder: Path, perf: dict[str, Any]) -> None:
    """Clone the last commit, pull its data, and write one epoch of training and `perf` into params.yaml."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    for section in ("reconstruction", "head"):
        content["models"]["autoencoder"][section]["epochs"] = 1
    content["perf"].update(perf)
    yaml.dump(content, folder / "params.yaml")
    timed(folder, "dvc", "pull", "data.dvc")


def timed(folder: Path, *command: str) -> tuple[float, str]:
    """Run a command in the clone, and return its seconds and what it printed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    began = time.monotonic()
    finished = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return time.monotonic() - began, finished.stdout
