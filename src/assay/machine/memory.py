"""How much memory a program of ours may take before the kernel ends it."""

import contextlib
import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import psutil

from assay.machine.cores import ROOT, control_groups


def available_memory(root: Path = ROOT) -> int:
    """Return the bytes that are free, or can be freed: of the machine, and of the control groups of this process."""
    granted = min(chain(*map(_left, control_groups("memory", root))), default=math.inf)
    return int(max(0, min(psutil.virtual_memory().available, granted)))


def _left(group: Path) -> Iterator[float]:
    """Yield what a control group has left, as version 2 or 1 writes it; pages of files that are not in use are left."""
    with contextlib.suppress(FileNotFoundError):
        most = (group / "memory.max").read_text().strip()
        if most != "max":
            yield int(most) - int((group / "memory.current").read_text()) + _statistic(group, "inactive_file")
    with contextlib.suppress(FileNotFoundError):
        # Without a limit, version 1 writes a number that no machine has.
        limit, used = (int((group / f"memory.{name}_in_bytes").read_text()) for name in ("limit", "usage"))
        yield limit - used + _statistic(group, "total_inactive_file")


def _statistic(group: Path, name: str) -> int:
    lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    return next((int(value) for key, value in lines if key == name), 0)
