"""Run another program to its end, in an environment of our choosing: Git, DVC, another Python."""

import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from assay.ground import environment
from assay.ground.process import StageError, ending_with_us

# A terminal's Ctrl-C reaches both, and a program that is interrupted twice may not clean up: it is waited for first.
ENDS_BY_ITSELF_S = 0.5
GRACE_S = 2.0


def run(*command: str, cwd: Path, shown: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, and return how it ended and what it printed on both streams.

    With `shown`, each line is printed here, too, indented, as it comes. A program that is not installed ends with
    127, as in a shell. Whatever ends this early ends the program and those that it started: see `_end`.
    """
    # Of Python's, lines come as they are printed, and not when it ends.
    unbuffered = {"PYTHONUNBUFFERED": "1"} if shown else {}
    process = subprocess.Popen(
        ending_with_us(command),
        cwd=cwd,
        env={**environment.of_children(), **unbuffered},
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            said = "".join(_passing_on(process.stdout or (), shown))
            process.wait()
        except BaseException:
            _end(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said)


def _passing_on(lines: Iterable[str], shown: bool) -> Iterator[str]:
    for line in lines:
        if shown:
            print(f"  {line}".removesuffix("\n"), flush=True)
        yield line


def _end(process: subprocess.Popen[str]) -> None:
    """End a program as Ctrl-C does, so that it leaves its files whole; if it goes on, in any case.

    Those that it started and that print where it did are waited for: they end with it, and may have to clean up.
    """
    for number in (None, signal.SIGINT, signal.SIGKILL):
        if number:
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_S if number else ENDS_BY_ITSELF_S)
            return


def last_words(finished: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a program printed, for a message: at most eight lines, indented."""
    return "\n  ".join(filter(None, finished.stdout.splitlines()[-8:])) or f"(nothing; exit code {finished.returncode})"


def checked(*command: str, cwd: Path, failure: str, shown: bool = False) -> str:
    """Run a program and return what it printed; raises StageError with `failure` and its last words if it fails."""
    finished = run(*command, cwd=cwd, shown=shown)
    if finished.returncode:
        raise StageError(f"{failure}:\n  {last_words(finished)}")
    return finished.stdout.strip()
