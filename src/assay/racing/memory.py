"""How much memory each configuration of a race takes in a server: its weights, and what it computes a batch with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from assay.ground.process import StageError
from assay.machine.cores import divide_cores
from assay.measuring.bench import Candidate, ask_references
from assay.measuring.resources import memory_bytes
from assay.params.cells import Cell
from assay.params.measuring import Conditions
from assay.racing.failing import named_in
from assay.servers import serve
from assay.serving.answers import check_answers
from assay.serving.client import Server
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG, computing_of, with_steps

# What an instance takes beside its weights, and how much of a file it takes: by far the most that was seen.
INSTANCE_BYTES, COPIES = 4 * 2**20, 2.0
# A variant and the largest batch that can form: what an instance computes with depends on these alone.
Kind = tuple[str, int]


def bounded(candidate: Candidate, concurrency: int) -> Candidate:
    """Return a candidate whose answers are checked in batches of no more than so many requests in flight become.

    Larger ones would take memory in every configuration, which no window of the race takes.
    """
    config = read_config(computing_of(candidate.folder) / CONFIG)
    batched = config.HasField("dynamic_batching")
    return replace(candidate, most_together=min(concurrency, config.max_batch_size) if batched else 1)


def probes(cells: Iterable[Cell], candidates: Mapping[str, Candidate]) -> dict[Kind, Cell]:
    """Return a configuration of each kind, of few instances: what one of them takes, one of all others does."""
    found: dict[Kind, Cell] = {}
    for cell in sorted(cells, key=lambda each: (bool(each.option), each.instances)):
        found.setdefault(_kind(cell, candidates), cell)
    return found


def _kind(cell: Cell, candidates: Mapping[str, Candidate]) -> Kind:
    return cell.variant, candidates[cell.name].most_together or 1


def working_memory(candidates: Sequence[Candidate], conditions: Conditions) -> dict[str, int]:
    """Return how many bytes more a configuration has in the server once it has answered, by its name.

    What it refuses, or cannot answer, is left out: the race says so. So is everything on a server whose memory cannot
    be read. Raises StageError if it serves nothing, and nobody knows why.
    """
    left = list(candidates)
    while left:
        failing = list[str]()
        try:
            return _measured(left, conditions, failing)
        except StageError as error:
            out = failing or named_in(error, left)
            if not out:
                raise
            left = [each for each in left if each.name not in out]
    return {}


def _measured(candidates: Sequence[Candidate], conditions: Conditions, failing: list[str]) -> dict[str, int]:
    cores, _ = divide_cores(conditions.load.client_cores)
    ask_references(candidates, conditions, cores)
    folders = with_steps(each.folder for each in candidates)
    with serve(folders, conditions.triton, conditions.timeouts, cores) as server:
        if server.pid is None:
            return {}
        return {each.name: _working(server, server.pid, each, failing) for each in candidates}


def _working(server: Server, pid: int, candidate: Candidate, failing: list[str]) -> int:
    before = memory_bytes(pid)
    try:
        check_answers(
            server, candidate.folder, candidate.examples, candidate.reference or None, candidate.most_together
        )
    except StageError:
        failing.append(candidate.name)
        raise
    return max(0, memory_bytes(pid) - before)


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
    chosen = probes(cells, candidates)
    working = working_memory([candidates[cell.name] for cell in chosen.values()], conditions)
    return {
        cell.name: server_bytes(
            file_bytes[cell.variant], cell.instances, working.get(chosen[_kind(cell, candidates)].name, 0)
        )
        for cell in cells
    }
