"""Which processor cores a program may use, how many, and how they are divided.

A core is a physical one, everywhere: in `load.client_cores`, in the threads of a configuration, in the
fingerprint. Its logical cores (hyper-threads) share what it computes with, so they are never divided.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from assay.ground.process import StageError
from assay.params.triton import Triton

ROOT = Path("/")


def physical_cores(root: Path = ROOT) -> list[tuple[int, ...]]:
    """Return, for each core that this process may use, those of its logical cores that it may use.

    `root` is where the kernel's files are. Where they do not say which belong together, each is a core of its own.
    """
    cores: dict[str, tuple[int, ...]] = {}
    for logical in sorted(os.sched_getaffinity(0)):
        siblings = root / f"sys/devices/system/cpu/cpu{logical}/topology/thread_siblings_list"
        core = siblings.read_text().strip() if siblings.exists() else str(logical)
        cores[core] = (*cores.get(core, ()), logical)
    return list(cores.values())


def granted_cores(root: Path = ROOT) -> float:
    """Return how much of how many cores the control groups that this process is in grant it; infinite if unlimited."""
    return min(chain(*map(_quotas, control_groups("cpu", root))), default=math.inf)


def control_groups(controller: str, root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders of this process's control groups that have a controller, and of those that these are in.

    They are of either version; `root` is where the kernel's files are.
    """
    groups = root / "proc/self/cgroup"
    for line in groups.read_text().splitlines() if groups.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controllers
            # In a container, the path may be that outside, and what is not here is not ours to see.
            folder = top / path.strip("/")
            yield from (each for each in (folder, *folder.parents) if each.is_relative_to(top))


def _quotas(group: Path) -> Iterator[float]:
    """Yield what a control group grants, in cores, as version 2 or 1 writes it."""
    with contextlib.suppress(FileNotFoundError):
        quota, period = (group / "cpu.max").read_text().split()
        yield math.inf if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(FileNotFoundError):
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        yield math.inf if int(quota) < 0 else int(quota) / int(period)


def usable_cores(root: Path = ROOT) -> int:
    """Return the cores that computing can use: allowed, granted and physical, at least 1.

    ONNX Runtime knows nothing of control groups, so this number is written into every model's configuration.
    """
    return max(1, math.floor(min(len(physical_cores(root)), granted_cores(root))))


def usable_logical_cores(root: Path = ROOT) -> float:
    """Return how many seconds of processor time this process's like can spend in a second, hyper-threads counted."""
    return min(len(os.sched_getaffinity(0)), granted_cores(root))


def cores_left(usable: int, for_client: int) -> int:
    """Return how many cores the server has; raises StageError if the load generator's leave it none."""
    if for_client >= usable:
        raise StageError(
            f"load.client_cores = {for_client} in params.yaml leaves the server none of the {usable} usable cores; "
            "a core is a physical one, with all of its hyper-threads"
        )
    return usable - for_client


def server_cores(triton: Triton, client_cores: int, usable: int) -> int:
    """Return how many cores a server computes with, of those that this machine has, or has where it runs.

    Raises StageError if the load generator's cores leave it none.
    """
    of_server = triton.url.cores if triton.server == "url" and triton.url.cores else usable
    return cores_left(of_server, client_cores)


def divide_cores(for_client: int, root: Path = ROOT) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the server's logical cores and the load generator's: none shared, or both empty for no division.

    The client gets all of the last `for_client` cores that this process may use.
    Raises StageError if none would be left for the server.
    """
    cores_left(usable_cores(root), for_client)
    if for_client == 0:
        return (), ()
    cores = physical_cores(root)
    return tuple(chain(*cores[:-for_client])), tuple(chain(*cores[-for_client:]))


def on_cores(cores: tuple[int, ...]) -> list[str]:
    """Return how a command line begins that keeps its program to these cores; empty for any core."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores))] if cores else []
