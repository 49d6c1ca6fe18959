"""DVC's list of locks is mended after a DVC that was ended while it wrote it."""

import fcntl
from pathlib import Path

import pytest
from conftest import clone, run

from assay.ground import rwlock
from assay.ground.rwlock import mend_rwlock


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a workspace's DVC keeps its list of locks."""
    monkeypatch.setattr(rwlock, "ROOT", tmp_path)
    folder = tmp_path / ".dvc" / "tmp"
    folder.mkdir(parents=True)
    return folder / "rwlock"


@pytest.mark.parametrize("text", ["", '{"write": {"/a": {"pid": 1, "cm', "\xff"])
def test_a_list_that_was_cut_short_is_removed(locks: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """However far it was written."""
    locks.write_text(text, encoding="latin-1")
    mend_rwlock()
    assert not locks.exists()
    assert capsys.readouterr().out == ".dvc/tmp/rwlock was cut short when a DVC was ended: removed\n"


@pytest.mark.parametrize("text", ['{"write": {}, "read": {}}', None])
def test_a_list_that_can_be_read_stays(locks: Path, capsys: pytest.CaptureFixture[str], text: str | None) -> None:
    """Or where there is none, nothing is made."""
    if text is not None:
        locks.write_text(text)
    mend_rwlock()
    assert (locks.read_text() if locks.exists() else None) == text
    assert capsys.readouterr().out == ""


def test_a_list_that_is_being_written_is_left_to_who_writes_it(locks: Path) -> None:
    """Another DVC has emptied it, and holds the file that guards it."""
    locks.write_text("")
    with locks.with_name("rwlock.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        mend_rwlock()
        assert locks.exists()
    mend_rwlock()
    assert not locks.exists()


@pytest.mark.slow
def test_dvc_goes_on_with_a_mended_list(tmp_path: Path) -> None:
    """It refuses the one that was cut short."""
    project = clone(tmp_path / "project")
    list_ = project / ".dvc" / "tmp" / "rwlock"
    list_.parent.mkdir(exist_ok=True)
    list_.write_text("")
    assert "Unable to read RWLock-file" in run("dvc", "status", "data.dvc", cwd=project, check=False).stdout
    said = run("python", "-m", "assay.ground.rwlock", cwd=project).stdout
    assert said == ".dvc/tmp/rwlock was cut short when a DVC was ended: removed\n"
    assert "RWLock" not in run("dvc", "status", "data.dvc", cwd=project, check=False).stdout
