"""Interval how much the answer of a run-off differs between hours, from visits at several of them.

A visit is a run-off with an error of its own, known from its starts. What visits differ beyond
that is what the hour does: the variance of their ratios less the mean of their squared errors,
over all configurations against the default one.

Reads   benchmarks/results/configurations.jsonl
Writes  benchmarks/results/between_hours.json, which the report tells of
Run     python benchmarks/between_hours.py
"""

from assay.ground.stage import run_stage

import math
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.ground.files import write_json
from assay.ground.process import StageError
from record import RESULTS, runs_on_one_server

RESAMPLES = 2000

Visits = list[NDArray[np.float64]]  # of each visit: [starts, configurations], means of logarithms of throughput


def read_visits(runs: list[dict[str, Any]]) -> Visits:
    """Return the scores of each visit, the default configuration first."""
    names = runs[0]["configurations"]
    return [
        np.array(
            [
                [np.mean([math.log(each[name]["throughput"]) for each in start]) for name in names]
                for start in run["starts"]
            ]
        )
        for run in runs
    ]


def ratios_and_errors(visits: Visits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log ratios to the default, [visits, configurations - 1], and their squared standard errors."""
    against = [scores[:, 1:] - scores[:, :1] for scores in visits]
    squared = [each.var(axis=0, ddof=1) / len(each) for each in against]
    return np.array([each.mean(axis=0) for each in against]), np.array(squared)


def variance_between(ratios: NDArray[np.float64], squared_errors: NDArray[np.float64]) -> float:
    """Return the variance that hours add to a log ratio, at least 0: the method of moments."""
    return max(0.0, float((ratios.var(axis=0, ddof=1) - squared_errors.mean(axis=0)).mean()))


def visits_on_one_machine() -> list[dict[str, Any]]:
    """Return the recorded visits with the machine and server of the newest; raises StageError for fewer than two."""
    known = runs_on_one_server("configurations")
    runs = [run for run in known if run["machine"] == known[-1]["machine"]]
    if len(runs) < 2:
        raise StageError("one visit on one machine says nothing about hours; run configurations.py again later")
    return runs


def main() -> None:
    runs = visits_on_one_machine()
    ratios, squared = ratios_and_errors(read_visits(runs))
    chance = np.random.default_rng(1)
    draws = chance.integers(0, len(runs), (RESAMPLES, len(runs)))
    low, high = np.quantile(
        [math.sqrt(variance_between(ratios[each], squared[each])) for each in draws], [0.025, 0.975]
    )
    times = [datetime.fromisoformat(run["when"]) for run in runs]
    found = {
        "deviation": round(math.sqrt(variance_between(ratios, squared)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "freedom": len(runs) - 1,
        "visits": len(runs),
        "hours": round((max(times) - min(times)).total_seconds() / 3600, 1),
        "processor": runs[-1]["machine"]["processor"],
        "ratios": {
            name: [round(math.exp(each), 3) for each in ratios[:, place]]
            for place, name in enumerate(runs[0]["configurations"][1:])
        },
        "errors_percent": [round(100 * math.sqrt(each), 2) for each in squared.mean(axis=1)],
    }
    write_json(RESULTS / "between_hours.json", found)
    print(found)


if __name__ == "__main__":
    run_stage(main)
