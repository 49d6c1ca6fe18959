"""Measure rounds: one window of each kind, in random order, until they suffice."""

import random
from collections.abc import Callable, Mapping
from typing import cast

from assay.ground.records.measured import Beside, Round, Window
from assay.measuring.journal import Journal
from assay.measuring.resources import peak_memory_bytes
from assay.serving.client import Server

Rounds = list[Round]


def measure_rounds(
    server: Server,
    measure: Mapping[str, Callable[[], Window]],
    concurrency: int,
    journal: Journal,
    *,
    seed: int,
    enough: Callable[[Rounds], bool],
    discards: bool = True,
    beside: Callable[[Round], Beside] = lambda _: {},
    progress: Callable[[Rounds], None],
) -> Rounds:
    """Return the rounds at one concurrency: those in the journal and as many more as `enough` asks for.

    `measure` measures a window in each role: of each model, say. After a discarded window of
    each, unless nothing `discards` one, a round has one window a role, in an order that depends on the seed alone.
    `beside` returns what else to note in a round, `progress` is told the rounds so far.
    """
    rounds = journal.rounds(concurrency)
    if enough(rounds):
        return rounds
    for discarded in measure.values() if discards else ():
        discarded()
    while not enough(rounds):
        order = random.Random(f"{seed} {concurrency} {len(rounds)}")  # noqa: S311  shuffling is no secret
        roles = order.sample(sorted(measure), k=len(measure))
        measured: Round = {
            "start": journal.start,
            "order": roles,
            "windows": {role: measure[role]() for role in roles},
            "server_peak_memory": None if server.pid is None else peak_memory_bytes(server.pid),
        }
        measured = cast("Round", {**measured, **beside(measured)})
        journal.append(concurrency, measured)
        rounds.append(measured)
        progress(rounds)
    return rounds
