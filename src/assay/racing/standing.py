"""Who is still in a race after some rounds, and what became of the others: a function of the rounds alone."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.ground.records.measured import Heat, Round, Window
from assay.params.matrix import ANCHOR
from assay.racing.schedule import next_rung
from assay.statistics.interval import Interval, t_quantile

Score = Callable[[Window], float]


@dataclass(frozen=True)
class Judgement:
    """What limits say of a configuration by its windows so far.

    `missed` says which one it surely misses, in any start of the server; it is `sure` if it surely meets all of them.
    """

    missed: str = ""
    sure: bool = True


Judge = Callable[[str, Sequence[Window]], Judgement]


@dataclass(frozen=True)
class Departure:
    """A configuration that left after so many rounds.

    `against_best` is how it compared with the best of that moment, above 1 for better; None of one that could not be
    measured, and where no noise is known yet. `missed` says which limit it misses, `failed` why it could not be
    measured; both are empty of one that was slower, or is in `doubt`: whether it meets every limit could not be told,
    and one that surely does, and was slower, had its place.
    """

    name: str
    rounds: int
    against_best: Interval | None = None
    missed: str = ""
    failed: str = ""
    doubt: bool = False


@dataclass(frozen=True)
class Standing:
    """Who is left, the best first but for the default configuration, which comes first; and who has left.

    `wanted` is the number of rounds at which the next ones leave, None where the race is over.
    """

    left: tuple[str, ...]
    wanted: int | None
    departures: tuple[Departure, ...] = field(default=())


def standing(heat: Heat, score: Score, judge: Judge) -> Standing:
    """Return where a heat stands after its rounds.

    Of the places in a rung, half are for the best of those that surely meet every limit: faster ones of which that is
    in doubt may all miss it.
    """
    default, rounds = heat["entrants"][0], heat["rounds"]
    left, used, departures = list(heat["entrants"]), 0, list[Departure]()
    fallen, noise = _fallen(heat), noise_of(rounds, score)
    while rung := next_rung(len(left), heat["survivors"]):
        end = used + rung.rounds
        gone = [name for name in left if name in fallen and fallen[name][0] < end]
        departures += [Departure(name, fallen[name][0], failed=fallen[name][1]) for name in gone]
        left = [name for name in left if name not in gone]
        if next_rung(len(left), heat["survivors"]) is None:
            break
        if len(rounds) < end:
            return Standing(tuple(left), end, tuple(departures))
        measured = rounds[:end]
        better, judged = ranked(measured, left, score), _judged(measured, left, judge)
        possible = [name for name in better if name != default and not judged[name].missed]
        held = [name for name in possible if judged[name].sure][: math.ceil((rung.kept - 1) / 2)]
        chosen = [*held, *(name for name in possible if name not in held)][: rung.kept - 1]
        best = _best(better, judged)
        against = compared(measured, left, best, score, noise) if best else {}
        slower = better[max((better.index(name) for name in chosen), default=0) :]
        departures += [
            Departure(
                name,
                end,
                against.get(name),
                missed=judged[name].missed,
                doubt=not judged[name].missed and name not in slower,
            )
            for name in reversed(better)
            if name not in chosen and name != default
        ]
        left, used = [default, *(name for name in better if name in chosen)], end
    late = [name for name in left if name in fallen]
    departures += [Departure(name, fallen[name][0], failed=fallen[name][1]) for name in late]
    return Standing(tuple(name for name in left if name not in late), None, tuple(departures))


def _judged(rounds: Sequence[Round], names: Sequence[str], judge: Judge) -> dict[str, Judgement]:
    return {name: judge(name, windows_of(rounds, name)) for name in names}


def _best(better: Sequence[str], judged: Mapping[str, Judgement]) -> str | None:
    """Return the best of those that surely meet every limit, or else of those that may; None if nobody does."""
    sure = (name for name in better if judged[name].sure)
    return next(sure, next((name for name in better if not judged[name].missed), None))


def at_the_end(heat: Heat, left: Sequence[str], score: Score, judge: Judge) -> Mapping[str, Interval]:
    """Return how those that are left compare with the best of them; nothing where nobody raced, or all miss a limit."""
    rounds = heat["rounds"]
    if not rounds or not left:
        return {}
    best = _best(ranked(rounds, left, score), _judged(rounds, left, judge))
    return compared(rounds, left, best, score, noise_of(rounds, score)) if best else {}


def contenders(heat: Heat, score: Score, judge: Judge) -> list[str]:
    """Return who may be the best of a heat that is over: the default configuration, and those close to the best.

    Close is as where cells are measured one by one, but here another start cannot have favoured one of them.
    """
    left = standing(heat, score, judge).left
    against = at_the_end(heat, left, score, judge)
    return [name for name in left if name == left[0] or name not in against or against[name].high >= 1]


def _fallen(heat: Heat) -> Mapping[str, tuple[int, str]]:
    """Return what could not be measured any more: after how many rounds, and why."""
    told = [(place, each.get("fell_out", {})) for place, each in enumerate(heat["rounds"])]
    told.append((len(heat["rounds"]), heat["fell_out"]))
    return {name: (place, why) for place, each in told for name, why in each.items()}


def windows_of(rounds: Iterable[Round], name: str) -> list[Window]:
    """Return a configuration's windows, one a round."""
    return [each["windows"][name] for each in rounds]


def scores(rounds: Sequence[Round], names: Sequence[str], score: Score) -> NDArray[np.float64]:
    """Return the scores of configurations, [rounds, names]."""
    return np.array([[score(each["windows"][name]) for name in names] for each in rounds])


def ranked(rounds: Sequence[Round], names: Sequence[str], score: Score) -> list[str]:
    """Return configurations by their mean scores, the best first, those that are equal in their order."""
    means = scores(rounds, names, score).mean(axis=0)
    return [names[place] for place in np.argsort(-means, kind="stable")]


@dataclass(frozen=True)
class Noise:
    """What of the scores is neither a configuration's nor a round's: a standard deviation, and how well it is known."""

    deviation: float
    freedom: int


def noise_of(rounds: Sequence[Round], score: Score) -> Noise | None:
    """Return the noise of a race, of all rounds in which the same configurations were measured again; None of none.

    A round does something to all, a configuration is better or worse, and what is left of the scores' variance is
    noise (a two-way layout without interaction, Scheffé 1959, chapter 4): a few rounds tell nothing of each one's own.
    """
    squares, freedom = 0.0, 0
    for names, group in itertools.groupby(rounds, key=_measured):
        table = scores(list(group), names, score)
        apart = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
        squares += float((apart**2).sum())
        freedom += (table.shape[0] - 1) * (table.shape[1] - 1)
    return Noise(math.sqrt(squares / freedom), freedom) if freedom else None


def _measured(each: Round) -> list[str]:
    return sorted(name for name in each["windows"] if name != ANCHOR)


def compared(
    rounds: Sequence[Round], names: Sequence[str], best: str, score: Score, noise: Noise | None
) -> dict[str, Interval]:
    """Return how each other configuration compares with the best, with a 95 % interval by the noise if that is known.

    It tells how sure a departure was, and decides nothing.
    """
    if noise is None:
        return {}
    means = scores(rounds, names, score).mean(axis=0)
    half = t_quantile(noise.freedom) * noise.deviation * math.sqrt(2 / len(rounds))
    apart = means - means[names.index(best)]
    return {
        name: Interval(mean, mean - half, mean + half).exp()
        for name, mean in zip(names, apart, strict=True)
        if name != best
    }
