"""What every script imports first and runs through: its argument, environment, signals, failures in one sentence.

First, because what a script imports takes seconds in which Ctrl-C may come, and C code that
imports turns a KeyboardInterrupt into an ImportError of its own. And because libraries look only
once at what the environment tells them.
"""

import errno
import io
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from assay.ground import environment, stops
from assay.ground.process import FULL, GOES_ON, INTERRUPTED, StageError, follow_dvc, too_little_memory

# Tools and benchmarks run through here as well.
_IS_STAGE = Path(sys.argv[0]).parent.name == "stages"
_INTERRUPTED = f"{INTERRUPTED}{f', and {GOES_ON}' if _IS_STAGE else ''}\n"
_WITHOUT_ROOM = (*FULL, errno.EFBIG)
_REMEDIES = {
    errno.ENOENT: "; `dvc repro` runs the stages that make it first",
    **dict.fromkeys(FULL, f"; free some space{f', then {GOES_ON}' if _IS_STAGE else ''}"),
    errno.EFBIG: "; raise the limit on the size of a file (`ulimit -f`), or use a file system that takes larger ones",
    errno.EROFS: "; make it writable",
    errno.EACCES: "; make it readable and writable for you",
}
# That a process is to end, as whoever ends it, a closed terminal and Ctrl-\ say it.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
environment.choose()

# Set where a script's own 1 is an answer: the exit code of whatever fails.
_failure_code: int | None = None
_received: list[int] = []
_over = False


def failures_end_with(code: int) -> None:
    """Let whatever fails from here on end the script with `code`: an import, `main`, or a signal."""
    global _failure_code  # noqa: PLW0603  a process ends once
    _failure_code = code
    for number in _ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    # A script that still imports has nothing to clean up, and an exception may not get through.
    if number == signal.SIGINT:
        os.write(2, _INTERRUPTED.encode())
    os._exit(_failure_code or 128 + number)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)


def argument(choices: Sequence[str]) -> str:
    """Return the script's only argument; raises StageError unless it is one of `choices`."""
    given = sys.argv[1:]
    if len(given) == 1 and given[0] in choices:
        return given[0]
    script = Path(sys.argv[0]).name
    raise StageError(f"{script} takes one argument, one of: {', '.join(choices)}; it got: {' '.join(given) or 'none'}")


def _unwind(number: int, _frame: FrameType | None) -> None:
    # One signal is enough: another must not interrupt the cleaning up. It is not set to be ignored,
    # because Python complains about one that is under way when that happens.
    if _received or _over:
        return
    _received.append(number)
    _raise_received()


def _raise_received(*_: object) -> None:
    if _over:
        return
    if _received[0] == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + _received[0])


def _raise_again(dropped: "sys.UnraisableHookArgs") -> None:
    """Raise a signal's exception once more that Python dropped: it met a destructor, or a weak reference's end."""
    if _received and isinstance(dropped.exc_value, KeyboardInterrupt | SystemExit):
        # A moment later, for here it would be dropped again.
        signal.signal(signal.SIGALRM, _raise_received)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
    elif not _is_of_an_unmade_object(dropped):
        sys.__unraisablehook__(dropped)


def _is_of_an_unmade_object(dropped: "sys.UnraisableHookArgs") -> bool:
    # A signal or an error ended the constructor, and was told: what the destructor misses is no news.
    return isinstance(dropped.exc_value, AttributeError) and getattr(dropped.object, "__name__", "") == "__del__"


def _sentence(error: BaseException) -> str | None:
    """Return a failure in one sentence; None of one that nobody foresaw."""
    if isinstance(error, StageError):
        return str(error)
    if isinstance(error, MemoryError):
        return too_little_memory(str(error))
    # Nothing is imported here that takes time: until the first handler is set, Ctrl-C is Python's own.
    subprocess = sys.modules.get("subprocess")
    if subprocess and isinstance(error, subprocess.CalledProcessError):
        said = error.stderr or error.stdout or "its own words, if any, are above"
        lines = (said if isinstance(said, str) else said.decode(errors="replace")).splitlines()
        return "\n  ".join([f"{Path(error.cmd[0]).name} exited with {error.returncode}; it said:", *lines[-8:]])
    return _of_the_system(_first_of_many(error)) if isinstance(error, OSError) else None


