"""How much memory there is to take: the machine's, and what control groups of every kind leave of it."""

from pathlib import Path

import psutil
import pytest

from assay.machine.memory import available_memory

GIB = 2**30
UNLIMITED = "9223372036854771712"  # as version 1 writes it


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def version_2(limit: str, used: int, inactive: int = 0, group: str = "") -> dict[str, str]:
    return {
        f"{group}memory.max": limit,
        f"{group}memory.current": str(used),
        f"{group}memory.stat": f"anon {used - inactive}\ninactive_file {inactive}",
    }


def version_1(limit: str, used: int, inactive: int = 0, group: str = "memory/") -> dict[str, str]:
    return {
        f"{group}memory.limit_in_bytes": limit,
        f"{group}memory.usage_in_bytes": str(used),
        f"{group}memory.stat": f"cache {inactive}\ninactive_file 1\ntotal_inactive_file {inactive}",
    }


@pytest.mark.parametrize(
    ("groups", "files", "left"),
    [
        ("0::/", version_2("max", GIB), 8 * GIB),
        ("0::/", version_2(str(2 * GIB), GIB), GIB),
        ("0::/", version_2(str(2 * GIB), GIB, GIB // 2), 3 * GIB // 2),
        ("0::/", version_2(str(100 * GIB), GIB), 8 * GIB),
        ("0::/", version_2(str(GIB), 2 * GIB), 0),
        ("0::/job", version_2("max", 0, group="job/") | version_2(str(3 * GIB), GIB), 2 * GIB),
        ("0::/outside/the/container", version_2(str(3 * GIB), GIB), 2 * GIB),
        ("0::/job", version_2(str(GIB), 0, group="other/"), 8 * GIB),
        ("4:memory:/\n1:cpu:/x", version_1(UNLIMITED, GIB), 8 * GIB),
        ("4:memory:/docker/1\n0::/", version_1(str(GIB), GIB // 2, GIB // 4, "memory/docker/1/"), 3 * GIB // 4),
        ("4:memory:/docker/1", version_1(str(GIB), GIB // 2), GIB // 2),
    ],
)
def test_the_least_of_what_is_left_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str], left: int
) -> None:
    """Of the machine, the process's own group and every group around it; what caches files can be taken back."""
    machine = psutil.virtual_memory()._replace(available=8 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    write(tmp_path / "proc/self/cgroup", groups)
    for name, text in files.items():
        write(tmp_path / "sys/fs/cgroup" / name, text)
    assert available_memory(tmp_path) == left


def test_this_machine_has_memory() -> None:
    """The real files are read, whatever they say."""
    assert 0 < available_memory() <= psutil.virtual_memory().total
