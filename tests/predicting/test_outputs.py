"""Where predictions may be written: a file of the person's own, and nothing else gives way."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from assay.ground.process import StageError
from assay.predicting.outputs import checked_output, writing

# Checks the output that it is given, and writes there, as a script would.
WRITES = """
import sys
from pathlib import Path
from assay.predicting.outputs import checked_output, writing
with writing(checked_output(Path(sys.argv[1]), [])) as partial:
    partial.write_text("new")
"""


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Return an input."""
    path = tmp_path / "inputs" / "ten.csv"
    path.parent.mkdir()
    path.write_text("kept")
    return path


def test_an_output_never_replaces_what_is_no_file(given: Path, tmp_path: Path) -> None:
    """A folder, a pipe, a device behind a link, an input, a link to itself: all stay as they are."""
    (tmp_path / "kept").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    (tmp_path / "to-input").symlink_to(given)
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "to-device").symlink_to("/dev/null")
    for name, sentence in [
        ("kept", "is a folder; name a file"),
        ("pipe", "is neither a file nor a folder; name a file, and read that"),
        ("to-pipe", "is neither a file nor a folder; name a file, and read that"),
        ("to-device", "leads to a place of the system's, where no file is replaced; name another"),
        ("inputs/ten.csv", "is one of the inputs; name another file"),
        ("to-input", "is one of the inputs; name another file"),
        ("circle", "is a link that leads to itself; name a file"),
        ("inputs/ten.csv/said.csv", "ten.csv is no folder that you may write to"),
    ]:
        with pytest.raises(StageError, match=f"--output .*{name}.*{sentence}"):
            checked_output(tmp_path / name, [given])
    assert given.read_text() == "kept"


def test_a_protected_file_is_not_replaced(given: Path, tmp_path: Path) -> None:
    """Whose owner may not write it, and be that whoever asks: it is not to be written."""
    (tmp_path / "kept.csv").write_text("kept")
    (tmp_path / "kept.csv").chmod(0o444)
    with pytest.raises(StageError, match=r"--output .* is protected against writing; name another file, or `"):
        checked_output(tmp_path / "kept.csv", [given])


def test_an_output_that_is_a_link_is_written_where_it_leads(given: Path, tmp_path: Path) -> None:
    """As a shell's > does: the link stays, and what it leads to is new."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.csv").symlink_to("elsewhere/said.csv")
    for text in ("first", "second"):
        with writing(checked_output(tmp_path / "link.csv", [given])) as partial:
            partial.write_text(text)
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "link.csv").read_text() == text
        assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["said.csv"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/3", "/proc/self/fd/1", "link", "said.log"])
def test_what_a_shell_sends_elsewhere_is_not_replaced(tmp_path: Path, name: str) -> None:
    """Behind the system's names for what is open stands a file, which keeps what was written there before."""
    log = tmp_path / "said.log"
    log.write_text("earlier\n")
    (tmp_path / "link").symlink_to("/dev/fd/3")
    place = name if name.startswith("/") else tmp_path / name
    script = f'exec "$0" -c "$1" "$2" >>{log} 2>&1 3>>{log}'
    assert subprocess.run(["sh", "-c", script, sys.executable, WRITES, place], cwd=ROOT, check=False).returncode == 1
    first, *_, last = log.read_text().splitlines()
    assert first == "earlier"
    assert f"StageError: --output {place} " in last
    own = "is where this program's own words go; name another file"
    assert last.endswith(
        own if name == "said.log" else "a place of the system's, where no file is replaced; name another"
    )


def test_files_in_memory_are_files(given: Path) -> None:
    """They lie among the system's devices."""
    path = Path("/dev/shm/predictions.csv")  # noqa: S108  nothing is written there
    assert checked_output(path, [given]) == path


def test_a_dash_is_no_file(given: Path) -> None:
    """Other programs take it for standard output: what that would be here is said."""
    with pytest.raises(StageError, match="--output -: predictions go to a file, not to standard output; name one"):
        checked_output(Path("-"), [given])


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "said.csv cannot be written: No space left on device; free some space, or name another file"),
        (errno.EIO, "said.csv cannot be written: Input/output error$"),
    ],
)
def test_an_output_that_cannot_be_written_is_named(tmp_path: Path, number: int, sentence: str) -> None:
    """With what helps there: no stage of the pipeline has anything to do with it."""

    def write() -> None:
        with writing(tmp_path / "said.csv"):
            raise OSError(number, os.strerror(number))

    with pytest.raises(StageError, match=f"--output .*{sentence}"):
        write()