def _of_the_system(error: OSError) -> str:
    from assay.ground.programs import not_started, started_by
    from assay.ground.workspace import find_workspace

    if program := started_by(error):
        return not_started(program, error, "install one that can be, or correct PATH")
    # Where a file is copied or moved there are two, and it is the second that has no room.
    name = error.filename2 if error.errno in _WITHOUT_ROOM and error.filename2 else error.filename
    known = isinstance(name, str)
    ours = known and Path(name).absolute().is_relative_to(find_workspace() or "/")
    remedy = "" if error.errno == errno.ENOENT and not ours else _REMEDIES.get(error.errno or 0, "")
    if error.errno in FULL and known and _is_temporary(name):
        remedy = "; free some space there, or name another folder in TMPDIR"
    return f"{_from_here(name) if known else 'the system'}: {error.strerror or error}{remedy}"


def _first_of_many(error: OSError) -> OSError:
    """Return the first of the failures that copying a folder collects, each as source, target and words."""
    shutil = sys.modules.get("shutil")
    if not (shutil and isinstance(error, shutil.Error) and isinstance(error.args[0], list)):
        return error
    _, target, words = error.args[0][0]
    number = words.removeprefix("[Errno ").partition("]")[0]
    return OSError(int(number), os.strerror(int(number)), target) if number.isdigit() else OSError(f"{target}: {words}")


def _is_temporary(path: str) -> bool:
    tempfile = sys.modules.get("tempfile")
    return bool(tempfile and Path(path).is_relative_to(tempfile.gettempdir()))


def _from_here(path: str) -> str:
    try:
        return os.path.relpath(path)
    except OSError:  # the folder that this process works in is gone
        return path


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Say what failed: in one sentence, or, of what nobody foresaw, where in the code."""
    if sentence := _sentence(error):
        print(f"error: {sentence}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _end_import(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _report(kind, error, traceback)
    if _failure_code:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(_failure_code)


# What a script imports fails outside of `run_stage`.
sys.excepthook = _end_import


def _nobody_reads() -> bool:
    """Return whether what is printed goes into a pipe that nobody reads any more."""
    output = select.poll()
    output.register(1, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _end(error: BaseException) -> int:
    """Return a failed script's exit code, having said why."""
    if _received:
        # C code that a signal's exception passes through may make another one of it.
        if _received[0] == signal.SIGINT:
            print(_INTERRUPTED, end="", file=sys.stderr)
        return _failure_code or 128 + _received[0]
    if isinstance(error, BrokenPipeError) and _nobody_reads():
        # Whoever read it has seen enough, as in `| head`.
        return _failure_code or 128 + signal.SIGPIPE
    _report(type(error), error, error.__traceback__)
    return _failure_code or 1


def run_stage(main: Callable[[], None]) -> NoReturn:
    """Run a script's `main`, turn its failures into one sentence, and exit.

    SIGTERM, SIGHUP and SIGQUIT unwind like an exception, so that context managers
    clean up. Under DVC the stage follows its death. Temporary files go to a folder of its own.
    """
    global _over  # noqa: PLW0603  a process ends once
    sys.unraisablehook = _raise_again
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr: a terminal that cannot show a sign gets its number.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for number in (signal.SIGINT, *_ENDING):
            # A background job starts with SIGINT ignored, and keeps it so.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _unwind)
        stops.notice()
        from assay.ground.hanging import ends_in_any_case  # here, as what follows, where signals are taken care of

        ends_in_any_case(
            (signal.SIGINT, *_ENDING),
            is_heard=lambda: bool(_received) or _over,
            code_of=lambda number: _failure_code or 128 + number,
        )
        follow_dvc()
        from assay.ground.temporary import own_folder

        with own_folder():
            main()
        code: int | str | None = 0
    except BaseException as error:
        _over = True
        code = error.code if isinstance(error, SystemExit) and not _received else _end(error)
    _over = True
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _end(error)
        # Python would try again, complain, and choose another exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
