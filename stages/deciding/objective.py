"""What makes one configuration better than another: `perf.objective`."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from measuring.readings import REQUESTS_FOR, Window, cpu_per_1000, percentile_us, requests, throughput
from runtime.process import StageError


@dataclass(frozen=True)
class Objective:
    """A number of each window, its name in a sentence and its unit, and whether more of it is better."""

    name: str
    words: str
    unit: str
    more_is_better: bool
    value: Callable[[Window], float | None]

    def score(self, window: Window) -> float:
        """Return the logarithm of a window's value, negative where less is better: the greater the better.

        Raises StageError if the window is too short for it.
        """
        found = self.value(window)
        if found == 0:
            raise StageError(
                f"perf.objective = {self.name} needs windows in which the kernel counts processor time, and in one of "
                f"{window['model']} it counted none; raise perf.window_ms or choose another objective"
            )
        if found is None:
            percent = int(self.name[1:3])
            raise StageError(
                f"perf.objective = {self.name} needs {REQUESTS_FOR[percent]} requests in every window, and one of "
                f"{window['model']} holds {requests(window)}; raise perf.window_ms or choose another objective"
            )
        return math.log(found) if self.more_is_better else -math.log(found)


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("throughput", "throughput", "inferences per second", more_is_better=True, value=throughput),
        Objective("p95_latency", "p95 latency", "µs", more_is_better=False, value=lambda w: percentile_us(w, 95)),
        Objective("p99_latency", "p99 latency", "µs", more_is_better=False, value=lambda w: percentile_us(w, 99)),
        Objective(
            "cpu",
            "processor time of the server",
            "seconds per 1,000 inferences",
            more_is_better=False,
            value=lambda w: cpu_per_1000(w, "server"),
        ),
    )
}
