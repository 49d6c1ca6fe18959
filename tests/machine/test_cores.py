"""Which cores there are, and who gets which: hyper-threads, masks and quotas of every kind."""

import math
import os
from pathlib import Path
from typing import Any

import pytest

from assay.ground.process import StageError
from assay.machine.cores import (
    divide_cores,
    granted_cores,
    on_cores,
    physical_cores,
    server_cores,
    usable_cores,
    usable_logical_cores,
)
from assay.validation.schema import validate

# Two cores with two hyper-threads each, as most machines number them, and as some do.
APART, TOGETHER = ["0,2", "1,3"], ["0-1", "2-3"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for the kernel's files, of a process that may use logical cores 0 to 3."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 1, 0, 2})
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def hyper_threads(root: Path, cores: list[str]) -> None:
    """Write which logical cores are one, as in `0,2` or `0-1`."""
    for core in cores:
        for logical in core.replace("-", ",").split(","):
            write(root / f"sys/devices/system/cpu/cpu{logical}/topology/thread_siblings_list", core)


@pytest.mark.parametrize(("cores", "server", "client"), [(APART, (0, 2), (1, 3)), (TOGETHER, (0, 1), (2, 3))])
def test_hyper_threads_stay_together(
    root: Path, cores: list[str], server: tuple[int, ...], client: tuple[int, ...]
) -> None:
    """One core for the client is both of its hyper-threads; the server computes with one thread on the other."""
    hyper_threads(root, cores)
    assert usable_cores(root) == 2
    assert divide_cores(1, root) == (server, client)
    assert divide_cores(0, root) == ((), ())
    with pytest.raises(StageError, match=r"load\.client_cores = 2 in params\.yaml leaves the server none of the 2"):
        divide_cores(2, root)


@pytest.mark.parametrize(
    ("allowed", "cores"), [({0, 1}, [(0,), (1,)]), ({0, 2}, [(0, 2)]), ({1, 2, 3}, [(1, 3), (2,)])]
)
def test_a_mask_may_cut_a_core(
    root: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[int], cores: list[tuple[int, ...]]
) -> None:
    """One hyper-thread is a core as well as two are, and two of one core are no two."""
    hyper_threads(root, APART)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    assert physical_cores(root) == cores
    assert usable_cores(root) == len(cores)


def test_without_the_kernels_word_each_is_a_core(root: Path) -> None:
    """In a container that shows no topology and no control groups, the mask is all that is known."""
    assert physical_cores(root) == [(0,), (1,), (2,), (3,)]
    assert granted_cores(root) == math.inf
    assert divide_cores(1, root) == ((0, 1, 2), (3,))


@pytest.mark.parametrize(
    ("groups", "files", "granted"),
    [
        ("0::/", {"cpu.max": "max 100000"}, math.inf),
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/user/job", {"user/job/cpu.max": "max 100000", "user/cpu.max": "300000 100000"}, 3),
        ("0::/user/job", {"user/job/cpu.max": "200000 100000", "user/cpu.max": "300000 100000"}, 2),
        ("0::/outside/the/container", {"cpu.max": "250000 100000"}, 2.5),
        ("0::/user", {"user/other/cpu.max": "100000 100000"}, math.inf),
        ("4:memory:/x\n1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        (
            "5:cpu,cpuacct:/docker/1\n0::/",
            {"cpu,cpuacct/docker/1/cpu.cfs_quota_us": "150000", "cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000"},
            1.5,
        ),
        (
            "5:cpu,cpuacct:/docker/1",
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            0.5,
        ),
    ],
)
def test_a_quota_of_either_version_is_found(root: Path, groups: str, files: dict[str, str], granted: float) -> None:
    """That of the process's own group and of every group around it: the smallest counts, whole cores of it."""
    write(root / "proc/self/cgroup", groups)
    for name, text in files.items():
        write(root / "sys/fs/cgroup" / name, text)
    assert granted_cores(root) == granted
    assert usable_cores(root) == max(1, math.floor(min(4, granted)))
    assert usable_logical_cores(root) == min(4, granted)


def test_a_quota_leaves_nothing_to_divide(root: Path) -> None:
    """One and a half cores' worth on four: the server computes with one thread, and the client cannot have its own."""
    write(root / "proc/self/cgroup", "0::/")
    write(root / "sys/fs/cgroup/cpu.max", "150000 100000")
    with pytest.raises(StageError, match="leaves the server none of the 1 usable cores"):
        divide_cores(1, root)


@pytest.mark.parametrize(
    ("server", "url_cores", "for_client", "threads"), [("embedded", 8, 1, 3), ("url", 8, 0, 8), ("url", None, 0, 4)]
)
def test_a_server_has_the_cores_that_are_left(
    content: dict[str, Any], server: str, url_cores: int | None, for_client: int, threads: int
) -> None:
    """Those of this machine without the client's, or what it has where it runs."""
    content["triton"]["server"], content["triton"]["url"]["cores"] = server, url_cores
    content["load"]["client_cores"] = for_client
    params = validate(content)
    assert server_cores(params.triton, params.load.client_cores, 4) == threads


def test_no_cores_means_any() -> None:
    """Without a division, commands begin with the program itself."""
    assert on_cores(()) == []


def test_this_machine_has_a_core() -> None:
    """The real files are read, whatever they say."""
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
