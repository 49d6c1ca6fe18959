"""What goes wrong on real machines: one clear sentence, an exit code, everything finished kept."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import psutil
import pytest
from conftest import FinishedRun, environment, run

from assay.ground.files import read_json
from assay.serving.model_config import read_config
from assay.serving.model_folder import parts_of_onnx, write_folder
from assay.statistics.stopping import LOOKS

pytestmark = pytest.mark.slow

CELL = "fp32-1-64-off"


@pytest.fixture
def project(finished_run: FinishedRun, tmp_path: Path) -> Iterator[Path]:
    """Return a clone in which everything is finished, and check that it can always go on."""
    folder = finished_run.copy(tmp_path / "clone")
    before = read_json(folder / "reports" / "metrics.json")
    yield folder
    run("dvc", "repro", cwd=folder)
    after = read_json(folder / "reports" / "metrics.json")
    assert {key: after[key] for key in ("test", "parity")} == {key: before[key] for key in ("test", "parity")}


def fails(folder: Path, *command: str) -> str:
    """Run a command that has to fail with words of ours and no traceback; return what it said."""
    finished = run(*command, cwd=folder, check=False)
    assert finished.returncode != 0, finished.stdout
    assert "Traceback" not in finished.stdout
    assert len(re.findall(r"^error: ", finished.stdout, re.MULTILINE)) == 1, finished.stdout
    return finished.stdout


def in_namespace(folder: Path, mount: str, command: str) -> str:
    """Return what a failing command says in a mount namespace of its own, after `mount`."""
    script = f"{mount} && {command}"
    return fails(folder, "unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script)


def mounts_are_possible() -> bool:
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not mounts_are_possible(), reason="this system lets nobody mount in a namespace")


@needs_mounts
def test_a_full_disk_is_named_and_nothing_half_written_stays(project: Path) -> None:
    """The file that did not fit is named; its half is gone; other stages' results stay."""
    mount = "mount --types tmpfs --options size=64k tmpfs artifacts/data"
    said = in_namespace(project, mount, f"{sys.executable} stages/data.py; code=$?; ls artifacts/data; exit $code")
    assert "error: artifacts/data/train.npz: No space left on device; free some space, then `dvc repro` goes on" in said
    assert "partial" not in said
    assert (project / "artifacts" / "models" / "classifier.keras").is_file()


