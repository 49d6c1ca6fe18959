"""Whether a verdict that one kind of server gave holds on another kind.

Servers may differ in what their backends cost: the embedded one's is ours, an image's NVIDIA's.
Where both kinds were measured, on one machine and with the same matrix and models, their
verdicts can be compared instead of trusted.
"""

from assay.deciding.history import Record
from assay.statistics.interval import Interval


def comparable(ours: Record, others: list[Record]) -> list[Record]:
    """Return the records of other kinds of server whose basis, all that a verdict rests on beside it, is ours."""
    return [each for each in others if each["server"] != ours["server"] and each["basis"] == ours["basis"]]


def transfer_in_words(ours: Record, other: Record) -> str:
    """Say whether what the other kind of server recommended is still right on ours."""
    recommended, verdict = other["verdict"]["recommended"], ours["verdict"]
    its = f"the {other['server']} server"
    if recommended is None:
        return f"On this machine {its} gave no recommendation to compare with."
    if len(ours["basis"]["cells"]) == 1:
        return f"On this machine {its} measured the same configuration: with only one, no recommendation can fail."
    measured = {each["cell"]: each for each in verdict["finalists"]}
    if recommended in verdict["equals"]:
        held = "**held**: here, too, nothing is surely better"
    elif recommended in measured:
        held = "**did not hold**: here another is surely better, or it misses a limit"
    else:
        held = "**did not hold**: here it was not among the finalists"
    return f"On this machine {its} recommended `{recommended}`. That {held}{_sizes(recommended, ours, other)}."


def _sizes(cell: str, ours: Record, other: Record) -> str:
    """Return its advantage over the default on both, where both measured one."""
    found = []
    for record in (other, ours):
        (against, *_) = [
            *(each["against_default"] for each in record["verdict"]["finalists"] if each["cell"] == cell),
            None,
        ]
        if against is None:
            return ""
        found.append(f"{Interval(against['ratio'], against['low'], against['high'])} on {record['server']}")
    return f"; against the default, better above 1: {' and '.join(found)}"
