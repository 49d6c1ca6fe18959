"""Rounds that are measured stay measured, even if the stage is killed a moment later.

DVC deletes a stage's outputs before it runs the stage again, so rounds go to a file
of their own at once, one line each. Its name holds a digest of everything that the
rounds depend on: whatever changes, other rounds are not taken for these.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

from assay.ground.files import appending, sha256_of, shown
from assay.ground.numerals import agreeing, counted
from assay.ground.paths import JOURNAL, ROOT
from assay.ground.records.measured import Round
from assay.measuring.soundness import round_complaint


def digest(paths: Iterable[Path], values: Any) -> str:
    """Return a digest of files, of everything in folders, and of values that JSON can hold."""
    found = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in paths:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" not in file.parts:
                content = sha256_of(file)
                found.update(f"{os.path.relpath(file, ROOT)} {content}\n".encode())
    return found.hexdigest()[:16]


def complete_starts(rounds: Sequence[Round], size: int) -> list[list[Round]]:
    """Return the rounds of each start of the server that has at least `size` of them."""
    starts: dict[int, list[Round]] = {}
    for each in rounds:
        starts.setdefault(each["start"], []).append(each)
    return [group for group in starts.values() if len(group) >= size]


class Entry(TypedDict):
    """A line of a journal: a round, and its concurrency."""

    concurrency: int
    round: Round


def _entry(line: bytes) -> Entry:
    """Return what a line of a journal holds; raises ValueError if that is no sound round at a concurrency."""
    entry = json.loads(line)
    if not (isinstance(entry, dict) and isinstance(entry.get("concurrency"), int)):
        raise ValueError("it has no concurrency")
    if why := round_complaint(entry.get("round")):
        raise ValueError(why)
    return cast("Entry", entry)


class Journal:
    """The rounds measured so far under one name and digest.

    `start` numbers the server's starts, going on from those of interrupted runs.
    """

    def __init__(self, name: str, inputs: str, folder: Path = JOURNAL) -> None:
        self.path = folder / f"{name}.{inputs}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        for other in folder.glob("*.jsonl"):
            # Rounds of the same name that depended on something else.
            if other.name.rsplit(".", 2)[0] == name and other != self.path:
                other.unlink()
        self._entries = self._read()
        self.start = max((entry["round"]["start"] for entry in self._entries), default=0)

    def _read(self) -> list[Entry]:
        """Return the lines up to the first that holds no sound round, which is removed with all after it.

        One that a kill cut short is the last, and nothing to tell.
        """
        if not self.path.exists():
            return []
        *lines, _cut_short = self.path.read_bytes().split(b"\n")
        entries: list[Entry] = []
        for line in lines:
            try:
                entries.append(_entry(line))
            except (ValueError, RecursionError) as error:
                lost = len(lines) - len(entries)
                print(
                    f"{shown(self.path)}, line {len(entries) + 1} is damaged ({error}): "
                    f"{counted(lost, 'round')} from there on {agreeing(lost, 'is', 'are')} measured again",
                    flush=True,
                )
                break
        os.truncate(self.path, sum(len(line) + 1 for line in lines[: len(entries)]))
        return entries

    def new_start(self) -> None:
        """Count one more start of the server: rounds from here on belong to it."""
        self.start += 1

    def rounds(self, concurrency: int) -> list[Round]:
        """Return the rounds at one concurrency, the oldest first."""
        return [entry["round"] for entry in self._entries if entry["concurrency"] == concurrency]

    def append(self, concurrency: int, measured: Round) -> None:
        """Keep a round, on the disk, before anything else happens."""
        entry: Entry = {"concurrency": concurrency, "round": measured}
        with appending(self.path) as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._entries.append(entry)

    def close(self) -> None:
        """Forget the rounds: what they were measured for is written."""
        self.path.unlink(missing_ok=True)
