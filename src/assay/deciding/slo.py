"""Whether a configuration meets `perf.slo`: it does, it does not, or the measurement cannot tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.ground.quoting import quoted
from assay.ground.records.measured import Window
from assay.measuring.readings import beyond_limit, completed
from assay.params.cells import Cell
from assay.params.perf import Slo
from assay.statistics.interval import Interval
from assay.statistics.limit import Answer, at_least, at_most, overall
from assay.statistics.share import share_estimate, share_of_blocks

Blocks = Sequence[Sequence[Window]]  # windows of each independent block: a round, or a start of the server


@dataclass(frozen=True)
class Check:
    """The answer to one limit.

    `found` is the number that it is about, which may be no less than `bound`; or, for a latency,
    the share of the requests that took longer, which may be no more. `by_percentiles` says that
    single requests were not kept: windows' percentiles and means had to bound that share.
    """

    limit: str
    answer: Answer
    found: Interval
    bound: float
    of_requests: bool = False
    by_percentiles: bool = False


def check_latency(percent: int, limit_ms: float, blocks: Blocks) -> Check:
    """Compare the share of requests that took longer than a limit with what a percentile allows.

    Judged are the requests of all windows together, not a typical window: a machine that is slow
    in every second window misses a limit that half of them keep. A window bounds its share from
    both sides; the limit is met where even the upper bounds keep it, over all blocks like these,
    and missed where even the lower ones do not.
    """
    allowed = 1 - percent / 100
    bounds = [[beyond_limit(window, 1000 * limit_ms) for window in block] for block in blocks]
    totals = [sum(map(completed, block)) for block in blocks]
    fewest, most = (share_of_blocks([sum(each[side] for each in block) for block in bounds], totals) for side in (0, 1))
    found = Interval((fewest.value + most.value) / 2, fewest.low, most.high)
    unkept = any(window["latency_bins"] is None for block in blocks for window in block)
    limit = f"p{percent} latency ≤ {limit_ms:g} ms"
    return Check(limit, at_most(allowed, found), found, allowed, of_requests=True, by_percentiles=unkept)


def check_latencies(slo: Slo, blocks: Blocks) -> list[Check]:
    """Return the answer to every limit on latency that is set."""
    return [check_latency(percent, limit, blocks) for percent, limit in slo.latency_limits_ms.items()]


def check_accuracy(limit: float, correct: int, examples: int, *, neighbours: bool = False) -> Check:
    """Compare the test accuracy with its lower limit; see `_of_alone` about `neighbours`."""
    found = share_estimate(correct, examples)
    return _of_alone(Check(f"test accuracy ≥ {limit:g}", at_least(limit, found), found, limit), neighbours=neighbours)


def check_answers(slo: Slo, outputs: Mapping[str, Any], *, neighbours: bool) -> list[Check]:
    """Compare what a variant answers with what the model answered as it came, in every output that a limit is about.

    The share of rows that say the same is that of the rows that were asked, of which nothing else is claimed: all the
    same meets a limit of 1. The largest difference is judged of every output of floats, whether it has rows or not.
    Where answers had no rows at all, as boxes of images without a thing in them, nobody can tell.
    """
    checks = []
    if slo.agreement is not None and outputs and not any(each["rows"] for each in outputs.values()):
        checks.append(Check(f"agreement ≥ {slo.agreement:g}", "cannot tell", Interval(1.0, 0.0, 1.0), slo.agreement))
    for name, each in outputs.items():
        of = f" of {quoted(name)}" if len(outputs) > 1 else ""
        if slo.agreement is not None and each["rows"]:
            share = each["same"] / each["rows"]
            answer: Answer = "meets" if share >= slo.agreement else "fails"
            found = Interval(share, share, share)
            checks.append(Check(f"agreement{of} ≥ {slo.agreement:g}", answer, found, slo.agreement))
        if slo.difference is not None and each["largest"] is not None:
            answer = "meets" if each["largest"] <= slo.difference else "fails"
            found = Interval(each["largest"], each["largest"], each["largest"])
            checks.append(Check(f"difference{of} ≤ {slo.difference:g}", answer, found, slo.difference))
    return [_of_alone(check, neighbours=neighbours) for check in checks]


def _of_alone(check: Check, *, neighbours: bool) -> Check:
    """Return the answer to a limit that is known of examples asked alone.

    Where requests are batched and `neighbours` change an answer, it may be another: nobody can tell that such a
    configuration meets the limit.
    """
    if not neighbours:
        return check
    answer: Answer = "cannot tell" if check.answer == "meets" else check.answer
    return replace(check, limit=f"{check.limit}, known of examples asked alone", answer=answer)


def check_all(slo: Slo, blocks: Blocks, export: Mapping[str, Any], cell: Cell) -> list[Check]:
    """Return the answer to every limit that is set, of a cell's windows and what is known of its export's answers."""
    checks, batch = check_latencies(slo, blocks), export["batch"]
    neighbours = cell.batching is not None and batch is not None and not batch["safe"]
    if slo.accuracy is not None:
        correct, examples = export["test_correct"], export["test_examples"]
        checks.append(check_accuracy(slo.accuracy, correct, examples, neighbours=neighbours))
    return checks + check_answers(slo, export.get("agreement", {}), neighbours=neighbours)


def answer_to_all(checks: Sequence[Check]) -> Answer:
    """Return the answer to all limits together."""
    return overall(check.answer for check in checks)
