"""Who works on this machine: a measurement alone, other heavy work beside each other.

Two measurements at once would measure each other, and training beside one would be measured, too. The locks lie in
the common temporary folder, because clones and users share the processor; whoever sets TMPDIR steps out
of the queue. The names in shared memory are the machine's, whatever TMPDIR is, and so is the lock on them. The
kernel frees a lock with the process that holds it, however that ends.
"""

import contextlib
import fcntl
import functools
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from assay.ground.process import StageError
from assay.ground.supervisor import SHARED_MEMORY
from assay.ground.temporary import common_folder

# Who wants the machine waits for the second while it holds the first. So whoever comes later stays
# behind a measurement that waits, and cannot keep it waiting.
TURN, MACHINE = "triton_pipeline_turn.lock", "triton_pipeline_benchmark.lock"
_LONGEST_COMMAND = 80
_MOMENT_S = 0.2
# How this process holds the machine now.
_own: list[int] = []


@contextmanager
def machine_to_ourselves() -> Iterator[None]:
    """Have the machine to measure on inside the block: none of our heavy work, nor another measurement, beside it."""
    with _holding(fcntl.LOCK_EX):
        yield


@contextmanager
def machine_shared() -> Iterator[None]:
    """Have the machine for heavy work inside the block: other such work beside it, but no measurement."""
    with _holding(fcntl.LOCK_SH):
        yield


@contextmanager
def shared_names() -> Iterator[None]:
    """Have the names in the machine's shared memory to ourselves inside the block, where measurements pass tensors.

    perf_analyzer calls what it puts there after the tensors: of two measurements, one would read and remove what is
    the other's.
    """
    # The folder itself, so that no file of ours stays in it.
    descriptor = os.open(SHARED_MEMORY, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _is_free(descriptor, fcntl.LOCK_EX):
            print(f"waiting: {_holders_in_words(SHARED_MEMORY)} has the names in {SHARED_MEMORY}", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _holding(kind: int) -> Iterator[None]:
    if _is_held_for_us(kind):
        yield
        return
    tell = functools.cache(lambda: print(f"waiting: {_holders_in_words(_machine())} has this machine", flush=True))
    turn = _acquire(TURN, fcntl.LOCK_EX, tell)
    try:
        machine = _acquire(MACHINE, kind, tell)
    finally:
        os.close(turn)
    _own.append(kind)
    try:
        yield
    finally:
        _own.pop()
        os.close(machine)


def _is_held_for_us(kind: int) -> bool:
    """Return whether this process, or one that it works for, holds the machine: waiting for it would never end.

    Raises StageError if that only shares it where this process would measure.
    """
    parents = [parent.pid for parent in psutil.Process().parents()]
    held = [*_own, *(how for holder, how in _holders(_machine()) if holder in parents)]
    if held and kind == fcntl.LOCK_EX and fcntl.LOCK_EX not in held:
        raise StageError(
            f"{_holders_in_words(_machine())} works on this machine itself: nothing can be measured for it"
        )
    return bool(held)


def _acquire(name: str, kind: int, tell: Callable[[], None]) -> int:
    """Return the descriptor of a lock that is held; say who it is waited for, if it is."""
    path = common_folder() / name
    while True:
        descriptor = _open(path)
        try:
            if not _is_free(descriptor, kind):
                tell()
                fcntl.flock(descriptor, kind)
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_free(descriptor: int, kind: int) -> bool:
    """Lock a file if that can be done at once, or in a moment: a turn takes no longer where nobody waits."""
    ends = time.monotonic() + _MOMENT_S
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(_MOMENT_S / 10)


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether a file is still where it was opened: what somebody removed meanwhile locks nobody out."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), os.fstat(descriptor)):
            with contextlib.suppress(OSError):
                os.utime(descriptor)  # temporary folders are cleared of what is old
            return True
    return False


def _open(path: Path) -> int:
    """Open a file that all users share; raises StageError if it is a link, or cannot be opened."""
    # Making it only where there is none: the kernel may forbid to open another user's so.
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        while True:
            try:
                descriptor = os.open(path, flags)
                break
            except FileNotFoundError:
                with contextlib.suppress(FileExistsError):
                    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL)
                    os.fchmod(descriptor, 0o666)
                    break
    except OSError as error:
        raise StageError(f"{path} cannot be locked ({error.strerror}); remove it, or set TMPDIR") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StageError(f"{path} is no file, and cannot be locked; remove it, or set TMPDIR")
    return descriptor


def _machine() -> Path:
    return common_folder() / MACHINE


def _holders(path: Path) -> list[tuple[int, int]]:
    """Return who holds a lock, as far as the kernel says, and how."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        inode = path.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            # 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; who waits has an arrow after the number.
            _, lock, _, how, pid, place, *_ = line.split()
            if lock == "FLOCK" and int(place.rpartition(":")[2]) == inode and int(pid) > 0:
                found.append((int(pid), {"READ": fcntl.LOCK_SH, "WRITE": fcntl.LOCK_EX}[how]))
    return found


def _holders_in_words(path: Path) -> str:
    """Return who holds a lock, as in `process 12 (python stages/train.py)`."""
    return " and ".join(_in_words(pid) for pid, _ in _holders(path)) or "another process of ours"


def _in_words(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"process {pid}"
    shown = "".join(letter if letter.isprintable() else "?" for letter in command[:_LONGEST_COMMAND])
    return f"process {pid} ({shown}{'…' if len(command) > _LONGEST_COMMAND else ''})"
