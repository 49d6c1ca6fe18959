"""Stand between a stage and its server, and leave nothing of the server behind.

The stage holds the writing end of a pipe, the lifeline, and writes nothing: when
it closes, because the stage is done or dead in whatever way, the server and all
its descendants are ended, and its shared memory and run folder removed. A server
killed alone is cleaned up after in the same way. Standard library only, to start
in no time. Prints `started PID`, then `exited CODE` should the server end first; `failed WHY` where
it cannot be run.

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
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
FAREWELL_TIMEOUT_S = 8
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where the C library puts it
# In the run folder: names of what clients share with the server.
SHARED_MEMORY_LIST = "shared_memory.txt"

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_supervisor() -> None:
    """Run in the server's process: should the supervisor be killed, so is the server."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def ends_by_itself(process: subprocess.Popen[bytes], lifeline: int) -> bool:
    """Wait until the process ends (True) or the lifeline closes (False)."""
    pidfd = os.pidfd_open(process.pid)
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


def remove_shared_memory(prefix: str, run_folder: Path) -> None:
    """Remove the shared-memory files whose names begin with our own prefix, or that a list in the folder names."""
    paths = list(SHARED_MEMORY.glob(f"{prefix}*"))
    with contextlib.suppress(FileNotFoundError):
        names = (run_folder / SHARED_MEMORY_LIST).read_text(encoding="utf-8").splitlines()
        paths += [SHARED_MEMORY / name for name in names]
    for path in paths:
        path.unlink(missing_ok=True)


def say_farewell(command: Sequence[str]) -> None:
    """Run the command, if there is one, that ends what killing the server's process does not."""
    if command:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=FAREWELL_TIMEOUT_S
            )


def tell(line: str) -> None:
    """Say something to the stage; one that was killed at this very moment no longer reads."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


def supervise(command: list[str], lifeline: int, run_folder: Path, prefix: str, farewell: Sequence[str]) -> None:
    """Run the server until it ends or the lifeline closes, then remove every trace."""
    with (run_folder / "server.log").open("wb") as log:
        try:
            server = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_supervisor,  # noqa: PLW1509  this process has a single thread
            )
        except OSError as error:
            tell(f"failed {error}")
            return  # the stage cleans up
    tell(f"started {server.pid}")
    ended = ends_by_itself(server, lifeline)
    # Killed, not asked to end: its own shutdown takes two seconds, and saves nothing that anyone needs.
    server.kill()
    code = server.wait()
    say_farewell(farewell)
    end_descendants()
    remove_shared_memory(prefix, run_folder)
    if ended:
        tell(f"exited {code}")
        os.read(lifeline, 1)  # the stage reads the log before it lets go
    shutil.rmtree(run_folder)


def main() -> None:
    lifeline, run_folder, prefix, farewell, *command = sys.argv[1:]
    if not Path(run_folder).exists():
        return  # the stage was ended before this process came to life, and has cleaned up
    # Only the lifeline ends a supervisor: Ctrl-C reaches the stage, which closes it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervise(command, int(lifeline), Path(run_folder), prefix, json.loads(farewell))


if __name__ == "__main__":
    main()
