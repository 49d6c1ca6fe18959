"""Run a race: configurations in one server, measured by turns, of which the slower ones leave rung by rung."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from assay.ground.process import StageError
from assay.ground.records.measured import Beside, Heat, Window
from assay.measuring.bench import Candidate, anchor, bench
from assay.measuring.journal import Journal
from assay.measuring.rounds import Rounds, measure_rounds
from assay.measuring.windows import Windows
from assay.params.matrix import ANCHOR
from assay.params.measuring import Conditions
from assay.racing.failing import named_in, reason
from assay.racing.reasons import failed_in_words
from assay.racing.standing import Judge, Score, Standing, scores, standing


@dataclass(frozen=True)
class Rules:
    """How configurations are measured and judged: at one concurrency, the higher score the better.

    `single_requests` asks for the latency of each request.
    """

    conditions: Conditions
    concurrency: int
    score: Score
    judge: Judge
    single_requests: bool


class HeatRun:
    """A heat that is being run; the first of its candidates is the default configuration, which never leaves."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        survivors: int,
        journal: Journal,
        rules: Rules,
        progress: Callable[[Rounds], None],
    ) -> None:
        self._candidates = {each.name: each for each in candidates}
        self._survivors, self._journal, self._rules, self._progress = survivors, journal, rules, progress
        self._default = candidates[0].name
        self._fell_out: dict[str, str] = {}  # since the last round
        self._failing: list[str] = []

    @property
    def heat(self) -> Heat:
        """What has been measured so far."""
        return {
            "entrants": list(self._candidates),
            "survivors": self._survivors,
            "rounds": self._journal.rounds(self._rules.concurrency),
            "fell_out": dict(self._fell_out),
        }

    @property
    def standing(self) -> Standing:
        """Who is in it, and for how long."""
        return standing(self.heat, self._rules.score, self._rules.judge)

    def run(self) -> Heat:
        """Measure until it is over, in as many starts of the server as it takes.

        What the server refuses, or what cannot be measured, falls out, and the others go on in a new start. Raises
        StageError if that is the default configuration, the anchor, or nobody knows which.
        """
        while (now := self.standing).wanted is not None:
            self._failing.clear()
            try:
                self._measure([self._candidates[name] for name in now.left])
            except StageError as error:
                out = self._failing or named_in(error, [self._candidates[name] for name in now.left])
                if not out or self._default in out or ANCHOR in out:
                    raise
                found = {name: reason(error, self._candidates[name]) for name in out}
                self._fell_out |= found
                print("\n".join(f"out of the race: {each}" for each in failed_in_words(found)), flush=True)
        return self.heat

    def _measure(self, candidates: Sequence[Candidate]) -> None:
        rules = self._rules
        with bench([anchor(), *candidates], rules.conditions, single_requests=rules.single_requests) as windows:
            self._journal.new_start()
            while (now := self.standing).wanted is not None:
                measure_rounds(
                    windows.server,
                    {name: partial(self._window, windows, name) for name in (ANCHOR, *now.left)},
                    rules.concurrency,
                    self._journal,
                    seed=rules.conditions.seed,
                    enough=partial(_reached, now.wanted),
                    discards=False,
                    beside=lambda _: self._told(),
                    progress=self._progress,
                )

    def _window(self, windows: Windows, name: str) -> Window:
        try:
            window = windows.measure(name, self._rules.concurrency)
            self._rules.score(window)  # before it is kept: one without a score would end every later run, too
        except StageError:
            self._failing.append(name)
            raise
        return window

    def _told(self) -> Beside:
        """Return what fell out, to be noted with the round that comes next."""
        told: Beside = {"fell_out": dict(self._fell_out)} if self._fell_out else {}
        self._fell_out.clear()
        return told


def _reached(wanted: int, rounds: Rounds) -> bool:
    return len(rounds) >= wanted


def run_heats(
    entrants: Sequence[str],
    survivors: int,
    divided: Callable[[Sequence[str]], list[list[str]]],
    heat: Callable[[str, Sequence[str], int], tuple[Heat, Sequence[str]]],
) -> list[Heat]:
    """Run heats until a single one was run, and return them: first of all in groups, then of those that were left.

    `divided` returns the groups that a server holds; `heat` runs one under a name down to so many, and returns who is
    left. Raises StageError if groups are too small for anybody to leave.
    """
    heats: list[Heat] = []
    for level in range(1, len(entrants) + 1):
        groups = divided(entrants)
        last = len(groups) == 1
        kept = survivors if last else max(2, math.ceil(max(map(len, groups)) / (2 * len(groups))))
        found = [heat(f"heat-{level}-{place}", group, kept) for place, group in enumerate(groups, 1)]
        heats += [each for each, _ in found]
        if last:
            return heats
        winners = {name for _, left in found for name in left}
        if len(winners) == len(entrants):
            break
        entrants = [name for name in entrants if name in winners]
    raise StageError(
        "the memory that is free holds two configurations at a time, and no race of them: set perf.search to all, or "
        "free some"
    )


def in_words(score: Score, rounds: Rounds, names: Sequence[str]) -> str:
    """Say who is ahead, and how far behind the last is."""
    means = dict(zip(names, scores(rounds, names, score).mean(axis=0), strict=True))
    best, last = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return f"{len(names)} left, {best} ahead, {last} at {math.exp(means[last] - means[best]):.2f} ×"
