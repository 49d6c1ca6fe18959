"""Measuring and heavy work exclude each other on one machine; heavy work does not exclude its like."""

import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from conftest import ROOT, FinishedRun, environment

from assay.ground.process import INTERRUPTED, StageError
from assay.ground.supervisor import SHARED_MEMORY
from assay.machine.lock import MACHINE, machine_shared, machine_to_ourselves

Kind = Literal["alone", "shared"]
# Has the machine, or waits for it; then starts what it is told to, and keeps it until its input ends.
HOLDER = """
from assay.ground.stage import run_stage
import subprocess, sys
from assay.machine.lock import machine_shared, machine_to_ourselves, shared_names
def main():
    kind, *command = sys.argv[1:]
    with {"alone": machine_to_ourselves, "shared": machine_shared, "names": shared_names}[kind]():
        print("has it", flush=True)
        if command:
            sys.exit(subprocess.run(command).returncode)
        sys.stdin.read()
run_stage(main)
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Start]:
    """Return how to start a Python program for which this test's temporary folder is the machine's."""
    started = []

    def begin(*arguments: str, cwd: Path = ROOT, **variables: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**environment(), "TMPDIR": str(tmp_path), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in reversed(started):  # who waits first, or it would begin to work
        process.kill()
        process.wait()


@pytest.fixture
def start(python: Start) -> Callable[..., "subprocess.Popen[str]"]:
    """Return how to start a process that wants the machine, alone or shared."""
    return partial(python, "-c", HOLDER)


def says(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate(timeout=20)
    assert process.returncode == 0


def waits_for(line: str, *processes: "subprocess.Popen[str]") -> bool:
    """Return whether a line says that somebody waits for these."""
    return line.startswith("waiting: ") and {int(pid) for pid in re.findall(r"process (\d+)", line)} == {
        process.pid for process in processes
    }


@pytest.mark.slow
def test_heavy_work_is_done_side_by_side_and_measured_beside_none(start: Start) -> None:
    """Who measures waits for all who work, who works for the one who measures; one line says for whom."""
    first, second = start("shared"), start("shared")
    assert says(first) == says(second) == "has it"
    measuring = start("alone")
    line = says(measuring)
    assert waits_for(line, first, second)
    assert "-c" in line
    end(first)
    third = start("shared")  # comes after who measures, and so stays behind
    assert waits_for(says(third), second)
    end(second)
    assert says(measuring) == "has it"
    other = start("alone")
    assert waits_for(says(other), measuring)
    end(measuring)
    assert says(third) == "has it"
    end(third)
    assert says(other) == "has it"


@pytest.mark.slow
def test_a_measurement_has_its_turn_though_work_keeps_coming(start: Start) -> None:
    """Each new worker would overlap with the last: they stay behind who waits to measure."""
    working = start("shared")
    assert says(working) == "has it"
    measuring = start("alone")
    assert waits_for(says(measuring), working)
    later = [start("shared") for _ in range(3)]
    assert all(waits_for(says(each), working) for each in later)
    end(working)
    assert says(measuring) == "has it"
    end(measuring)
    assert [says(each) for each in later] == ["has it"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alone", "shared"])
def test_a_lock_ends_with_its_holder(start: Start, kind: Kind) -> None:
    """Killed, with a child that lives on: the next one has the machine at once."""
    holder = start(kind, "sleep", "20")
    assert says(holder) == "has it"
    waiting = start("alone")
    assert waits_for(says(waiting), holder)
    holder.kill()
    began = time.monotonic()
    assert says(waiting) == "has it"
    assert time.monotonic() - began < 5


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_waits_can_be_told_to_end(start: Start, number: signal.Signals, code: int) -> None:
    """Ctrl-C ends the waiting at once, and nobody has to wait for who waited."""
    holder = start("shared")
    assert says(holder) == "has it"
    waiting = start("alone")
    assert waits_for(says(waiting), holder)
    waiting.send_signal(number)
    said, _ = waiting.communicate(timeout=5)
    assert (waiting.returncode, said) == (code, f"{INTERRUPTED}\n" if number == signal.SIGINT else "")
    assert says(start("shared")) == "has it"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parent", "child", "said"),
    [
        ("alone", "alone", "has it"),
        ("alone", "shared", "has it"),
        ("shared", "shared", "has it"),
        ("shared", "alone", "error: process "),
    ],
)
def test_nobody_waits_for_who_waits_for_them(start: Start, parent: Kind, child: Kind, said: str) -> None:
    """What a parent has, its child has; where that is too little, it says so in place of waiting for ever."""
    outer = start(parent, sys.executable, "-c", HOLDER, child)
    assert says(outer) == "has it"
    line = says(outer)
    assert line.startswith(said)
    assert line == "has it" or line.endswith("works on this machine itself: nothing can be measured for it")


@pytest.mark.slow
def test_whatever_is_heavy_waits_for_a_measurement(
    start: Start, python: Start, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """Dividing examples, training, exporting, configuring, serving, reporting: none of them beside a window."""
    folder = finished_run.copy(tmp_path / "clone")
    measuring = start("alone")
    assert says(measuring) == "has it"
    scripts = (
        "data.py",
        "train.py",
        "export.py fp32",
        "triton_config.py",
        "serving.py fp32",
        "perf.py fp32-1-64-off",
        "report.py",
    )
    waiting = [python(*f"stages/{each}".split(), cwd=folder) for each in scripts]
    assert all(waits_for(says(each), measuring) for each in waiting)


def test_within_one_process_the_machine_is_had_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who measures may build something meanwhile; who only shares the machine may not measure on it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with machine_to_ourselves(), machine_shared(), machine_to_ourselves():
        assert is_locked(tmp_path / MACHINE)
    assert not is_locked(tmp_path / MACHINE)
    with machine_shared(), pytest.raises(StageError, match="nothing can be measured"), machine_to_ourselves():
        pass


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.slow
def test_names_in_shared_memory_are_one_measurements_whatever_tmpdir_is(start: Start, tmp_path: Path) -> None:
    """perf_analyzer would remove another's: who comes second waits, though it stands in no queue with the first."""
    first = start("names")
    assert says(first) == "has it"
    (tmp_path / "another").mkdir()
    second = start("names", TMPDIR=str(tmp_path / "another"))
    assert waits_for(says(second), first)
    end(first)
    assert says(second) == "has it"
    end(second)
    assert [path.name for path in SHARED_MEMORY.glob("*.lock")] == []


