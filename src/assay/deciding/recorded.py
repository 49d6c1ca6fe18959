"""reports/verdict.json: the verdict as a file holds it, for whoever needs it and does not decide again."""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from assay.deciding.verdict import Verdict
from assay.ground.records.checking import Time, read_record, write_record
from assay.ground.records.verdicts import DecidedFile


class VerdictFile(DecidedFile):
    """The file; `recommended` stands by itself for who depends on nothing else in it."""

    measured_at: Time
    verdict: Verdict


@cache
def _adapter() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)


def write_verdict(path: Path, verdict: Verdict, measured_at: str) -> None:
    """Write the verdict on a run-off that ended at a time."""
    chosen = verdict.recommended
    recommended = {"cell": chosen.cell.name, "throughput": chosen.throughput} if chosen else None
    content = {"measured_at": measured_at, "recommended": recommended, "verdict": asdict(verdict)}
    write_record(path, VerdictFile, content)


def read_verdict(path: Path) -> Verdict:
    """Return the verdict; raises StageError if the file is damaged."""
    content: dict[str, Any] = read_record(path, VerdictFile)
    return _adapter().validate_json(json.dumps(content["verdict"]))
