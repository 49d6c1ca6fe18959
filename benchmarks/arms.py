"""Measure several ways of doing a thing by turns, and compare each with the first."""

import random
from collections.abc import Callable, Mapping
from typing import TypeVar

from assay.ground.process import StageError
from assay.statistics.interval import Interval
from assay.statistics.ratio import paired_ratio

Rounds = dict[str, list[float]]
Given = TypeVar("Given")


def in_turns(arms: Mapping[str, Callable[[], Given]], rounds: int) -> dict[str, list[Given]]:
    """Return what each arm gave in each round; their order is random, and a first round is not counted."""
    if rounds < 2:
        raise StageError("an interval needs at least two rounds")
    found: dict[str, list[Given]] = {name: [] for name in arms}
    for number in range(rounds + 1):
        for name in random.sample(list(arms), k=len(arms)):
            value = arms[name]()
            if number:
                found[name].append(value)
    return found


def by_turns(arms: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Return the number that each arm gave in each round of `in_turns`."""
    return {name: [round(value, 4) for value in values] for name, values in in_turns(arms, rounds).items()}


def compared(rounds: Rounds) -> dict[str, Interval]:
    """Return the ratio of every other arm to the first, over paired rounds."""
    (_, reference), *others = rounds.items()
    return {name: paired_ratio(values, reference) for name, values in others}
