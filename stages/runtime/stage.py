"""What every stage's script imports first and runs through: its argument, signals, failures in one sentence.

First, because what a stage imports takes seconds in which Ctrl-C may come, and C code that
imports turns a KeyboardInterrupt into an ImportError of its own. And because NumPy and ONNX
Runtime look only once at what the environment tells them.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from runtime.process import INTERRUPTED, StageError, follow_dvc, interrupted

_REMEDIES = {
    errno.ENOENT: "; `dvc repro` runs the stages that make it first",
    errno.ENOSPC: "; free some space, then `dvc repro` goes on from the stages that finished",
    errno.EROFS: "; make it writable",
    errno.EACCES: "; make it readable and writable for you",
}


# Before NumPy is imported: nothing here multiplies large matrices with it, and its threads
# take processor time while they wait for some.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before ONNX Runtime is: it notes down who uses it, under the home folder and with an address to
# send that to, unless it is told not to.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    # A script that still imports has nothing to clean up, and an exception may not get through.
    os.write(sys.stderr.fileno(), INTERRUPTED.encode())
    os._exit(128 + signal.SIGINT)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)


def argument(choices: Sequence[str]) -> str:
    """Return the script's only argument; raises StageError unless it is one of `choices`."""
    given = sys.argv[1:]
    if len(given) == 1 and given[0] in choices:
        return given[0]
    script = Path(sys.argv[0]).name
    raise StageError(f"{script} takes one argument, one of: {', '.join(choices)}; it got: {' '.join(given) or 'none'}")


_received: list[int] = []


def _unwind(number: int, _frame: FrameType | None) -> NoReturn:
    # One signal is enough: a second must not interrupt the cleaning up.
    signal.signal(number, signal.SIG_IGN)
    _received.append(number)
    # The event loop under tritonclient's HTTP client prints what meets it before it passes it on.
    if gevent := sys.modules.get("gevent.hub"):
        gevent.Hub.exception_stream = None
    _raise_received()


def _raise_received(*_: object) -> NoReturn:
    if _received[0] == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + _received[0])


def _raise_again(dropped: "sys.UnraisableHookArgs") -> None:
    """Raise a signal's exception once more that Python dropped: it met a destructor, or a weak reference's end."""
    if _received and isinstance(dropped.exc_value, KeyboardInterrupt | SystemExit):
        # A moment later, for here it would be dropped again.
        signal.signal(signal.SIGALRM, _raise_received)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
    else:
        sys.__unraisablehook__(dropped)


def _fail(sentence: str, error_code: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(error_code)


def run_stage(main: Callable[[], None], error_code: int = 1) -> NoReturn:
    """Run a stage's `main`, turn its failures into one sentence, and exit, with `error_code` if it failed.

    SIGTERM and SIGHUP unwind like an exception, so that context managers clean
    up. Under DVC the stage follows its death. Temporary files go to a folder of its own.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A background job starts with SIGINT ignored, and keeps it so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _unwind)
    sys.unraisablehook = _raise_again
    follow_dvc()
    try:
        from runtime.temporary import own_folder  # here, where signals are taken care of

        with own_folder():
            main()
    except StageError as error:
        _fail(str(error), error_code)
    except OSError as error:
        where = os.path.relpath(error.filename) if error.filename else "the system"
        _fail(f"{where}: {error.strerror or error}{_REMEDIES.get(error.errno or 0, '')}", error_code)
    except KeyboardInterrupt:
        interrupted()
    except Exception as error:
        # C code that a signal's exception passes through may make another one of it.
        if _received == [signal.SIGINT]:
            interrupted()
        if _received:
            sys.exit(128 + _received[0])
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(error_code)
    sys.exit(0)
