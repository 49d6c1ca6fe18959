"""When a level has been measured often enough."""

from collections.abc import Sequence

from assay.statistics.ratio import ratio_of_logs

# An interval is looked at only after so many rounds: every further look is one more chance to
# stop while it happens to be short. Simulated with heavy tails, t intervals that stop so hold
# the truth in 95 % of cases; a first look after 3 rounds, in 92 %.
LOOKS = (12, 16, 24, 32)


def enough(log_ratios: Sequence[float], precision: float) -> bool:
    """Return whether measuring may stop after these rounds, the logarithm of a ratio from each.

    It may where a look is due and the ratio's 95 % interval reaches no further than
    `precision`, a share of the ratio; and after the last look in any case.
    """
    rounds = len(log_ratios)
    return rounds >= LOOKS[-1] or (rounds in LOOKS and ratio_of_logs(log_ratios).reach <= precision)


def next_look(rounds: int) -> int:
    """Return the number of rounds at which the interval is looked at next."""
    return next((look for look in LOOKS if look > rounds), LOOKS[-1])
