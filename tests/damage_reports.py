"""Damage the reports of a workspace, one at a time, and let the report stage read them.

Run     python damage_reports.py SEED SECONDS        in a workspace of made-up reports
"""

import json
import random
import sys
import time
from functools import partial
from pathlib import Path

WORKSPACE = Path.cwd()
sys.path[:0] = [str(WORKSPACE / "stages"), str(Path(__file__).parent)]

from runtime.stage import run_stage  # noqa: E402  of the workspace

from forked import forked  # noqa: E402
from odd_values import damaged_json, damaged_text  # noqa: E402

import report  # noqa: E402  likewise

PATIENCE_S = 120.0
OUTPUTS = ("metrics.json", "perf.json", "cells.csv", "report.md", "index.html")


def outputs() -> dict[str, bytes]:
    return {name: (WORKSPACE / "reports" / name).read_bytes() for name in OUTPUTS}


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
    complaints, count, ends = [], 0, time.monotonic() + seconds
    while count == 0 or time.monotonic() < ends:
        chance = random.Random(f"{seed} {count}")  # noqa: S311  no secret
        path = chance.choice(inputs)
        content, before = path.read_bytes(), outputs()
        text = content.decode()
        damaged = damaged_json(json.loads(text), chance) if path.suffix == ".json" else damaged_text(text, chance)
        path.write_text(damaged, encoding="utf-8", errors="surrogateescape")
        outcome = forked(partial(run_stage, report.main), PATIENCE_S)
        told = f"{path.relative_to(WORKSPACE)}, the {count}th: {outcome.said[-1500:]}"
        if outcome.complaint:
            complaints.append(f"{outcome.complaint}: {told}")
        elif outcome.code == 1 and str(path.relative_to(WORKSPACE)) not in outcome.said:
            complaints.append(f"the file was not named: {told}")
        elif outcome.code == 1 and outputs() != before:
            complaints.append(f"an output was changed: {told}")
        path.write_bytes(content)
        count += 1
    print(f"{len(complaints)} complaints of {count}\n" + "\n\n".join(complaints[:8]))
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
