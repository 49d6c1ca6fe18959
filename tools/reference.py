"""Bring back a model as another revision of this repository has it, without touching this checkout."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from runtime.paths import ROOT
from runtime.process import StageError, ending_with_us
from training.pixels import scaled

MODELS = "artifacts/model_repository"


def environment() -> dict[str, str]:
    """Return the environment of a DVC or Git that works on a project of its own choice.

    Stages run as `python`: this environment's. What a calling DVC or a Git hook says of its
    own project is left out.
    """
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_"))}
    return {**inherited, "PATH": programs}


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ending_with_us(command),
        cwd=cwd,
        env=environment(),
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _checked(*command: str, cwd: Path, failure: str) -> str:
    finished = _run(*command, cwd=cwd)
    if finished.returncode:
        said = "\n  ".join(finished.stdout.strip().splitlines()[-8:])
        raise StageError(f"{failure}:\n  {said}")
    return finished.stdout.strip()


def resolve(revision: str) -> str:
    """Return the commit that a revision names; raises StageError if there is none."""
    if revision.startswith("-"):
        raise StageError(f"{revision!r} is not a revision")
    finished = _run("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", cwd=ROOT)
    if finished.returncode:
        raise StageError(f"no revision {revision!r} here; a shallow clone may need `git fetch --unshallow`")
    return finished.stdout.strip()


def check_out(commit: str, folder: Path) -> None:
    """Clone this repository at a commit into an empty folder that shares this one's DVC cache and remotes."""
    failure = f"the revision {commit[:8]} cannot be checked out"
    _checked("git", "clone", "--quiet", "--no-checkout", str(ROOT), str(folder), cwd=ROOT, failure=failure)
    _checked("git", "checkout", "--quiet", commit, cwd=folder, failure=failure)
    cache = _checked("dvc", "cache", "dir", cwd=ROOT, failure="DVC does not name its cache")
    local = ROOT / ".dvc" / "config.local"
    if local.exists():  # where a remote's credentials are
        (folder / ".dvc" / "config.local").write_bytes(local.read_bytes())
    _checked("dvc", "cache", "dir", "--local", str((ROOT / cache).resolve()), cwd=folder, failure=failure)


def restore_models(folder: Path) -> str:
    """Bring back the model repository of a checked-out revision, and return from where.

    From DVC's cache if it is there, else from the default remote, else by running the
    revision's own stages. Raises StageError if none of the three works.
    """
    if _run("dvc", "checkout", MODELS, cwd=folder).returncode == 0:
        return "DVC's cache"
    if _run("dvc", "pull", MODELS, cwd=folder).returncode == 0:
        return "the remote"
    _run("dvc", "pull", "data.dvc", cwd=folder)  # a dataset of one's own may be in the cache already
    print("the reference is neither in the cache nor on a remote: building it again", flush=True)
    _checked("dvc", "repro", "triton-config", cwd=folder, failure="the reference could not be built again")
    return "its own stages, run again"


def as_taken(examples: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """Return examples [N, …], as this working tree stores them, in the type that a revision's model takes.

    Models that take images as 32-bit floats are of revisions that trained on pixels from 0 to
    1 and left the scaling to whoever asked; later ones take bytes and scale them. Raises
    StageError for a model that takes neither; `what` names it.
    """
    if examples.dtype == dtype:
        return examples
    if examples.dtype == np.uint8 and dtype == np.float32:
        return scaled(examples)
    raise StageError(f"{what} takes {dtype}, and examples are {examples.dtype}: the two cannot be compared")
