"""How a race is divided into rungs: sequential halving.

Every rung takes about as many windows as the others, in as many rounds of whoever is left as that gives, and the better
half stays (Karnin, Koren and Somekh 2013, Almost Optimal Exploration in Multi-Armed Bandits, Algorithm 1). All rounds
so far count here, for whoever is left was in all of them; theirs forget. It was chosen among others by replays of real
races (docs/race.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

WINDOWS = 64  # of a rung, where it has no more entrants
MOST_ROUNDS = 8  # of the last few
KEPT = 0.5


@dataclass(frozen=True)
class Rung:
    """So many entrants are measured for so many rounds; `kept` of them stay."""

    entrants: int
    rounds: int
    kept: int


def next_rung(entrants: int, survivors: int) -> Rung | None:
    """Return the rung of so many entrants, None where they are no more than are to survive."""
    if entrants <= survivors:
        return None
    rounds = min(MOST_ROUNDS, max(1, WINDOWS // entrants))
    return Rung(entrants, rounds, max(survivors, round(KEPT * entrants)))


def rungs(entrants: int, survivors: int) -> Iterator[Rung]:
    """Yield the rungs of a race in which nobody falls out."""
    while rung := next_rung(entrants, survivors):
        yield rung
        entrants = rung.kept


def ends(entrants: int, survivors: int) -> Iterator[int]:
    """Yield after how many rounds the slower ones leave."""
    return accumulate(rung.rounds for rung in rungs(entrants, survivors))


def windows(entrants: int, survivors: int) -> int:
    """Return how many windows a race takes, the anchor's among them."""
    return sum((rung.entrants + 1) * rung.rounds for rung in rungs(entrants, survivors))
