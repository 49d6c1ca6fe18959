"""Whose something is that outlives the process it was made by: a file, shared memory, another process.

Its name, or its environment, holds a mark of its owner. The mark says when the owner started, and in which
PID namespace, because process ids are used again, and folders are shared by containers.
"""

import os
import re
from pathlib import Path

# How names begin that stand in folders common to all programs.
PREFIX = "triton_pipeline_"
MARK = r"\d+-\d+-\d+"
_PROC = Path("/proc")


def prefix(owner: str | None = None) -> str:
    """Return how names begin that are an owner's own, or this process's."""
    return f"{PREFIX}{owner or mark()}_"


def mark() -> str:
    """Return the mark of this process."""
    return f"{os.getpid()}-{_started(os.getpid())}-{_namespace()}"


def is_dead(owner: str) -> bool:
    """Return whether the process of a mark has ended; of one in another PID namespace nobody here knows."""
    if not re.fullmatch(MARK, owner):
        return False  # a person's own: no process of ours writes such a mark
    pid, started, namespace = owner.split("-")
    return namespace == _namespace() and started != _started(int(pid))


def marked(name: str) -> str | None:
    """Return the owner's mark in a name that begins as ours do, None where it is not one of those."""
    found = re.match(f"{PREFIX}({MARK})_", name)
    return found and found[1]


def _started(pid: int) -> str | None:
    """Return when a process started, in clock ticks since the machine did; None if it has ended."""
    try:
        # Its name comes first, in brackets, and may hold anything.
        state, *fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else fields[18]


def _namespace() -> str:
    return re.sub(r"\D", "", str((_PROC / "self" / "ns" / "pid").readlink()))
