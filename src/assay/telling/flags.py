"""What a reader should know before trusting a number: the self-checks of a cell, in plain sentences."""

from collections.abc import Sequence

from assay.ground.numerals import agreeing, counted, unlike
from assay.ground.records.measured import Round, SaturationRound
from assay.ground.records.prepared import Machine
from assay.measuring.journal import complete_starts
from assay.params.cells import Cell
from assay.telling.level import LevelSummary

# Below this many inferences an execution, batches are accidents.
BATCHING_HAPPENED = 1.05
# Throughput times latency may stray this far from the concurrency before something is wrong.
LITTLE_TOLERANCE = 0.1
# A load generator this close to all that its cores can give limits what it measures.
SATURATED = 0.9


def batching_in_words(cell: Cell, level: LevelSummary) -> str:
    """Say what dynamic batching did in a cell at one concurrency."""
    batching = cell.batching
    if batching is None:
        return "batching is off"
    happened = level.effective_batch >= BATCHING_HAPPENED
    sentence = f"{level.effective_batch:.2f} inferences per execution"
    said = [sentence if happened else f"batching never happened: {sentence}"]
    # Triton prefers the largest batch unless told otherwise.
    preferred = min(batching.preferred, default=cell.max_batch_size)
    if batching.delay_us and not cell.as_configured and level.concurrency < preferred:
        said.append(
            f"concurrency {level.concurrency} can never fill the preferred batch {preferred}, "
            f"so the first request of each waits the whole {batching.delay_us:,} µs"
        )
    return "; ".join(said)


def precision_flag(level: LevelSummary, precision: float) -> str | None:
    """Say that the ratio that was sought is known less well than was asked for."""
    reach = level.sought_ratio.reach
    if reach <= precision:
        return None
    return (
        f"still unstable after {counted(level.rounds, 'round')}: "
        f"{level.sought} ±{unlike(100 * reach, 100 * precision)} %, where ±{100 * precision:g} % was wanted"
    )


def unstable_in_words(levels: Sequence[LevelSummary], precision: float) -> list[str]:
    """Say of most levels that they are known less well than was asked for, if they are."""
    unstable = sum(precision_flag(level, precision) is not None for level in levels)
    if 2 * unstable <= len(levels):
        return []
    return [
        f"{unstable} of {counted(len(levels), 'level')} of the cells stayed unstable: the machine was busy with "
        "something else, or screening.precision asks for more than it can give."
    ]


def little_flag(level: LevelSummary) -> str | None:
    """Say that throughput, latency and concurrency contradict each other (Little's law)."""
    off = level.concurrency_found / level.concurrency - 1
    return f"Little's law off by {100 * abs(off):.0f} %" if abs(off) > LITTLE_TOLERANCE else None


def client_flag(level: LevelSummary, client_cores: int, machine: Machine) -> str | None:
    """Say that the load generator, not the server, may be the limit.

    What it used is processor time a second, of which a core with two hyper-threads has two seconds.
    """
    client, server = level.busy_cores["client"] or 0.0, level.busy_cores["server"]
    logical = machine["usable_logical_cores"]
    own = client_cores * logical / machine["usable_cores"] or (logical if server is None else 0)
    if own and client > SATURATED * own:
        return f"client saturated: {100 * client / own:.0f} % of its {_cores(own)}"
    if not own and server is not None and client > server and client + server > SATURATED * logical:
        return f"client saturated: it used {client:.1f}, the server {server:.1f}, of {_cores(logical)}"
    return None


def history_flags(starts: int, repeats: int) -> list[str]:
    """Say what was out of the ordinary while measuring what ought to come from one start, without repeats."""
    found = []
    if starts > 1:
        found.append(f"interrupted: the rounds come from {starts} starts of the server")
    if repeats:
        found.append(
            f"{counted(repeats, 'window')} measured again: perf_analyzer had no answer, or a senseless one, or "
            "was stopped, most often for a machine that was busy"
        )
    return found


def interruptions_in_words(rounds: Sequence[Round | SaturationRound]) -> str:
    """Say what was out of the ordinary while rounds of one start were measured, empty where nothing was."""
    return "; ".join(history_flags(len({each["start"] for each in rounds}), _repeats(rounds)))


def runoff_in_words(rounds: Sequence[Round], rounds_a_start: int) -> str:
    """Say what was out of the ordinary in the complete starts of a run-off, empty where nothing was."""
    return "; ".join(history_flags(1, sum(map(_repeats, complete_starts(rounds, rounds_a_start)))))


def _repeats(rounds: Sequence[Round | SaturationRound]) -> int:
    return sum(window["repeats"] for each in rounds for window in each["windows"].values())


def anchor_in_words(levels: Sequence[LevelSummary]) -> str:
    """Say whether the anchor against its own copy came out as 1, which is what it ought to."""
    missed = [level for level in levels if not level.throughput_ratio.covers_one]
    if not missed:
        return "Every interval holds 1, as it should."
    return (
        f"At {len(missed)} of {counted(len(levels), 'level')} the interval misses 1. By chance that happens once "
        "in 20; more often, the machine was busy with something else and the other intervals are too narrow."
    )


def flags(level: LevelSummary, *, precision: float, client_cores: int, machine: Machine) -> list[str]:
    """Return everything that is wrong or odd with a level, in sentences without a full stop."""
    found = [precision_flag(level, precision), little_flag(level), client_flag(level, client_cores, machine)]
    return [*filter(None, found), *history_flags(level.starts, level.repeats)]


def _cores(count: float) -> str:
    return f"{count:g} {agreeing(count, 'logical core', 'logical cores')}"
