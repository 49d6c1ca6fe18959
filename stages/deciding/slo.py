"""Whether a configuration meets `perf.slo`: it does, it does not, or the measurement cannot tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from measuring.readings import Window, percentile_us
from parameters.schema import Slo
from uncertainty.limit import Answer, at_least, at_most, overall
from uncertainty.mean import Estimate, mean_estimate, share_estimate

Blocks = Sequence[Sequence[Window]]  # windows of each independent block: a round, or a start of the server


@dataclass(frozen=True)
class Check:
    """The answer to one limit; `found` in the limit's unit is None where windows are too short for it."""

    limit: str
    answer: Answer
    found: Estimate | None


def check_latency(percent: int, limit_ms: float, blocks: Blocks) -> Check:
    """Compare a percentile of the latency, the geometric mean over blocks, with its upper limit."""
    limit = f"p{percent} latency ≤ {limit_ms:g} ms"
    values = [[percentile_us(window, percent) for window in block] for block in blocks]
    if any(value is None for block in values for value in block):
        return Check(limit, "cannot tell", None)
    logs = [sum(math.log(value / 1000) for value in block if value) / len(block) for block in values]
    estimate = mean_estimate(logs)
    found = Estimate(math.exp(estimate.value), math.exp(estimate.low), math.exp(estimate.high))
    return Check(limit, at_most(limit_ms, found), found)


def check_latencies(slo: Slo, blocks: Blocks) -> list[Check]:
    """Return the answer to every limit on latency that is set."""
    return [check_latency(percent, limit, blocks) for percent, limit in slo.latency_limits_ms.items()]


def check_accuracy(limit: float, correct: int, examples: int) -> Check:
    """Compare the test accuracy with its lower limit."""
    found = share_estimate(correct, examples)
    return Check(f"test accuracy ≥ {limit:g}", at_least(limit, found), found)


def check_all(slo: Slo, blocks: Blocks, correct: int, examples: int) -> list[Check]:
    """Return the answer to every limit that is set."""
    checks = check_latencies(slo, blocks)
    if slo.accuracy is not None:
        checks.append(check_accuracy(slo.accuracy, correct, examples))
    return checks


def answer_to_all(checks: Sequence[Check]) -> Answer:
    """Return the answer to all limits together."""
    return overall(check.answer for check in checks)
