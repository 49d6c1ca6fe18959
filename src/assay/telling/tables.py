"""The tables that go to files: every level of every cell, and the few numbers to compare between experiments."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from assay.deciding.another_hour import AnotherHour
from assay.deciding.verdict import Finalist, Verdict
from assay.ground.process import StageError
from assay.params.cells import Cell
from assay.statistics.interval import Interval
from assay.telling.level import LevelSummary


@dataclass(frozen=True)
class MeasuredCell:
    """A cell of the matrix with a summary of each of its levels, in params.yaml's order."""

    cell: Cell
    levels: list[LevelSummary]

    def at(self, concurrency: int) -> LevelSummary:
        """Return the summary at one concurrency; raises StageError if there is none."""
        found = [level for level in self.levels if level.concurrency == concurrency]
        if len(found) != 1:
            raise StageError(
                f"reports/perf/all/{self.cell.name}.json was not measured at concurrency {concurrency}; run `dvc repro`"
            )
        return found[0]


def as_ratio(interval: Interval) -> dict[str, float]:
    """Return the interval of a ratio as files name it."""
    return {"ratio": interval.value, "low": interval.low, "high": interval.high}


def _interval(name: str, ratio: Interval | None) -> dict[str, float | None]:
    value, low, high = (ratio.value, ratio.low, ratio.high) if ratio else (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def cell_rows(cells: list[MeasuredCell], flags: Callable[[LevelSummary], list[str]]) -> list[dict[str, Any]]:
    """Return one flat row a cell and level; `flags` says what is wrong or odd with one."""
    return [
        {
            "level": f"{measured.cell.name} @ {level.concurrency}",
            "cell": measured.cell.name,
            **asdict(measured.cell),
            "concurrency": level.concurrency,
            **_interval("throughput_ratio", level.throughput_ratio),
            **_interval("latency_ratio", level.latency_ratio),
            **_interval("cpu_ratio", level.cpu_ratio),
            "throughput_per_s": level.throughput,
            "anchor_throughput_per_s": level.anchor_throughput,
            **{f"{name}_us": value for name, value in level.latency_us.items()},
            **{f"server_{part}_us": value for part, value in level.server_us.items()},
            "effective_batch": level.effective_batch,
            **{f"{side}_cpu_s_per_1000": value for side, value in level.cpu_per_1000.items()},
            "server_peak_memory_bytes": level.server_peak_memory_bytes,
            "model_alone_us": level.model_alone_us,
            "share_outside_model": level.share_outside_model,
            "rounds": level.rounds,
            "flags": "; ".join(flags(level)),
        }
        for measured in cells
        for level in measured.levels
    ]


def metrics(
    quality: dict[str, Any],
    verdict: Verdict,
    anchor_copy: Interval,
    expected: AnotherHour | None,
) -> dict[str, Any]:
    """Return the numbers worth comparing between experiments: about 20, none of them a list.

    `quality` is what is known of the variants' answers.
    """

    def of(finalist: Finalist) -> dict[str, Any]:
        return {"cell": finalist.cell.name, "meaning": finalist.cell.meaning, verdict.objective.name: finalist.value}

    recommended: dict[str, Any] = {"cell": "none"}
    eligible = [each for each in verdict.finalists if each.eligible]
    if verdict.recommended:
        recommended = of(verdict.recommended)
        if verdict.recommended.against_default:
            recommended["against_default"] = as_ratio(verdict.recommended.against_default)
        if expected:
            recommended["another_hour"] = {"low": expected.ratio.low, "high": expected.ratio.high}
    return {
        **quality,
        "perf": {
            "concurrency": verdict.concurrency,
            "recommended": recommended,
            "default": of(verdict.default),
            **({"told_apart": len(verdict.equals) == 1} if len(eligible) > 1 else {}),
            "anchor_copy": as_ratio(anchor_copy),
        },
    }


def verdict_table(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as data."""

    def of(finalist: Finalist) -> dict[str, Any]:
        against = finalist.against_default
        return {
            "cell": finalist.cell.name,
            "value": finalist.value,
            "against_default": as_ratio(against) if against else None,
            "spread": finalist.spread,
            "limits": [asdict(check) for check in finalist.checks],
        }

    return {
        "objective": verdict.objective.name,
        "unit": verdict.objective.unit,
        "concurrency": verdict.concurrency,
        "starts": verdict.starts,
        "rounds_a_start": verdict.rounds,
        "finalists": [of(each) for each in verdict.finalists],
        "equals": [each.cell.name for each in verdict.equals],
        "recommended": verdict.recommended.cell.name if verdict.recommended else None,
    }
