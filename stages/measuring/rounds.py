"""Measure rounds: one window of each model, in random order, until they suffice."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from measuring.journal import Journal, Round
from measuring.resources import peak_memory_bytes
from measuring.windows import Windows

Rounds = list[Round]


def measure_rounds(
    windows: Windows,
    models: Mapping[str, str],
    concurrency: int,
    journal: Journal,
    *,
    seed: int,
    enough: Callable[[Rounds], bool],
    beside: Callable[[Round], dict[str, Any]] = lambda _: {},
    progress: Callable[[Rounds], None],
) -> Rounds:
    """Return the rounds at one concurrency: those in the journal and as many more as `enough` asks for.

    `models` names the served model of each role. After a discarded window of each,
    a round has one window a role, in an order that depends on the seed alone.
    `beside` returns what else to note in a round, `progress` is told the rounds so far.
    """
    rounds = journal.rounds(concurrency)
    if enough(rounds):
        return rounds
    for model in models.values():
        windows.measure(model, concurrency)
    pid = windows.server.pid
    while not enough(rounds):
        order = random.Random(f"{seed} {concurrency} {len(rounds)}")  # noqa: S311  shuffling is no secret
        roles = order.sample(sorted(models), k=len(models))
        measured: Round = {
            "start": journal.start,
            "order": roles,
            "windows": {role: windows.measure(models[role], concurrency) for role in roles},
            "server_peak_memory": None if pid is None else peak_memory_bytes(pid),
        }
        measured |= beside(measured)
        journal.append(concurrency, measured)
        rounds.append(measured)
        progress(rounds)
    return rounds
