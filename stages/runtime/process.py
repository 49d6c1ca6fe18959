"""How a stage runs as a process: errors, signals, and never outliving DVC."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StageError(Exception):
    """A failure that a person can act on; the message says what, where, how to mend."""


def argument(choices: Sequence[str]) -> str:
    """Return the script's only argument; raises StageError unless it is one of `choices`."""
    given = sys.argv[1:]
    if len(given) == 1 and given[0] in choices:
        return given[0]
    script = Path(sys.argv[0]).name
    raise StageError(f"{script} takes one argument, one of: {', '.join(choices)}; it got: {' '.join(given) or 'none'}")


def die_with_parent(with_signal: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when its parent dies.

    Fit for `subprocess.Popen(preexec_fn=…)`: one system call, no allocation.
    """
    if _libc.prctl(PR_SET_PDEATHSIG, with_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    # One signal is enough: a second must not interrupt the cleaning up.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def interrupted() -> NoReturn:
    """End after Ctrl-C, saying what it means for the pipeline."""
    print("interrupted; finished stages are kept, `dvc repro` goes on from them", file=sys.stderr)
    sys.exit(128 + signal.SIGINT)


def run_stage(main: Callable[[], None]) -> NoReturn:
    """Run a stage's `main`, turn its failures into one sentence, and exit.

    SIGTERM and SIGHUP unwind like an exception, so that context managers clean
    up. Under DVC, which dies without telling its children, the stage follows it.
    """
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    if "DVC_ROOT" in os.environ:
        die_with_parent(signal.SIGTERM)
    try:
        main()
    except StageError as error:
        sys.exit(f"error: {error}")
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} is missing; `dvc repro` runs the stages that make it first")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'the system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        interrupted()
    sys.exit(0)
