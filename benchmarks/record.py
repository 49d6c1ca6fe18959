"""Where benchmarks write their results: one line of JSON a run, never changed afterwards.

Of the pool only the starts on the newest server are kept; Git has the earlier ones.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.ground.environment import of_children
from assay.ground.files import reading
from assay.ground.process import StageError
from assay.machine.fingerprint import fingerprint
from assay.serving.backend import find_or_build

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def _git(*arguments: str) -> str:
    finished = subprocess.run(
        ["git", *arguments], cwd=ROOT, env=of_children(), check=False, capture_output=True, encoding="utf-8"
    )
    if finished.returncode:
        raise StageError(f"Git does not say which revision this is, and a result needs one: {finished.stderr.strip()}")
    return finished.stdout.strip()


def revision() -> str:
    """Return the commit that was measured, marked if the working tree differs from it, results aside."""
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{RESULTS.relative_to(ROOT)}")
    return _git("rev-parse", "--short", "HEAD") + ("-dirty" if changes else "")


# As the program started: what is edited while it runs is not what it measures.
REVISION = revision()


def append(name: str, entry: dict[str, Any]) -> None:
    """Add a run to `results/<name>.jsonl`.

    It gets the time, the revision at the start, this machine's fingerprint and that of the embedded server's backend.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    run = {"when": when, "revision": REVISION, "machine": fingerprint(), "server": find_or_build().identity, **entry}
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, allow_nan=False) + "\n")


def last_run(name: str) -> dict[str, Any]:
    """Return the newest run of a benchmark; raises StageError if none is recorded."""
    recorded = runs(name)
    if not recorded:
        raise StageError(f"benchmarks/results/{name}.jsonl has no run yet; leave out --rounds 0 to measure one")
    return recorded[-1]


def runs_on_one_server(name: str) -> list[dict[str, Any]]:
    """Return the runs with the backend that the newest run had."""
    return [run for run in runs(name) if run.get("server") == last_run(name).get("server")]


def runs(name: str) -> list[dict[str, Any]]:
    """Return the runs recorded so far, the oldest first; none if there is no such file."""
    path = RESULTS / f"{name}.jsonl"
    if not path.exists():
        return []
    with reading(path, "a run a line"):
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
