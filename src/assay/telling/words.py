"""The verdict in words, each sentence from the measured numbers alone."""

from assay.deciding.slo import Check
from assay.deciding.verdict import Finalist, Verdict
from assay.ground.numerals import agreeing, beside, counted


def verdict_in_words(verdict: Verdict, cells: int, failing: int = 0) -> list[str]:
    """Return the verdict on so many cells as sentences in Markdown, the answer first.

    `failing` of them were left out of the run-off, however good, because they miss a limit.
    """
    if verdict.recommended is None:
        only = "the only finalist does not surely meet" if len(verdict.finalists) == 1 else "no finalist surely meets"
        answer = [f"**No configuration can be recommended**: {only} every limit."]
    else:
        answer = [_recommendation(verdict, verdict.recommended, cells, failing), *_equals(verdict, verdict.recommended)]
    limits = [_limits(each) for each in verdict.finalists if not each.eligible]
    said = [*_by_chance(verdict), *limits, *_by_percentiles(verdict), *_left_out(failing)]
    return [*answer, *said, _method(verdict, cells - failing)]


def _recommendation(verdict: Verdict, recommended: Finalist, cells: int, failing: int) -> str:
    run = f"**Run `{recommended.cell.name}`** ({recommended.cell.meaning})"
    if cells == 1:
        return f"{run}, the only configuration that was measured: nothing was compared with it."
    default = f"the default configuration `{verdict.default.cell.name}` ({verdict.default.cell.meaning})"
    nothing = "nothing that surely meets the limits" if failing or _somebody_may_miss_one(verdict) else "nothing"
    if recommended is verdict.default:
        return f"{run}, the default configuration: {nothing} beats it."
    if verdict.default_is_unbeaten:
        return f"{run}. {nothing.capitalize()} beats {default}; this one cannot be told apart from it and is simpler."
    in_doubt = "" if verdict.default.eligible else ", which does not surely meet every limit"
    return f"{run}: {_advantage(verdict, recommended)} {default}{in_doubt}."


def _somebody_may_miss_one(verdict: Verdict) -> bool:
    """Return whether a finalist was not considered, however good."""
    return not all(each.eligible for each in verdict.finalists)


def _advantage(verdict: Verdict, finalist: Finalist) -> str:
    better = finalist.against_default
    assert better is not None  # noqa: S101  only the default configuration itself has none
    objective = verdict.objective
    return f"{objective.as_said(better)} × the {objective.words} of"


def _equals(verdict: Verdict, recommended: Finalist) -> list[str]:
    if len(verdict.equals) == 1:
        beaten = [each for each in verdict.finalists if each not in (recommended, verdict.default) and each.eligible]
        that_meets = " that surely meets the limits" if _somebody_may_miss_one(verdict) else ""
        return [f"Every other finalist{that_meets} is worse, beyond chance."] if beaten else []
    best, *others = verdict.equals
    names = ", ".join(f"`{each.cell.name}`" for each in others)
    beats_default = " that surely beats the default configuration" if recommended.beats_default else ""
    simplest = f"the simplest of them{beats_default}"
    of_those = " of those that surely meet the limits" if _somebody_may_miss_one(verdict) else ""
    return [
        f"`{best.cell.name}` had the best {verdict.objective.words}{of_those}; not told apart from it, nor beaten by "
        f"another: {names}. The one recommended is {simplest}."
    ]


def _by_chance(verdict: Verdict) -> list[str]:
    """Say of which finalists an interval is clear of 1 that stands for one comparison, and not for all of them."""
    if not verdict.default.eligible:
        return []
    compared = [(each, each.against_default) for each in verdict.finalists if each.eligible and each.against_default]
    better = [each for each, against in compared if against.low > 1 and not each.beats_default]
    worse = [each for each, against in compared if against.high < 1 and each in verdict.equals]
    return [_clear_by_chance(clear, than) for clear, than in ((better, "better"), (worse, "worse")) if clear]


def _clear_by_chance(clear: list[Finalist], than: str) -> str:
    names, has = ", ".join(f"`{each.cell.name}`" for each in clear), agreeing(len(clear), "has", "have")
    interval = agreeing(len(clear), "an interval", "intervals")
    return (
        f"{names} {has} {interval} {than} than the default configuration's, compared with nothing else; among all "
        "pairs of finalists, that may be chance."
    )


def _limits(finalist: Finalist) -> str:
    missed = "; ".join(check_in_words(check) for check in finalist.checks if check.answer != "meets")
    return f"`{finalist.cell.name}` was not considered: {missed}."


def _by_percentiles(verdict: Verdict) -> list[str]:
    """Say what would tell more of limits on latency where single requests were not kept."""
    checks = [check for each in verdict.finalists for check in each.checks]
    if not any(check.by_percentiles and check.answer == "cannot tell" for check in checks):
        return []
    return [
        "Requests as large as these were too many in a window to keep each one's latency, and percentiles cannot tell: "
        "fewer in a window tell more, with a shorter `perf.window_ms`, of 20 at least, or fewer in flight."
    ]


def _left_out(failing: int) -> list[str]:
    if not failing:
        return []
    was, misses = agreeing(failing, "was", "were"), agreeing(failing, "it misses", "they miss")
    return [f"{counted(failing, 'configuration')} {was} left out before, for a limit that {misses}."]


def check_in_words(check: Check) -> str:
    """Return a limit and the answer to it, as in `test accuracy ≥ 0.9: meets (0.95, 95 % interval 0.93–0.96)`."""
    return f"{check.limit}: {answer_in_words(check)}"


def answer_in_words(check: Check) -> str:
    """Return the answer to one limit, as in `fails (6.2–9.1 % of the requests took longer, 5 % may)`."""
    found, bound = check.found, check.bound
    if not check.of_requests:
        value, low, high = (beside(f"{each:.3g}", each, bound) for each in (found.value, found.low, found.high))
        if found.low == found.high:  # of the examples that were asked alone, and of no others
            return f"{check.answer} ({value})"
        return f"{check.answer} ({value}, 95 % interval {low}–{high})"
    low, high = (_percent(share, bound) for share in (found.low, found.high))
    share = low if low == high else f"{low}–{high}"
    return f"{check.answer} ({share} % of the requests took longer, {100 * bound:g} % may)"


def _percent(share: float, bound: float) -> str:
    """Return a share in percent with two digits, or with so many that it is not taken for its bound."""
    return beside(f"{100 * share:.2g}" if share < 0.1 else f"{100 * share:.0f}", 100 * share, 100 * bound)


def _method(verdict: Verdict, cells: int) -> str:
    count = len(verdict.finalists)
    if count == 1:
        others = f": none of the {cells - 1} others came close" if cells > 2 else ": the other did not come close"
        alone = f"`{verdict.default.cell.name}` was measured alone, at concurrency {verdict.concurrency}"
        return f"{alone}{others if cells > 1 else ''}."
    return (
        f"Decided at concurrency {verdict.concurrency} between {count} finalists side by side in one server, "
        f"{counted(verdict.rounds, 'round')} in each of {verdict.repetitions}; differences count "
        "where all pairs together would be wrong in 5 % of cases (family-wise error rate)."
    )
