"""How many requests a second a configuration sustains: open-loop windows against the limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deciding.slo import Check, check_latencies
from measuring.readings import Window, sent_late, throughput
from parameters.schema import Slo
from uncertainty.limit import Answer, at_least, overall
from uncertainty.mean import Estimate, mean_estimate

# Of the requests asked for, so many must be answered while they are sent: below, a queue grows.
KEPT_UP = 0.95


@dataclass(frozen=True)
class AtRate:
    """What the windows at one request rate say about each limit, and how many of them were sent late."""

    per_second: float
    checks: list[Check]
    late: int

    @property
    def answer(self) -> Answer:
        """Whether all limits are met at this rate."""
        return overall(check.answer for check in self.checks)


@dataclass(frozen=True)
class Saturation:
    """The rates tried, the lowest first.

    `sustained` is the highest rate at which the limits are met, and at all lower ones, too;
    None if not even the lowest is. `doubtful` are those above it where nobody can tell.
    """

    rates: list[AtRate]
    sustained: AtRate | None
    doubtful: list[AtRate]

    @property
    def found(self) -> bool:
        """Whether a rate was tried that fails: the end of what is sustained."""
        return any(each.answer == "fails" for each in self.rates)


def at_rate(per_second: float, windows: Sequence[Window], slo: Slo) -> AtRate:
    """Return the answers of independent windows at one rate, each of them a block."""
    share = mean_estimate([math.log(throughput(window) / per_second) for window in windows])
    answered = Estimate(math.exp(share.value), math.exp(share.low), math.exp(share.high))
    kept_up = Check(f"answers ≥ {100 * KEPT_UP:g} % of the requests", at_least(KEPT_UP, answered), answered)
    checks = [kept_up, *check_latencies(slo, [[window] for window in windows])]
    return AtRate(per_second, checks, late=sum(map(sent_late, windows)))


def saturation(rates: Sequence[AtRate]) -> Saturation:
    """Return what is sustained, from the answers at several rates."""
    ordered = sorted(rates, key=lambda each: each.per_second)
    met = 0
    while met < len(ordered) and ordered[met].answer == "meets":
        met += 1
    above = ordered[met:]
    return Saturation(
        ordered,
        sustained=ordered[met - 1] if met else None,
        doubtful=[each for each in above if each.answer == "cannot tell"],
    )


def saturation_in_words(found: Saturation, distribution: str) -> str:
    """Say what is sustained, as in `sustains 2,900 requests/s at p99 latency ≤ 10 ms; cannot tell at 3,100`."""
    limits = " and ".join(check.limit for check in found.rates[0].checks[1:])
    if found.sustained is None:
        lowest = found.rates[0]
        said = f"was not shown to sustain {_rate(lowest)} requests/s, the lowest rate tried, at {limits}"
    else:
        said = f"sustains {_rate(found.sustained)} requests/s at {limits}"
    if found.doubtful:
        said += f"; cannot tell at {', '.join(map(_rate, found.doubtful))}"
    if not found.found:
        said += "; no rate tried was too high"
    return f"In an open loop ({distribution} arrivals) it {said}."


def _rate(at: AtRate) -> str:
    return f"{at.per_second:,.0f}"
