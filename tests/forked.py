"""Run a piece of the product in a process of its own, without the seconds that its imports take."""

from assay.ground.stage import failures_end_with

import gc
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

# No message is longer than a screen.
LINES, CHARACTERS = 40, 4000
CRIES = ("Traceback", "Exception ignored", "Warning:", "Fatal Python error")


@dataclass(frozen=True)
class Outcome:
    """How it ended: the exit code, negative for a signal, None for a hang; and all that it printed."""

    code: int | None
    said: str

    @property
    def complaint(self) -> str | None:
        """What a person would complain of, None if nothing."""
        if self.code is None:
            return "it hung"
        if self.code not in (0, 1):
            return f"it ended with {self.code}"
        if cry := next((cry for cry in CRIES if cry in self.said), None):
            return f"it printed {cry}"
        if self.code == 1 and "error: " not in self.said:
            return "it failed without saying why"
        if len(self.said) > CHARACTERS or self.said.count("\n") > LINES:
            return "it printed more than a screen"
        return None


def forked(work: Callable[[], None], seconds: float, memory_bytes: int = 4 * 2**30) -> Outcome:
    """Run `work` in a child; a child that takes longer than some seconds is killed."""
    with tempfile.TemporaryFile() as printed:
        sys.stdout.flush()
        sys.stderr.flush()
        # What other tests left, such as TensorFlow's functions, needs threads to be collected that a child has not.
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _child(work, printed.fileno(), memory_bytes)
        gc.unfreeze()
        code = _wait(pid, seconds)
        printed.seek(0)
        return Outcome(code, printed.read().decode(errors="replace"))


def _child(work: Callable[[], None], output: int, memory_bytes: int) -> None:
    code = 70
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        limit = memory_bytes + int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115, PTH123
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        failures_end_with(1)  # whatever a program that was imported before has said of its own
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 70
    except BaseException:  # whatever gets through is what is looked for
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of pytest's own may run in the child.
        os._exit(code)


def _wait(pid: int, seconds: float) -> int | None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
