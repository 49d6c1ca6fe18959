"""What killed processes leave in common folders goes with the next run; what lives, or is not ours, stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, environment

from assay.ground.owner import is_dead, mark, marked, prefix
from assay.ground.supervisor import SHARED_MEMORY, end_marked, remove_shared_memory, say_farewell

# Leaves everything that a process can, says where, and waits.
LEAVES = """
from assay.ground.stage import run_stage
import subprocess, tempfile, time
from pathlib import Path
from assay.ground.owner import prefix
def main():
    (Path(tempfile.mkdtemp(prefix=prefix())) / "shared_memory.txt").write_text(prefix()[::-1])
    for name in (f"{prefix()}region", prefix()[::-1]):
        Path("/dev/shm", name).touch()
    child = subprocess.Popen(["setsid", "sleep", "600"])
    print(prefix(), child.pid, flush=True)
    time.sleep(600)
run_stage(main)
"""
NOTHING = "from assay.ground.stage import run_stage; run_stage(lambda: None)"


@pytest.fixture
def temporary(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which temporary files go to a folder of this test's own."""
    (tmp_path / "a tmp").mkdir()
    return {**environment(), "TMPDIR": str(tmp_path / "a tmp")}


def start(environment: dict[str, str]) -> tuple[subprocess.Popen[str], str, int]:
    """Start a process that leaves things; return it, how their names begin, and its child."""
    process = subprocess.Popen([sys.executable, "-c", LEAVES], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    begins, child = process.stdout.readline().split()
    return process, begins, int(child)


def left(begins: str, environment: dict[str, str]) -> list[str]:
    """Return the names of what is there of a process in common folders."""
    paths = [*Path(environment["TMPDIR"]).glob(f"{begins}*"), *SHARED_MEMORY.glob(f"{begins}*")]
    return [path.name for path in [*paths, *SHARED_MEMORY.glob(begins[::-1])]]


@pytest.mark.parametrize("kind", ["missing", "a file", "full"])
def test_a_temporary_folder_that_cannot_be_written_to_is_named(
    tmp_path: Path, temporary: dict[str, str], kind: str
) -> None:
    """Python takes /tmp in its place, in silence: locks would be where nobody else of this person's looks."""
    named = tmp_path / kind
    if kind == "a file":
        named.touch()
    if kind == "full":
        named.symlink_to("/dev/full")
    said = subprocess.run(
        [sys.executable, "-c", NOTHING],
        env={**temporary, "TMPDIR": str(named)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1
    assert said.stderr.startswith(f"error: TMPDIR names {named}, and no file can be written there: ")


@pytest.mark.slow
def test_the_next_run_removes_what_a_killed_one_left(temporary: dict[str, str]) -> None:
    """Its folder, its shared memory under whatever name, and its children; nothing of one that lives."""
    killed, begins, child = start(temporary)
    living, its, its_child = start(temporary)
    killed.kill()
    killed.wait()
    assert len(left(begins, temporary)) == 3
    subprocess.run([sys.executable, "-c", NOTHING], env=temporary, check=True)
    assert left(begins, temporary) == []
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert len(left(its, temporary)) == 3
    assert psutil.Process(its_child).is_running()

    # One that is told to end takes its temporary files along; children are its own business.
    living.terminate()
    assert living.wait(20) == 128 + signal.SIGTERM
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []
    end_marked(its)
    for path in SHARED_MEMORY.glob(f"{its}*"):
        path.unlink()
    (SHARED_MEMORY / its[::-1]).unlink()


def test_a_process_id_is_used_again() -> None:
    """Another start, or another namespace, is another process; who it is, only its own namespace knows."""
    pid, started, namespace = mark().split("-")
    assert not is_dead(mark())
    assert is_dead(f"{pid}-{int(started) - 1}-{namespace}")
    assert not is_dead(f"{pid}-{int(started) - 1}-{int(namespace) - 1}")
    assert not is_dead(f"{pid}")  # no mark of ours


def test_a_zombie_is_dead() -> None:
    """A killed process whose parent has not looked works at nothing any more."""
    script = "from assay.ground.owner import mark; print(mark())"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT / "stages", stdout=subprocess.PIPE, text=True)
    assert process.stdout
    its = process.stdout.read().strip()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(its)
    process.wait()


@pytest.mark.parametrize("name", ["triton_pipeline_benchmark.lock", "triton_pipeline_1-2_x", "x_1-2-3_y", "1-2-3"])
def test_other_names_are_nobodys_of_ours(name: str) -> None:
    """A file is taken for left behind only if a mark of ours is in its name."""
    assert marked(name) is None
    assert marked(f"{prefix()}{name}") == mark()


@pytest.mark.parametrize("name", ["..", ".", "", "/", "../shm"])
def test_a_list_of_shared_memory_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """A tensor of any name makes neither an error nor a hole in the folder."""
    (tmp_path / "shared_memory.txt").write_text(f"{name}\n")
    remove_shared_memory(prefix(), tmp_path)
    assert SHARED_MEMORY.is_dir()


def test_no_temporary_folder_is_one_sentence() -> None:
    """Where nothing can be written the error names the variable, and the exit code is the program's own."""
    script = (
        "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nowhere']\n"
        "from assay.ground.stage import failures_end_with, run_stage\n"
        "failures_end_with(3)\nrun_stage(lambda: print('it ran'))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "stages", check=False, capture_output=True, text=True
    )
    assert (finished.returncode, finished.stdout) == (3, "")
    assert finished.stderr.startswith("error: No usable temporary directory found in ['/nowhere']; free some space")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ((), ""),
        (("true",), ""),
        (("sh", "-c", "echo ALL gone >&2; exit 1"), ""),
        (("sh", "-c", "printf 'one\\n\\374\\33[m\\n' >&2; exit 1"), "said '\ufffd\\x1b[m'"),
        (("sh", "-c", "exit 1"), "said 'nothing'"),
        (("sh", "-c", "head -c 9999 /dev/zero | tr '\\0' a >&2; exit 1"), f"said '{300 * 'a'}'"),
        (("no-such-program",), "cannot be run (No such file or directory)"),
        (("sleep", "60"), "did not end within 0.5 s"),
    ],
)
def test_what_a_farewell_does_not_end_is_told(
    command: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """However it fails: what may still run, and the command that ends it; nothing where nothing is left."""
    monkeypatch.setattr("assay.ground.supervisor.FAREWELL_TIMEOUT_S", 0.5)
    say_farewell(command, "the container x", ("all gone",))
    sentence = f"the container x may still run: `{' '.join(command)}` {told}; run that again\n"
    assert capfd.readouterr().err == (sentence if told else "")
