"""What became of every configuration in a race: who left when, how far behind, and how sure that is."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from assay.deciding.objective import OBJECTIVES, Objective
from assay.ground.numerals import counted
from assay.ground.records.measured import Heat, RaceFile
from assay.params.cells import Cell
from assay.params.matrix import ANCHOR
from assay.params.perf import Perf
from assay.racing.limits import entrants, missed
from assay.racing.standing import at_the_end, scores, standing
from assay.statistics.interval import Interval

# What fits a page that is read in a pull request.
MOST_ROWS = 20


@dataclass(frozen=True)
class Racer:
    """A configuration that raced, or need not: `course` is its ratio to the anchor after each round, better above 1.

    `against_best` is how it compared with the best when it left, or at the end; `why` it left, where it was not slower.
    `same_as` is the configuration that it is under a second name.
    """

    cell: Cell
    course: Sequence[float]
    against_best: Interval | None
    left: bool
    why: str = ""
    same_as: str = ""

    @property
    def rounds(self) -> int:
        """How many rounds it was measured for."""
        return len(self.course)


@dataclass(frozen=True)
class RaceSummary:
    """A race as it is told: every configuration, in params.yaml's order."""

    objective: Objective
    seconds: float
    heats: int
    racers: Sequence[Racer]

    @property
    def measured(self) -> list[Racer]:
        """Who was measured at all."""
        return [each for each in self.racers if each.course]

    @property
    def different(self) -> list[Racer]:
        """Every configuration once: without those that are another one under a second name."""
        return [each for each in self.racers if not each.same_as]

    @property
    def left(self) -> list[Racer]:
        """Who left, the closest to the best first."""
        gone = [each for each in self.racers if each.left]
        return sorted(gone, key=lambda each: each.against_best.value if each.against_best else 0, reverse=True)

    @property
    def failing(self) -> int:
        """How many left for a limit that they miss."""
        return sum(each.why.startswith("misses") for each in self.racers)


def summarise_race(
    race: RaceFile, cells: Sequence[Cell], exports: Mapping[str, Mapping[str, Any]], perf: Perf
) -> RaceSummary:
    """Return what a race amounts to; `exports` are what is known of each variant's answers."""
    by_name = {cell.name: cell for cell in cells}
    objective = OBJECTIVES[perf.objective]
    judge = partial(missed, cells=by_name, exports=exports, slo=perf.slo)
    found: dict[str, Racer] = {}
    for heat in race["heats"]:
        found |= {each.cell.name: each for each in _of_heat(heat, by_name, objective, judge)}
    found |= {
        name: Racer(by_name[name], [], None, left=True, why=f"the same as {same}", same_as=same)
        for name, same in race["same_as"].items()
    }
    entered = {cell.name for cell in entrants(cells, exports, perf.slo)} | found.keys()
    found |= {
        name: Racer(cell, [], None, left=True, why="misses a limit whatever the server does")
        for name, cell in by_name.items()
        if name not in entered
    }
    windows = [window for heat in race["heats"] for each in heat["rounds"] for window in each["windows"].values()]
    racers = [found[cell.name] for cell in cells]
    return RaceSummary(objective, sum(window["seconds"] for window in windows), len(race["heats"]), racers)


def _of_heat(heat: Heat, cells: Mapping[str, Cell], objective: Objective, judge: Callable[..., Any]) -> Iterable[Racer]:
    now = standing(heat, objective.score, judge)
    for departure in now.departures:
        course = _course(heat, departure.name, objective)
        yield Racer(cells[departure.name], course, departure.against_best, left=True, why=departure.why)
    against = at_the_end(heat, now.left, objective.score)
    for name in now.left:
        yield Racer(cells[name], _course(heat, name, objective), against.get(name), left=False)


def _course(heat: Heat, name: str, objective: Objective) -> list[float]:
    """Return a configuration's ratio to the anchor, in the mean of all rounds up to each."""
    rounds = [each for each in heat["rounds"] if name in each["windows"]]
    if not rounds:
        return []
    table = scores(rounds, [name, ANCHOR], objective.score)
    apart = np.cumsum(table[:, 0] - table[:, 1]) / np.arange(1, len(rounds) + 1)
    return [math.exp(each) for each in apart]


def race_in_words(race: RaceSummary) -> list[str]:
    """Say how many raced, for how long, how many left and how far behind the closest was, and who fell out, and why."""
    if not race.measured:
        return ["Nothing raced: there are no more configurations than finalists."]
    minutes, seconds = divmod(round(race.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    left = [each for each in race.left if not each.same_as]
    closest = next((each.against_best for each in left if each.against_best and not each.why), None)
    same = len(race.racers) - len(race.different)
    said = f"{counted(len(race.different), 'configuration')} in {took} of a race"
    if left:
        said += f"; {len(left)} left it"
        said += f", the closest at {race.objective.as_said(closest)} × the best of that moment" if closest else ""
    fallen = [each for each in left if each.why and not each.why.startswith("misses")]
    names = ", ".join(f"`{each.cell.name}` ({each.why})" for each in fallen)
    could = f"{counted(len(fallen), 'configuration')} could not be measured: {names}."
    more = (
        f"{counted(same, 'configuration')} more did not enter: with that number of threads, or that option, each is "
        "another one under a second name."
    )
    return [f"{said}.", *([could] if fallen else []), *([more] if same else [])]


def race_rows(race: RaceSummary) -> list[dict[str, Any]]:
    """Return a flat row for each configuration."""
    return [
        {
            "cell": each.cell.name,
            "left": each.left,
            "rounds": each.rounds,
            "against_anchor": each.course[-1] if each.course else None,
            "against_best": each.against_best.value if each.against_best else None,
            "against_best_low": each.against_best.low if each.against_best else None,
            "against_best_high": each.against_best.high if each.against_best else None,
            "why": each.why,
        }
        for each in race.racers
    ]


def fate_in_words(racer: Racer) -> str:
    """Say what became of a configuration."""
    if not racer.left:
        return "in the race to its end"
    after = f"after {counted(racer.rounds, 'round')}" if racer.rounds else "not measured"
    return f"{after}: {racer.why}" if racer.why else after
