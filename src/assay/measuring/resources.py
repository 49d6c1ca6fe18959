"""What a server's processes cost: processor time and memory."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

_KIB = 1024


def _tree(pid: int) -> Iterator[psutil.Process]:
    """Yield a process and its descendants, as far as they live."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        yield from (process, *process.children(recursive=True))


def cpu_seconds(pid: int) -> float:
    """Return the processor time, in user and system mode, that a process and its descendants have used.

    The kernel gives it in steps of 10 ms for each process.
    """
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def finished_children_cpu_seconds() -> float:
    """Return the processor time that this process's finished children have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process and its descendants now; pages that they share count in each."""
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def peak_memory_bytes(pid: int) -> int:
    """Return the largest resident memory of a process and its descendants, each at its own peak.

    Pages that processes share, libraries above all, are counted in each of them.
    """
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) * _KIB for line in lines if line.startswith("VmHWM:"))
    return total
