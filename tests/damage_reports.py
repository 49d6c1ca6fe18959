"""Damage the reports of a workspace, one at a time, and let the report stage read them.

Run     PYTHONPATH=stages python tests/damage_reports.py SEED SECONDS        in a workspace of made-up reports
"""

from assay.ground.stage import run_stage

import json
import random
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import report
from corpus import keep, known
from forked import forked
from odd_values import damaged_json, damaged_text

WORKSPACE = Path.cwd()
PATIENCE_S = 120.0
OUTPUTS = ("metrics.json", "perf.json", "cells.csv", "report.md", "index.html")


def outputs() -> dict[str, bytes]:
    return {name: (WORKSPACE / "reports" / name).read_bytes() for name in OUTPUTS}


def newly_damaged(inputs: list[Path], seed: str, seconds: float) -> Iterator[tuple[Path, bytes]]:
    """Yield one of the inputs after the other with what it is replaced by, until the time is spent."""
    count, ends = 0, time.monotonic() + seconds
    while count == 0 or time.monotonic() < ends:
        chance = random.Random(f"{seed} {count}")  # noqa: S311  no secret
        path = chance.choice(inputs)
        text = path.read_text(encoding="utf-8")
        damaged = damaged_json(json.loads(text), chance) if path.suffix == ".json" else damaged_text(text, chance)
        yield path, damaged.encode(errors="surrogateescape")
        count += 1


def main() -> None:
    seed, seconds = sys.argv[1], float(sys.argv[2])
    whole = forked(partial(run_stage, report.main), PATIENCE_S)
    assert whole.code == 0, whole.said
    reports = WORKSPACE / "reports"
    inputs = sorted(
        path
        for path in reports.rglob("*")
        if path.suffix in (".json", ".csv", ".tsv") and path.name not in OUTPUTS and path.parent.name != "recommended"
    )
    complaints, count = [], 0
    kept = ((each, reports / each.name.partition(".")[2].replace("+", "/")) for each in known("reports"))
    for path, damaged in chain(((at, each.read_bytes()) for each, at in kept), newly_damaged(inputs, seed, seconds)):
        content, before = path.read_bytes(), outputs()
        path.write_bytes(damaged)
        outcome = forked(partial(run_stage, report.main), PATIENCE_S)
        path.write_bytes(content)
        count += 1
        complaint = outcome.complaint
        if complaint is None and outcome.code == 1:
            if str(path.relative_to(WORKSPACE)) not in outcome.said:
                complaint = "the file was not named"
            elif outputs() != before:
                complaint = "an output was changed"
        if complaint:
            case = keep("reports", str(path.relative_to(reports)).replace("/", "+"), damaged)
            complaints.append(f"{complaint}, in {case}: {outcome.said[-1500:]}")
    print(f"{len(complaints)} complaints of {count}\n" + "\n\n".join(complaints[:8]))
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
