"""Which cells came out ahead, as far as separate server starts can tell."""

from dataclasses import dataclass

from analysis.level import LevelSummary
from parameters.cells import Cell


@dataclass(frozen=True)
class MeasuredCell:
    """A cell of the matrix with a summary of each of its levels, in params.yaml's order."""

    cell: Cell
    levels: list[LevelSummary]

    def at(self, concurrency: int) -> LevelSummary:
        """Return the summary at one concurrency."""
        (level,) = (level for level in self.levels if level.concurrency == concurrency)
        return level


@dataclass(frozen=True)
class Screening:
    """The cell with the highest throughput ratio at one concurrency, and its equals.

    `equals` are the other cells whose intervals overlap the best one's.
    """

    concurrency: int
    best: MeasuredCell
    default: MeasuredCell
    equals: list[MeasuredCell]


def screen(cells: list[MeasuredCell], concurrency: int) -> Screening:
    """Rank the cells, the first of which is the default configuration, by throughput ratio."""

    def ratio(measured: MeasuredCell) -> float:
        return measured.at(concurrency).throughput_ratio.ratio

    best = max(cells, key=ratio)
    interval = best.at(concurrency).throughput_ratio
    equals = [each for each in cells if each is not best and each.at(concurrency).throughput_ratio.overlaps(interval)]
    return Screening(concurrency, best, cells[0], sorted(equals, key=ratio, reverse=True))
