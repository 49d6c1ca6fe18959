"""Files that another program empties and writes anew where they are: whoever reads meanwhile waits for the whole."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from assay.comparing.reference import read_parameters
from assay.ground import still
from assay.ground.dvc_lock import locked_stages
from assay.ground.process import StageError
from assay.ground.still import PATIENCE_S, STILL_S, read_still
from assay.validation.schema import load_params, validate

LOCK = (ROOT / "dvc.lock").read_text()
STAGES = YAML(typ="safe").load(LOCK)["stages"]


def in_parts(path: Path, text: str) -> Iterator[None]:
    """Empty a file and write it anew, as DVC does: a part at each step, and long ago when all is there."""
    with path.open("w") as file:
        for begin in range(0, len(text), 8192):
            yield
            file.write(text[begin : begin + 8192])
            file.flush()
    os.utime(path, (0, 0))
    yield


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], None]:
    """Return a function that begins to write a file, which goes on whenever who reads it pauses."""
    monkeypatch.setattr(still, "STILL_S", 60)
    monkeypatch.setattr(still, "PATIENCE_S", 60)

    def begin(path: Path, text: str) -> None:
        steps = in_parts(path, text)
        next(steps)
        monkeypatch.setattr(time, "sleep", lambda _: next(steps))

    return begin


def test_a_lock_is_read_when_all_of_it_is_there(tmp_path: Path, writing: Callable[[Path, str], None]) -> None:
    """Parts of it are in order by themselves, and would say that stages never ran."""
    writing(tmp_path / "dvc.lock", LOCK)
    assert locked_stages(tmp_path / "dvc.lock") == STAGES


def test_parameters_are_read_when_all_of_them_are_there(tmp_path: Path, writing: Callable[[Path, str], None]) -> None:
    """`dvc exp run -S` writes them where they are."""
    shipped = (ROOT / "params.yaml").read_text()
    writing(tmp_path / "params.yaml", shipped)
    assert load_params(tmp_path / "params.yaml") == validate(YAML(typ="safe").load(shipped))
    writing(tmp_path / "params.yaml", shipped)
    assert read_parameters(tmp_path) == YAML(typ="safe").load(shipped)


def test_a_writer_that_takes_a_while_is_waited_for(tmp_path: Path) -> None:
    """What stands still for a moment and cannot be read may be half of something, as on a busy machine."""
    path = tmp_path / "dvc.lock"
    path.write_text("")
    completing = threading.Timer(2 * STILL_S, path.write_text, [LOCK])
    completing.start()
    assert locked_stages(path) == STAGES
    completing.join()


@pytest.mark.slow
def test_what_stays_damaged_is_told(tmp_path: Path) -> None:
    """After some seconds, and at once where it has been so for longer."""
    path = tmp_path / "dvc.lock"
    path.write_text("stages: {train: ")
    began = time.monotonic()
    with pytest.raises(StageError, match=r"dvc\.lock is damaged"):
        locked_stages(path)
    assert time.monotonic() - began < PATIENCE_S + 5
    os.utime(path, (0, 0))
    tried = []

    def parse(content: bytes) -> None:
        tried.append(content)
        raise StageError("damaged")

    with pytest.raises(StageError, match="damaged"):
        read_still(path, parse)
    assert tried == [b"stages: {train: "]


def test_a_time_in_the_future_is_no_reason_to_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As clocks that differ leave: that nobody writes to the file is seen by itself."""
    monkeypatch.setattr(still, "PATIENCE_S", 60)
    (tmp_path / "dvc.lock").write_text(LOCK)
    os.utime(tmp_path / "dvc.lock", (time.time() + 3600,) * 2)
    began = time.monotonic()
    assert locked_stages(tmp_path / "dvc.lock") == STAGES
    assert time.monotonic() - began < STILL_S + 10


def test_a_file_that_never_stands_still_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds: whoever writes on and on is not waited for."""
    monkeypatch.setattr(still, "PATIENCE_S", 0.1)
    path, real = tmp_path / "dvc.lock", time.sleep

    def pause(seconds: float) -> None:
        real(seconds)
        path.write_text(LOCK)

    path.write_text(LOCK)
    monkeypatch.setattr(time, "sleep", pause)
    assert locked_stages(path) == STAGES
