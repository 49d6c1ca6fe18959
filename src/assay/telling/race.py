"""What became of every configuration in a race: who left when, how far behind, and how sure that is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.deciding.objective import OBJECTIVES, Objective
from assay.ground.numerals import counted
from assay.ground.records.measured import Heat, RaceFile, Round
from assay.params.cells import Cell
from assay.params.matrix import ANCHOR
from assay.params.perf import Perf
from assay.racing.limits import entrants, judge_of
from assay.racing.reasons import failed_in_words
from assay.racing.standing import Judge, Noise, at_the_end, noise_of, scores, standing
from assay.statistics.interval import Interval
from assay.telling.flags import history_flags

# What fits a page that is read in a pull request.
MOST_ROWS = 20


@dataclass(frozen=True)
class Racer:
    """A configuration that raced, or need not: `course` is its ratio to the anchor after each round, better above 1.

    `against_best` is how it compared with the best when it left, or at the end; None of the best itself. Of one that
    was not slower, `missed` says which limit it misses, `failed` why it could not be measured, and `same_as` which
    configuration it is under a second name; one in `doubt` left for another that surely meets every limit.
    """

    cell: Cell
    course: Sequence[float]
    against_best: Interval | None
    left: bool
    missed: str = ""
    failed: str = ""
    same_as: str = ""
    doubt: bool = False

    @property
    def rounds(self) -> int:
        """How many rounds it was measured for."""
        return len(self.course)

    @property
    def why(self) -> str:
        """Why it is not in it any more, or never was; empty of one that was slower, or is in it."""
        if self.doubt:
            return "whether it meets every limit could not be told, and a slower one that does had its place"
        return self.missed or self.failed or (f"the same as {self.same_as}" if self.same_as else "")


@dataclass(frozen=True)
class RaceSummary:
    """A race as it is told: every configuration, in params.yaml's order.

    `repeats` is how many windows were measured again; `noise` what of a window's score was neither the configuration's
    nor the round's.
    """

    objective: Objective
    seconds: float
    heats: int
    repeats: int
    noise: Noise | None
    racers: Sequence[Racer]

    @property
    def measured(self) -> list[Racer]:
        """Who was measured at all."""
        return [each for each in self.racers if each.course]

    @property
    def eventful(self) -> bool:
        """Whether there is something to tell of a race: somebody raced, or did not for a reason."""
        return any(each.course or each.why for each in self.racers)

    @property
    def different(self) -> list[Racer]:
        """Every configuration once: without those that are another one under a second name."""
        return [each for each in self.racers if not each.same_as]

    @property
    def comparable(self) -> int:
        """How many could be the best: every one once, but for those that could not be measured."""
        return sum(not each.failed for each in self.different)

    @property
    def in_order(self) -> list[Racer]:
        """Every configuration: those that are in it to its end, those that left, each the closest to the best first."""
        return sorted(self.racers, key=lambda each: (each.left, bool(each.failed or each.same_as), -_closeness(each)))

    @property
    def of_the_best(self) -> str:
        """Say which is the best that others are compared with, where one is better than that; else empty."""
        if all(each.against_best is None or each.against_best.value <= 1 for each in self.racers):
            return ""
        return "The best is the best of those that surely meet every limit: others may be better than that. "

    @property
    def failing(self) -> int:
        """How many left for a limit that they miss."""
        return sum(bool(each.missed) for each in self.racers)


def _closeness(racer: Racer) -> float:
    if racer.against_best is None:
        return 0 if racer.left else 1  # nothing is known of one that left; the best has none
    return racer.against_best.value


def summarise_race(
    race: RaceFile, cells: Sequence[Cell], exports: Mapping[str, Mapping[str, Any]], perf: Perf
) -> RaceSummary:
    """Return what a race amounts to; `exports` are what is known of each variant's answers."""
    by_name = {cell.name: cell for cell in cells}
    objective = OBJECTIVES[perf.objective]
    judge = judge_of(cells, exports, perf.slo)
    rounds = [each for heat in race["heats"] for each in heat["rounds"]]
    found: dict[str, Racer] = {}
    for heat in race["heats"]:
        for each in _of_heat(heat, by_name, objective, judge):
            # Winners of groups need not race again: what is known of them is of before, then.
            before = found.get(each.cell.name)
            against = each.against_best if heat["rounds"] or before is None else before.against_best
            course = _course(rounds, each.cell.name, objective)
            found[each.cell.name] = replace(each, against_best=against, course=course)
    found |= {name: Racer(by_name[name], [], None, left=True, same_as=same) for name, same in race["same_as"].items()}
    entered = {cell.name for cell in entrants(cells, judge)} | found.keys()
    found |= {
        name: Racer(cell, [], None, left=True, missed=judge(name, []).missed)
        for name, cell in by_name.items()
        if name not in entered
    }
    windows = [window for each in rounds for window in each["windows"].values()]
    return RaceSummary(
        objective,
        seconds=sum(window["seconds"] for window in windows),
        heats=sum(bool(heat["rounds"]) for heat in race["heats"]),
        repeats=sum(window["repeats"] for window in windows),
        noise=noise_of(rounds, objective.score),
        racers=[found[cell.name] for cell in cells],
    )


