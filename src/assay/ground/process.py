"""What ends a process: errors that a person can act on, Ctrl-C, and the death of DVC."""

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Literal

PR_SET_PDEATHSIG = 1
INTERRUPTED = "interrupted; nothing is half-written"
GOES_ON = "`dvc repro` goes on from the stages that finished, and from finished rounds"
# What the system says of a full disk, or of a user's share of one.
FULL = (errno.ENOSPC, errno.EDQUOT)
_libc = ctypes.CDLL(None, use_errno=True)


class StageError(Exception):
    """A failure that a person can act on; the message says what, where, how to mend."""


def too_little_memory(where: str) -> str:
    """Say that there is not enough memory, and for what."""
    said = f" ({where.rstrip('.')})" if where else ""
    return f"there is too little memory{said}; end other programs, or ask smaller or fewer examples"


def ending_with_us(command: Sequence[str], signal_name: Literal["KILL", "TERM"] = "TERM") -> list[str]:
    """Return the command line of a child that is sent a signal when this process dies, in whatever way.

    Not by a preexec_fn: Python would fork, and threads of gRPC's in this process do not survive that.
    """
    return ["setpriv", "--pdeathsig", signal_name, "--", *command]


def follow_dvc() -> None:
    """Under DVC, which dies without telling its children, let the kernel pass its death on as SIGTERM.

    Exits at once if DVC died before this call: the process that adopted this one
    belongs to another session, for DVC leads its stages in its own.
    """
    if "DVC_ROOT" not in os.environ:
        return
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getsid(os.getppid()) != os.getsid(0):
        sys.exit(128 + signal.SIGTERM)
