"""Run another program to its end, in an environment of our choosing: Git, DVC, another Python."""

import subprocess
from pathlib import Path

from runtime import environment
from runtime.process import StageError, ending_with_us


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, and return how it ended and what it printed on both streams.

    A program that is not installed ends with 127, as in a shell.
    """
    return subprocess.run(
        ending_with_us(command),
        cwd=cwd,
        env=environment.of_children(),
        encoding="utf-8",
        errors="replace",
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def last_words(finished: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a program printed, for a message: at most eight lines, indented."""
    return "\n  ".join(filter(None, finished.stdout.splitlines()[-8:])) or f"(nothing; exit code {finished.returncode})"


def checked(*command: str, cwd: Path, failure: str) -> str:
    """Run a program and return what it printed; raises StageError with `failure` and its last words if it fails."""
    finished = run(*command, cwd=cwd)
    if finished.returncode:
        raise StageError(f"{failure}:\n  {last_words(finished)}")
    return finished.stdout.strip()