def _of_heat(heat: Heat, cells: Mapping[str, Cell], objective: Objective, judge: Judge) -> Iterable[Racer]:
    now = standing(heat, objective.score, judge)
    for each in now.departures:
        yield Racer(
            cells[each.name],
            [],
            each.against_best,
            left=True,
            missed=each.missed,
            failed=each.failed,
            doubt=each.doubt,
        )
    against = at_the_end(heat, now.left, objective.score, judge)
    for name in now.left:
        yield Racer(cells[name], [], against.get(name), left=False)


def _course(rounds: Sequence[Round], name: str, objective: Objective) -> list[float]:
    """Return a configuration's ratio to the anchor, in the mean of all of its rounds up to each."""
    its = [each for each in rounds if name in each["windows"]]
    if not its:
        return []
    table = scores(its, [name, ANCHOR], objective.score)
    apart = np.cumsum(table[:, 0] - table[:, 1]) / np.arange(1, len(its) + 1)
    return [math.exp(each) for each in apart]


def race_in_words(race: RaceSummary) -> list[str]:
    """Say how many raced, for how long, how many left, how far behind the closest was, and who could not, and why."""
    same = len(race.racers) - len(race.different)
    more = (
        f"{counted(same, 'configuration')} more did not enter: with that number of threads, or that option, each is "
        "another one under a second name."
    )
    failed = failed_in_words({each.cell.name: each.failed for each in race.racers if each.failed})
    raced = _raced_in_words(race) if race.measured else "Nothing raced: those that could are no more than finalists"
    return [f"{raced}.", *failed, *([more] if same else [])]


def _raced_in_words(race: RaceSummary) -> str:
    minutes, seconds = divmod(round(race.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    left = [each for each in race.measured if each.left and not each.failed]
    slower = [each.against_best for each in left if each.against_best and not each.why]
    said = f"{counted(len(race.measured), 'configuration')} in {took} of a race"
    if left:
        said += f"; {len(left)} left it"
    if slower:
        closest = race.objective.as_said(max(slower, key=lambda each: each.value))
        said += f", the closest at {closest} × the {race.objective.words} of the best of that moment"
    return said


def race_noise_in_words(race: RaceSummary) -> str:
    """Say how much a single window told, and which were measured again; empty where nothing raced."""
    if race.noise is None:
        return ""
    strayed = f"A single window strayed by {100 * math.expm1(race.noise.deviation):.0f} % (standard deviation)"
    return f"{'; '.join([strayed, *history_flags(1, race.repeats)])}."


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
        return "in the race to its end" if racer.course else "did not have to race"
    after = f"after {counted(racer.rounds, 'round')}" if racer.rounds else "not measured"
    return f"{after}: {racer.why}" if racer.why else after
