"""Which processor cores a program may use."""

import os

from runtime.process import StageError


def divide_cores(for_client: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the server's cores and the load generator's: none shared, or both empty for no division.

    The client gets the last `for_client` of the cores that this process may use.
    Raises StageError if none would be left for the server.
    """
    if for_client == 0:
        return (), ()
    allowed = sorted(os.sched_getaffinity(0))
    if for_client >= len(allowed):
        raise StageError(
            f"perf.client_cores = {for_client} leaves the server none of the {len(allowed)} cores of this machine"
        )
    return tuple(allowed[:-for_client]), tuple(allowed[-for_client:])


def on_cores(cores: tuple[int, ...]) -> list[str]:
    """Return how a command line begins that keeps its program to these cores; empty for any core."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores))] if cores else []