@needs_mounts
def test_a_full_temporary_folder_is_named(project: Path) -> None:
    """Models that a server is given copies of did not fit: the error says where, and which variable to set."""
    mount = (
        "mkdir scratch && mount --types tmpfs --options size=64k tmpfs scratch && fallocate --length 56k scratch/full"
    )
    said = in_namespace(project, mount, f"TMPDIR=$PWD/scratch {sys.executable} stages/serving.py fp32")
    (line,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert "/model.onnx: No space left on device; free some space there, or name another folder in TMPDIR" in line
    assert len(line) < 400


@needs_mounts
def test_a_full_disk_is_not_taken_for_the_one_that_is_copied_from(project: Path, tmp_path: Path) -> None:
    """Of the two files of a copy, the one that could not be written is named, and nothing of it stays."""
    (tmp_path / "own" / "0").mkdir(parents=True)
    (tmp_path / "own" / "0" / "large.png").write_bytes(bytes(2**20))
    mount = "mount --types tmpfs --options size=64k tmpfs datasets"
    fetch = f"{sys.executable} tools/fetch_dataset.py own --from {tmp_path}/own; code=$?; ls -A datasets; exit $code"
    *_, line = in_namespace(project, mount, fetch).splitlines()
    assert re.fullmatch(r"error: datasets/own\S*/0/large\.png: No space left on device; free some space", line), line


@needs_mounts
def test_a_read_only_folder_is_named(project: Path) -> None:
    """A result that cannot be written is named with what to do."""
    mount = "mount --bind reports reports && mount --options remount,ro,bind reports"
    said = in_namespace(project, mount, f"{sys.executable} stages/machine.py")
    assert "error: reports/machine.json: Read-only file system; make it writable" in said


@needs_mounts
def test_a_temporary_folder_where_nothing_may_be_run_is_named(project: Path) -> None:
    """The server loads its backend from there: the error says so, and which variable to set."""
    mount = "mkdir scratch && mount --types tmpfs --options noexec tmpfs scratch"
    said = in_namespace(project, mount, f"TMPDIR=$PWD/scratch {sys.executable} stages/serving.py fp32")
    assert f"from the temporary folder {project}/scratch" in said
    assert "whose file system lets nothing be run (noexec): set TMPDIR to another" in said


def test_a_corrupt_onnx_file_is_named(project: Path) -> None:
    """Half an ONNX file is found before a server starts."""
    path = project / "artifacts" / "onnx" / "fp32" / "classifier.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    said = fails(project, sys.executable, "stages/triton_config.py")
    assert "artifacts/onnx/fp32/classifier.onnx is damaged: it cannot be read as an ONNX model" in said
    assert "`dvc repro --force --single-item onnx@fp32`" in said


def test_a_model_that_the_server_refuses_shows_the_servers_words(project: Path) -> None:
    """A model that parses and cannot run: the stage ends with what the server said about it."""
    path = project / "artifacts" / "onnx" / "fp32" / "classifier.onnx"
    model = onnx.load(path)
    model.graph.node[0].op_type = "NoSuchOperator"
    path.write_bytes(model.SerializeToString())
    folder = project / "artifacts" / "model_repository" / CELL
    write_folder(folder, read_config(folder / "config.pbtxt"), parts_of_onnx(path, []))
    said = fails(project, sys.executable, "stages/perf.py", CELL)
    start, words = said.splitlines()
    assert re.fullmatch(r"error: the Triton server did not start \(exit code -?\d+\); it said:", start)
    assert words.startswith(f"  model '{CELL}': ")
    assert "NoSuchOperator" in words
    assert str(project.parent) not in words


def test_another_file_than_the_configured_one_is_not_measured(project: Path) -> None:
    """A cell names its model's digest: what was put in its place is named, with what makes it again."""
    path = project / "artifacts" / "onnx" / "fp32" / "classifier.onnx"
    model = onnx.load(path)
    model.doc_string = "another"
    path.write_bytes(model.SerializeToString())
    said = fails(project, sys.executable, "stages/perf.py", CELL)
    assert "artifacts/onnx/fp32/classifier.onnx is damaged: it is another file than the one that" in said
    assert "`dvc repro --force --single-item onnx@fp32`" in said
    path.unlink()
    assert "artifacts/onnx/fp32/classifier.onnx: No such file" in fails(project, "python", "stages/perf.py", CELL)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        pytest.param(signal.SIGKILL, "error: the Triton server died (exit code -9, SIGKILL)", id="dies"),
        pytest.param(signal.SIGSTOP, "did not finish in", id="hangs"),
    ],
)
def test_a_server_that_fails_halfway_ends_the_cell(project: Path, number: signal.Signals, sentence: str) -> None:
    """A server that dies or hangs while it is measured: one sentence, and no half of a cell."""
    command = ["dvc", "repro", "--force", "--single-item", f"cells/dvc.yaml:perf@{CELL}"]
    dvc = subprocess.Popen(
        command, cwd=project, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    server = wait_for(lambda: below(dvc.pid, "perf_analyzer") and below(dvc.pid, "tritonserver"))
    server.send_signal(number)
    said, _ = dvc.communicate(timeout=120)
    assert dvc.returncode != 0
    assert sentence in said, said
    assert len(re.findall(r"^error: ", said, re.MULTILINE)) == 1
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert not (project / "reports" / "perf" / "all" / f"{CELL}.json").exists()
    run("dvc", "repro", cwd=project)
    assert len(read_json(project / "reports" / "perf" / "all" / f"{CELL}.json")["levels"][0]["rounds"]) in LOOKS
    assert not list((project / ".journal").iterdir())


def below(pid: int, name: str) -> psutil.Process | None:
    """Return the descendant with a name, or None."""
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end between the two calls
            if process.name() == name:
                return process
    return None


def wait_for(find: Callable[[], psutil.Process | None]) -> psutil.Process:
    deadline = time.monotonic() + 60
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_wrong_credentials_are_one_readable_error(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Google Drive without a service account's key, or with a file that is none: DVC says so."""
    folder = finished_run.copy(tmp_path / "clone")
    run("dvc", "remote", "add", "drive", "gdrive://folder-id/data", cwd=folder)
    run("dvc", "remote", "modify", "drive", "gdrive_use_service_account", "true", cwd=folder)
    run("dvc", "remote", "modify", "--local", "drive", "gdrive_service_account_json_file_path", "key.json", cwd=folder)
    for key, sentence in (
        (None, "Failed to authenticate GDrive: [Errno 2] No such file or directory"),
        ("not a key", "Failed to authenticate GDrive: Expecting value: line 1 column 1"),
        ("{}", "Failed to authenticate GDrive: "),
    ):
        if key:
            (folder / "key.json").write_text(key)
        finished = run("dvc", "push", "--remote", "drive", "artifacts/models", cwd=folder, check=False)
        assert finished.returncode != 0
        assert sentence in finished.stdout, finished.stdout
        assert "Traceback" not in finished.stdout
