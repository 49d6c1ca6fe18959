"""What makes one configuration better than another: `perf.objective`."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from assay.ground.numerals import times
from assay.ground.process import StageError
from assay.ground.records.measured import Round, Window
from assay.measuring.readings import REQUESTS_FOR, SPARE, cpu_per_1000, percentile_us, requests, throughput
from assay.params.perf import Perf
from assay.statistics.interval import Interval
from assay.statistics.ratio import ratio_of_logs


@dataclass(frozen=True)
class Objective:
    """A number of each window, its name in a sentence and its unit, and whether more of it is better.

    `requests` are those that a window must hold to have it.
    """

    name: str
    words: str
    unit: str
    more_is_better: bool
    value: Callable[[Window], float | None]
    requests: int = 1

    def score(self, window: Window) -> float:
        """Return the logarithm of a window's value, negative where less is better: the greater the better.

        Raises StageError if the window is too short for it.
        """
        found = self.value(window)
        if found == 0:  # of processor time, which the kernel counts in steps of 10 ms
            raise StageError(
                f"perf.objective = {self.name} needs windows in which there is some {self.words}, and in one of "
                f"{window['model']} there is none; raise perf.window_ms or choose another objective"
            )
        if found is None:
            raise StageError(
                f"perf.objective = {self.name} needs {self.requests} requests in every window, and one of "
                f"{window['model']} holds {requests(window)}; make perf.window_ms "
                f"{SPARE * self.requests / max(1, requests(window)):.1f} times as long, or choose another objective"
            )
        return math.log(found) if self.more_is_better else -math.log(found)

    def log_ratios(self, pairs: Iterable[tuple[Window, Window]]) -> list[float]:
        """Return by how much the first window of each pair is better than the second, as logarithms.

        Raises StageError as `score` does.
        """
        return [self.score(first) - self.score(second) for first, second in pairs]

    def as_said(self, better: Interval) -> Interval:
        """Return the ratio of values behind one that is above 1 for the better: half a latency is twice as good."""
        return better if self.more_is_better else better.inverse()


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("throughput", "throughput", "inferences per second", more_is_better=True, value=throughput),
        *(
            Objective(
                f"p{percent}_latency",
                f"p{percent} latency",
                "µs",
                more_is_better=False,
                value=partial(percentile_us, percent=percent),
                requests=REQUESTS_FOR[percent],
            )
            for percent in (95, 99)
        ),
        Objective(
            "cpu",
            "server processor time",
            "seconds per 1,000 inferences",
            more_is_better=False,
            value=lambda w: cpu_per_1000(w, "server"),
        ),
    )
}


def sought(concurrency: int, perf: Perf) -> Objective:
    """Return what cells are measured for at a level: the objective where it is judged, throughput elsewhere."""
    return OBJECTIVES[perf.objective if concurrency == perf.deciding_concurrency else "throughput"]


def against_anchor(rounds: Sequence[Round], objective: Objective) -> list[float]:
    """Return by how much the candidate was better than the anchor in each round, as logarithms."""
    windows = [each["windows"] for each in rounds]
    return objective.log_ratios((each["candidate"], each["anchor"]) for each in windows)


def against_anchor_in_words(rounds: Sequence[Round], objective: Objective) -> str:
    """Return the ratio so far, as in `1.24 × the anchor's throughput, ±6 %`."""
    ratio = objective.as_said(ratio_of_logs(against_anchor(rounds, objective)))
    return f"{times(ratio.value)} × the anchor's {objective.words}, ±{100 * ratio.reach:.0f} %"
