"""How a race is divided into rungs: successive halving.

Every rung measures whoever is left for some rounds, and the better half stays (Jamieson and Talwalkar 2016, Algorithm
1, after the sequential halving of Karnin, Koren and Somekh 2013). All rounds so far count, for whoever is left was in
all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

# Many entrants are told apart roughly, the last few well.
FEW, MANY_ROUNDS = 4, 4
ROUNDS = 2
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
    rounds = MANY_ROUNDS if entrants <= FEW * survivors else ROUNDS
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
