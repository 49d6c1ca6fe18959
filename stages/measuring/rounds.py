"""Measure rounds: one window of each kind, in random order, until they suffice."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from measuring.journal import Journal, Round
from measuring.readings import Window
from measuring.resources import peak_memory_bytes
from server.client import Server

Rounds = list[Round]


def measure_rounds(
    server: Server,
    measure: Mapping[str, Callable[[], Window]],
    concurrency: int,
    journal: Journal,
    *,
    seed: int,
    enough: Callable[[Rounds], bool],
    beside: Callable[[Round], dict[str, Any]] = lambda _: {},
    progress: Callable[[Rounds], None],
) -> Rounds:
    """Return the rounds at one concurrency: those in the journal and as many more as `enough` asks for.

    `measure` measures a window in each role: of each model, say. After a discarded window of
    each, a round has one window a role, in an order that depends on the seed alone.
    `beside` returns what else to note in a round, `progress` is told the rounds so far.
    """
    rounds = journal.rounds(concurrency)
    if enough(rounds):
        return rounds
    for discarded in measure.values():
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
        measured |= beside(measured)
        journal.append(concurrency, measured)
        rounds.append(measured)
        progress(rounds)
    return rounds
