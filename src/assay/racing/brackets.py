"""How many configurations one server holds at once: by memory, and by instances."""

from collections.abc import Mapping, Sequence

from assay.ground.process import StageError

# Of the memory that is available, the rest is for requests, batches and the load generator.
SHARE = 0.5
MOST_INSTANCES = 2048
GIGABYTE = 1e9


def brackets(needs: Mapping[str, int], instances: Mapping[str, int], always: str, available: int) -> list[list[str]]:
    """Divide configurations into as few groups as fit in a server, one after the other, of about the same size.

    `needs` are bytes by name; the one that is `always` in comes first in each. Raises StageError if one does not fit
    beside it.
    """
    capacity = int(SHARE * available)
    for name, need in needs.items():
        beside = 0 if name == always else needs[always]
        if need + beside > capacity:
            raise StageError(
                f"{name} may take {need / GIGABYTE:.1f} GB of memory in the server, and half of what is free are "
                f"{capacity / GIGABYTE:.1f} GB: no race of it fits this machine; take it out of the matrix, or choose "
                "perf.search = all"
            )
    others, count = [name for name in needs if name != always], 1
    while True:
        groups = [[always, *others[place::count]] for place in range(count)]
        if all(_fits(group, needs, capacity) and _fits(group, instances, MOST_INSTANCES) for group in groups):
            return groups
        count += 1


def _fits(group: Sequence[str], sizes: Mapping[str, int], most: int) -> bool:
    return sum(sizes[name] for name in group) <= most