def test_the_lock_is_everybodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this user's umask is, others can open the file; one that is there already is not made again."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = os.umask(0o077)
    try:
        with machine_shared():
            pass
    finally:
        os.umask(before)
    made = (tmp_path / MACHINE).stat()
    assert stat.S_IMODE(made.st_mode) == 0o666
    with machine_to_ourselves():
        assert (tmp_path / MACHINE).stat().st_ino == made.st_ino


def test_a_lock_that_somebody_planted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link is not followed, a pipe does not hold up, a folder is none: each is named with the remedy."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted, target = tmp_path / MACHINE, tmp_path / "precious"
    target.write_text("kept")
    planted.symlink_to(target)
    with pytest.raises(StageError, match=f"{MACHINE} cannot be locked .*; remove it, or set TMPDIR"), machine_shared():
        pass
    assert target.read_text() == "kept"
    planted.unlink()
    os.mkfifo(planted)
    with pytest.raises(StageError, match=f"{MACHINE} is no file"), machine_shared():
        pass
    planted.unlink()
    planted.mkdir()
    with pytest.raises(StageError, match=f"{MACHINE} cannot be locked"), machine_shared():
        pass


@pytest.mark.slow
def test_a_lock_that_was_removed_locks_nobody_out(start: Start, tmp_path: Path) -> None:
    """Who waited for a file that has been cleaned up takes the one that others will look at."""
    holder = start("alone")
    assert says(holder) == "has it"
    waiting = start("alone")
    assert waits_for(says(waiting), holder)
    (tmp_path / MACHINE).unlink()
    end(holder)
    assert says(waiting) == "has it"
    assert is_locked(tmp_path / MACHINE)
