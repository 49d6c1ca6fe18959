"""How much memory each configuration of a race takes in a server: its weights, and what it computes a batch with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from assay.ground.process import StageError
from assay.machine.cores import divide_cores
from assay.measuring.bench import Candidate, ask_references
from assay.measuring.resources import memory_bytes
from assay.params.cells import Cell
from assay.params.measuring import Conditions
from assay.racing.failing import named_in
from assay.servers import serve
from assay.serving.answers import check_answers
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG, computing_of, with_steps

# What an instance takes beside its weights, and how much of a file it takes: by far the most that was seen.
INSTANCE_BYTES, COPIES = 4 * 2**20, 2.0


@dataclass(frozen=True)
class Working:
    """How many bytes more an instance has after it has computed: a single example, and the largest batch."""

    single: int = 0
    together: int = 0


def bounded(candidate: Candidate, concurrency: int) -> Candidate:
    """Return a candidate whose answers are checked in batches of no more than so many requests in flight become.

    Larger ones would take memory in every configuration, which no window of the race takes.
    """
    batched = read_config(computing_of(candidate.folder) / CONFIG).HasField("dynamic_batching")
    return replace(candidate, most_together=concurrency if batched else 1)


def probes(cells: Iterable[Cell]) -> dict[str, Cell]:
    """Return a configuration of each variant whose memory tells that of all: batched if one is, of few instances."""
    found: dict[str, Cell] = {}
    for cell in sorted(cells, key=lambda each: (not each.batching, bool(each.option), each.instances)):
        found.setdefault(cell.variant, cell)
    return found


def working_memory(candidates: Sequence[Candidate], conditions: Conditions) -> dict[str, Working]:
    """Return what instances compute with, by configuration, from a server that they have for themselves.

    What it refuses, or cannot answer, is left out: the race says so. So is everything on a server whose memory cannot
    be read. Raises StageError if it serves nothing, and nobody knows why.
    """
    server_cores, _ = divide_cores(conditions.load.client_cores)
    left, found = list(candidates), dict[str, Working]()
    while left:
        asked: list[Candidate] = []
        try:
            ask_references(left, conditions, server_cores)
            folders = with_steps(each.folder for each in left)
            with serve(folders, conditions.triton, conditions.timeouts, server_cores) as server:
                if server.pid is None:
                    break
                for each in left:
                    asked = [each]
                    before = memory_bytes(server.pid)
                    check_answers(server, each.folder, each.examples, each.reference[:1] or None, 1)
                    single = memory_bytes(server.pid) - before
                    check_answers(server, each.folder, each.examples, each.reference or None, each.most_together)
                    found[each.name] = Working(max(0, single), max(0, memory_bytes(server.pid) - before))
            break
        except StageError as error:
            out = [each.name for each in asked] or named_in(error, left)
            if not out:
                raise
            left = [each for each in left if each.name not in (*out, *found)]
    return found


def server_bytes(file_bytes: int, instances: int, working_bytes: int) -> int:
    """Return how much memory a configuration may take in a server: each instance reads the file for itself."""
    return int(instances * (INSTANCE_BYTES + COPIES * file_bytes + working_bytes))


def memory_needs(
    cells: Sequence[Cell],
    candidates: Mapping[str, Candidate],
    file_bytes: Mapping[str, int],
    conditions: Conditions,
) -> dict[str, int]:
    """Return how much memory each configuration may take in a server, by name; `file_bytes` are those of variants."""
    chosen = probes(cells)
    working = working_memory([candidates[cell.name] for cell in chosen.values()], conditions)
    needs = {}
    for cell in cells:
        known = working.get(chosen[cell.variant].name, Working())
        bytes_ = known.together if cell.batching else known.single
        needs[cell.name] = server_bytes(file_bytes[cell.variant], cell.instances, bytes_)
    return needs
