"""How many requests a second a configuration sustains: open-loop windows against the limits."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.deciding.slo import Check, check_latencies
from assay.ground.numerals import amount
from assay.ground.records.measured import Window
from assay.measuring.readings import KEPT_UP, mostly_late, percent_late, throughput
from assay.params.perf import Slo
from assay.statistics.limit import Answer, at_least, overall
from assay.statistics.mean import mean_estimate


@dataclass(frozen=True)
class AtRate:
    """What the windows at one request rate say about each limit, and how many of them were sent late.

    `offered` says whether the load generator could keep to the rate in most of them.
    """

    per_second: float
    checks: list[Check]
    late: int
    offered: bool

    @property
    def answer(self) -> Answer:
        """Whether all limits are met at this rate; where it was not offered, nobody knows.

        Requests that are sent late come in bursts: what they take is the load generator's doing, too.
        """
        return overall(check.answer for check in self.checks) if self.offered else "cannot tell"


@dataclass(frozen=True)
class Saturation:
    """The rates compared, the lowest first.

    `sustained` is the highest rate at which the limits are met and below which none fails; None
    if there is none. `too_high` is the lowest that fails: the end of what may be sustained, None if
    none was found. `first_looks` say of higher rates why they were not compared, and of others which look
    ended the search for a rate that is too high.
    """

    rates: list[AtRate]
    sustained: AtRate | None
    too_high: AtRate | None
    first_looks: dict[float, str]

    @property
    def doubtful(self) -> list[AtRate]:
        """The rates between the sustained one and the end that were sent and where nobody can tell."""
        return [each for each in self._between() if each.offered]

    @property
    def not_offered(self) -> list[AtRate]:
        """The rates between the sustained one and the end that the load generator could not keep to."""
        return [each for each in self._between() if not each.offered]

    def _between(self) -> list[AtRate]:
        low = self.sustained.per_second if self.sustained else 0
        high = self.too_high.per_second if self.too_high else math.inf
        return [each for each in self.rates if low < each.per_second < high]


def at_rate(per_second: float, windows: Sequence[Window], slo: Slo) -> AtRate:
    """Return the answers of independent windows at one rate, each of them a block."""
    answered = mean_estimate([math.log(throughput(window) / per_second) for window in windows]).exp()
    kept_up = Check(f"answers ≥ {100 * KEPT_UP:g} % of the requests", at_least(KEPT_UP, answered), answered, KEPT_UP)
    checks = [kept_up, *check_latencies(slo, [[window] for window in windows])]
    return AtRate(
        per_second,
        checks,
        late=sum(percent_late(window) > 0 for window in windows),
        offered=not mostly_late(windows, max(slo.latency_limits_ms)),
    )


def saturation(rates: Sequence[AtRate], first_looks: Mapping[str, str]) -> Saturation:
    """Return what is sustained, from the answers at several rates, and the first looks at these and others."""
    ordered = sorted(rates, key=_per_second)
    too_high = next((each for each in ordered if each.answer == "fails"), None)
    below = itertools.takewhile(lambda each: each is not too_high, ordered)
    sustained = max((each for each in below if each.answer == "meets"), key=_per_second, default=None)
    looks = {float(rate): look for rate, look in first_looks.items()}
    told = {rate: look for rate, look in looks.items() if rate > ordered[-1].per_second or look != "may do"}
    return Saturation(ordered, sustained, too_high, told)


def recorded_saturation(rounds: Sequence[Mapping[str, Any]], slo: Slo) -> Saturation | None:
    """Return what rounds of an open loop say, as reports/saturation.json holds them; None where there are none."""
    if not rounds:
        return None
    return saturation(
        [at_rate(float(rate), [each["windows"][rate] for each in rounds], slo) for rate in rounds[0]["windows"]],
        rounds[0]["first_looks"],
    )


def saturation_in_words(found: Saturation, distribution: str) -> str:
    """Say what is sustained, as in `sustains 2,900 requests/s at p99 latency ≤ 10 ms; cannot tell at 3,100`."""
    limits = " and ".join(check.limit for check in found.rates[0].checks[1:])
    if found.sustained is None:
        lowest = found.rates[0]
        said = f"was not shown to sustain {_rate(lowest)} requests/s, the lowest rate compared, at {limits}"
    else:
        at_least_so_many = "at least " if found.not_offered or not found.too_high else ""
        said = f"sustains {at_least_so_many}{_rate(found.sustained)} requests/s at {limits}"
    if found.doubtful:
        said += f"; cannot tell at {_rates(found.doubtful)}"
    if found.not_offered:
        said += f"; perf_analyzer could not send {_rates(found.not_offered)} in time, so that more may be possible"
    if found.too_high:
        said += f"; {_rate(found.too_high)} are too many"
    elif not found.not_offered:
        said += f"; no rate that was compared was too high{_first_looks(found)}"
    return f"In an open loop ({distribution} arrivals) it {said}."


def _first_looks(found: Saturation) -> str:
    """Say what first looks found of rates that were not compared, or that ended the search; nothing without such."""
    looks = found.first_looks
    kinds = (
        (why, sorted(rate for rate, look in looks.items() if look == why)) for why in dict.fromkeys(looks.values())
    )
    said = [f"{'–'.join(dict.fromkeys(map(amount, (rates[0], rates[-1]))))} were {why}" for why, rates in kinds]
    if not said:
        return ""
    highest = max(found.rates[-1].per_second, *looks)  # the rate of an unlucky look may have been compared, or passed
    return f"; on a first look {' and '.join(said)}, and none above {amount(highest)} was tried"


def _per_second(at: AtRate) -> float:
    return at.per_second


def _rate(at: AtRate) -> str:
    return amount(at.per_second)


def _rates(at: Sequence[AtRate]) -> str:
    return ", ".join(map(_rate, at))
