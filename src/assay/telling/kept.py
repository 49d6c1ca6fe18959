"""The verdict as it is kept, for other kinds of server and other hours, and what is said of those."""

from collections.abc import Mapping
from typing import Any, get_args

from assay.deciding.history import Record, basis, read_kept, record, remembering
from assay.deciding.transfer import comparable, transfer_in_words
from assay.ground.paths import VERDICTS
from assay.params.triton import Kind, Triton
from assay.telling.results import Results
from assay.telling.tables import verdict_table


def to_keep(results: Results, triton: Triton, client_cores: int, asked: Mapping[str, Any]) -> Record:
    """Return the verdict on what was asked, with the earlier ones."""
    server, machine = triton.server, results.machine
    rests_on = basis(triton, client_cores, machine, results.exports, dict(asked))
    ours = record(server, machine["server"], rests_on, verdict_table(results.verdict), results.runoff["measured_at"])
    return remembering(ours, read_kept(VERDICTS / f"{server}.json", "replaced with all that it remembers"))


def said_of_other_servers(ours: Record) -> list[str]:
    """Say how the verdict compares with those of other kinds of server."""
    others = [
        kept
        for server in get_args(Kind)
        if server != ours["server"] and (kept := read_kept(VERDICTS / f"{server}.json"))
    ]
    return [transfer_in_words(ours, other) for other in comparable(ours, others)]
