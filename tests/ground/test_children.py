"""Programs that are run to their end: what they print, and how they end where this one is ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, environment

from assay.ground.children import checked, run
from assay.ground.process import StageError

# Prints, waits for a file, and prints again; writes what it does about signals into another.
PATIENT = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN if "stubborn" in sys.argv else signal.default_int_handler)
try:
    print("waiting: process 1 has this machine")
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    print("done")
finally:
    time.sleep(0.2)
    pathlib.Path("cleaned up").touch()
"""
CALLER = """
import pathlib, sys
from assay.ground.stage import run_stage
from assay.ground.children import run
folder, *arguments = sys.argv[1:]

def main():
    print(run(sys.executable, "patient.py", *arguments, cwd=pathlib.Path(folder), shown=True).stdout.split())

run_stage(main)
"""


def patient(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a script that shows what a patient program prints, in a session of its own; return it when it waits."""
    (folder / "patient.py").write_text(PATIENT)
    command = [sys.executable, "-c", CALLER, str(folder), *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    assert process.stdout.readline() == "  waiting: process 1 has this machine\n"
    return process


def test_what_a_program_prints_is_seen_as_it_comes(tmp_path: Path) -> None:
    """Indented, and returned when it ends."""
    process = patient(tmp_path)
    (tmp_path / "go").touch()
    said, _ = process.communicate(timeout=20)
    assert said == "  done\n['waiting:', 'process', '1', 'has', 'this', 'machine', 'done']\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "terminal"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False)]
)
def test_a_program_is_ended_so_that_it_can_clean_up(tmp_path: Path, number: signal.Signals, terminal: bool) -> None:
    """As Ctrl-C ends it, whatever signal came; a terminal sends that to both, and who cleans up is not told twice."""
    process = patient(tmp_path)
    if terminal:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert (tmp_path / "cleaned up").exists()


@pytest.mark.slow
def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """It may have its reasons to ignore Ctrl-C, as DVC has while a stage runs; nothing is left of it."""
    process = patient(tmp_path, "stubborn")
    (child,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGINT
    assert not child.is_running()


def test_a_failure_ends_with_the_last_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a program that was shown, too: they are what there is to know."""
    script = "for each in $(seq 20); do echo $each; done; echo no end of line >&2 | cat; exit 3"
    for shown in (True, False):
        with pytest.raises(StageError) as raised:
            checked("sh", "-c", script, cwd=tmp_path, failure="it failed", shown=shown)
        assert str(raised.value).startswith("it failed:\n  14\n  15\n")
        lines = capsys.readouterr().out.splitlines()
        assert lines == ([f"  {number}" for number in range(1, 21)] + ["  no end of line"] if shown else [])
    assert run("no-such-program", cwd=tmp_path).returncode == 127
