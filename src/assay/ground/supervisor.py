"""Stand between a stage and its server, and leave nothing of the server behind.

Two processes, one the parent of the other. The outer one holds the reading end of a pipe, its lifeline, whose
writing end the stage holds and writes nothing to; the inner one, which runs the server, holds that of another,
whose writing end the outer one holds. When a lifeline closes, because who held it is done or dead in whatever way, the
server and all its descendants are ended, and its shared memory and run folder removed. A server killed alone is
cleaned up after in the same way, and after an inner one that was killed the outer one does. So nothing is left
whichever of stage, outer, inner and server are killed, unless it is the first three at once: then the next
stage cleans up.

Standard library only, to start in no time. Prints `started PID`, then `exited CODE` should the server end first;
`failed WHY` where it cannot be run.

Run     python supervisor.py LIFELINE_FD RUN_FOLDER SHARED_MEMORY_PREFIX FAREWELL_AS_JSON COMMAND …
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
FAREWELL_TIMEOUT_S = 8
_LONGEST_WORDS = 300
_INNER_TIMEOUT_S = FAREWELL_TIMEOUT_S + 1
_END_TIMEOUT_S = 5
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where the C library puts it
# In the run folder: names of what clients share with the server.
SHARED_MEMORY_LIST = "shared_memory.txt"
# In the environment of whatever a process of ours starts: how names begin that are its own.
OWNER = "TRITON_PIPELINE_OWNER"

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_supervisor() -> None:
    """Run in the server's process: should the supervisor be killed, so is the server."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own has died."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def ends_by_itself(pid: int, lifeline: int) -> bool:
    """Wait until a child ends (True) or the lifeline closes (False)."""
    pidfd = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([pidfd, lifeline], [], [])
        return pidfd in ready
    finally:
        os.close(pidfd)


def children() -> list[int]:
    """Return this process's children: as a subreaper, orphaned descendants included."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def end_descendants() -> None:
    """Kill every descendant, and theirs as they come up, until none is left."""
    while pids := children():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def end_marked(prefix: str) -> None:
    """Kill every process in whose environment an owner's prefix stands, wherever in the tree it is now."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    # Until none is found, for they start others; one that the kernel does not let go is not waited for.
    while [each for each in Path("/proc").glob("[0-9]*") if _kill_marked(each, prefix)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)


def _kill_marked(process: Path, prefix: str) -> bool:
    """Kill a process if its environment has the prefix, and return whether it has."""
    entry = f"\0{OWNER}={prefix}".encode()
    with contextlib.suppress(OSError):  # it has ended, or is somebody else's
        if entry not in b"\0" + (process / "environ").read_bytes():
            return False
        pidfd = os.pidfd_open(int(process.name))
        try:
            # Once more, of the one that is held: another may have come under its id.
            if entry in b"\0" + (process / "environ").read_bytes():
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                return True
        finally:
            os.close(pidfd)
    return False


def remove_shared_memory(prefix: str, run_folder: Path) -> None:
    """Remove the shared-memory files whose names begin with our own prefix, or that a list in the folder names."""
    paths = list(SHARED_MEMORY.glob(f"{prefix}*"))
    with contextlib.suppress(FileNotFoundError):
        names = (run_folder / SHARED_MEMORY_LIST).read_text(encoding="utf-8").splitlines()
        paths += [SHARED_MEMORY / Path(name).name for name in names]
    for path in paths:
        with contextlib.suppress(OSError):  # somebody else's, or no file at all
            path.unlink()


def say_farewell(command: Sequence[str], ends: str, nothing_left: Sequence[str]) -> None:
    """Run the command, if there is one, that ends what killing the server's process does not.

    Where it fails, say on standard error that what it `ends` may still run, unless it says that nothing is left.
    """
    if command and (failure := _failure(command, nothing_left)):
        by_hand = " ".join(command)
        with contextlib.suppress(OSError):  # nobody reads any more
            os.write(2, f"{ends} may still run: `{by_hand}` {failure}; run that again\n".encode())


def _failure(command: Sequence[str], harmless: Sequence[str]) -> str | None:
    """Run a command, and return how it failed, None if it did not, or said one of the harmless words."""
    try:
        finished = subprocess.run(
            command,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=FAREWELL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {FAREWELL_TIMEOUT_S} s"
    except OSError as error:
        return f"cannot be run ({error.strerror})"
    if finished.returncode == 0 or any(words in finished.stderr.lower() for words in harmless):
        return None
    (last, *_) = [*reversed(finished.stderr.strip().splitlines()), "nothing"]
    return f"said {last[:_LONGEST_WORDS]!r}"


def tell(line: str) -> None:
    """Say something to the stage; one that was killed at this very moment no longer reads."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


def clean_up(run_folder: Path, prefix: str, farewell: tuple[Sequence[str], str, Sequence[str]]) -> None:
    """End what the server's own end does not, and remove its shared memory."""
    say_farewell(*farewell)
    end_descendants()
    remove_shared_memory(prefix, run_folder)


def supervise(command: list[str], lifeline: int, run_folder: Path, prefix: str, clean: Callable[[], None]) -> None:
    """Run the server until it ends or the lifeline closes, then remove every trace."""
    with (run_folder / "server.log").open("wb") as log:
        try:
            server = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                # What it leaves where it works, or where temporary files go, goes with the folder.
                cwd=run_folder,
                env={**os.environ, "TMPDIR": str(run_folder), OWNER: prefix},
                start_new_session=True,
                preexec_fn=end_with_supervisor,  # noqa: PLW1509  this process has a single thread
            )
        except OSError as error:
            tell(f"failed {error}")
            return  # the stage cleans up
    tell(f"started {server.pid}")
    ended = ends_by_itself(server.pid, lifeline)
    # Killed, not asked to end: its own shutdown takes two seconds, and saves nothing that anyone needs.
    server.kill()
    code = server.wait()
    clean()
    if ended:
        tell(f"exited {code}")  # the stage reads the log before the folder goes
    else:
        shutil.rmtree(run_folder, ignore_errors=True)


def guard(inner: int, lifeline: int, inner_lifeline: int, run_folder: Path, clean: Callable[[], None]) -> None:
    """Wait until the inner process ends or the lifeline closes, and clean up if the inner one could not."""
    if not ends_by_itself(inner, lifeline):
        os.close(inner_lifeline)
        pidfd = os.pidfd_open(inner)
        if not select.select([pidfd], [], [], _INNER_TIMEOUT_S)[0]:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    if os.waitpid(inner, 0)[1] != 0:
        # The kernel has killed the server with it.
        clean()
        tell(f"exited {-signal.SIGKILL}")
    os.read(lifeline, 1)
    shutil.rmtree(run_folder, ignore_errors=True)


def main() -> None:
    lifeline, folder, prefix, farewell, *command = sys.argv[1:]
    run_folder = Path(folder)
    if not run_folder.exists():
        return  # the stage was ended before this process came to life, and has cleaned up
    # Only a lifeline ends a supervisor: Ctrl-C reaches the stage, which closes it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    clean = partial(clean_up, run_folder, prefix, json.loads(farewell))
    adopt_orphans()
    inner_lifeline, held = os.pipe()
    if inner := os.fork():
        os.close(inner_lifeline)
        guard(inner, int(lifeline), held, run_folder, clean)
    else:
        os.close(held)
        os.close(int(lifeline))
        os.setsid()
        adopt_orphans()
        supervise(command, inner_lifeline, run_folder, prefix, clean)


if __name__ == "__main__":
    main()
