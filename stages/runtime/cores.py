"""Which processor cores a program may use."""

import os

from parameters.schema import Params
from runtime.process import StageError


def cores_left(usable: int, for_client: int) -> int:
    """Return how many cores the server has; raises StageError if the load generator's leave it none."""
    if for_client >= usable:
        raise StageError(
            f"perf.client_cores = {for_client} in params.yaml leaves the server none of the {usable} usable cores"
        )
    return usable - for_client


def server_cores(params: Params, usable: int) -> int:
    """Return how many cores a server computes with, of those that this machine has, or has where it runs.

    Raises StageError if the load generator's cores leave it none.
    """
    triton = params.triton
    of_server = triton.url.cores if triton.server == "url" and triton.url.cores else usable
    return cores_left(of_server, params.perf.client_cores)


def divide_cores(for_client: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the server's cores and the load generator's: none shared, or both empty for no division.

    The client gets the last `for_client` of the cores that this process may use.
    Raises StageError if none would be left for the server.
    """
    if for_client == 0:
        return (), ()
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    of_server = cores_left(len(allowed), for_client)
    return allowed[:of_server], allowed[of_server:]


def on_cores(cores: tuple[int, ...]) -> list[str]:
    """Return how a command line begins that keeps its program to these cores; empty for any core."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores))] if cores else []
