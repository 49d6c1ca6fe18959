"""What a reader, or a killed run, sees of a file or a folder that is being written."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from forked import forked

from assay.ground.files import (
    appending,
    read_json,
    remove_abandoned,
    replacing,
    replacing_directory,
    restoring,
    write_json,
    write_text,
)
from assay.ground.owner import mark
from assay.ground.process import StageError


def test_what_cannot_be_added_to_a_file_names_it() -> None:
    """A full disk is told with the file that it holds; writing alone does not know which."""
    with pytest.raises(OSError, match="No space left") as caught, appending(Path("/dev/full")) as file:
        file.write("a line\n")
    assert caught.value.filename == "/dev/full"


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    """What a reader sees is the whole old file until the whole new one is there."""
    path = tmp_path / "result.json"
    write_json(path, {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": float("nan")})

    def interrupted() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert read_json(path) == {"value": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    """A half that nobody works at any more, however deep; not that of a process which lives."""
    (tmp_path / "result.json.first.partial").mkdir()  # a person's own
    pid, started, namespace = mark().split("-")
    left = tmp_path / "models" / f"classifier.onnx.{pid}-{int(started) - 1}-{namespace}.partial"
    left.mkdir(parents=True)
    (left / "classifier.onnx").write_text("half")
    with replacing(tmp_path / "result.json") as partial:
        partial.write_text("whole")
        remove_abandoned(tmp_path)
    assert not left.exists()
    assert (tmp_path / "result.json.first.partial").exists()
    assert (tmp_path / "result.json").read_text() == "whole"


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Files of the former content do not survive in the new one."""
    folder = tmp_path / "repository"
    for name in ("old", "new"):
        with replacing_directory(folder) as partial:
            (partial / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_killed_run_leaves_the_whole_of_a_directory(tmp_path: Path) -> None:
    """Killed as it removes the former content, a run has the new one in place; interrupted before, the old."""
    folder = tmp_path / "repository"
    for name in ("first", "second"):
        write_text(folder / name, "old")
    unlink = os.unlink

    def killed() -> None:
        def unlink_and_die(*arguments: object, **named: object) -> None:
            unlink(*arguments, **named)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)

        with replacing_directory(folder) as partial:
            (partial / "new").touch()
            os.unlink = unlink_and_die

    def interrupted() -> None:
        def refuse(_path: Path, _target: Path) -> Path:
            raise KeyboardInterrupt

        Path.replace = refuse  # type: ignore[assignment, method-assign]
        write_folder(folder, "new")

    assert forked(interrupted, seconds=10).code == 70
    assert sorted(path.name for path in folder.iterdir()) == ["first", "second"]
    assert list(tmp_path.iterdir()) == [folder]
    assert forked(killed, seconds=10).code == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == ["new"]
    write_folder(folder, "newer")
    assert list(tmp_path.iterdir()) == [folder]


def test_only_its_like_gives_way_to_a_file_or_a_folder(tmp_path: Path) -> None:
    """A file takes no folder's place and a folder no file's, and neither a pipe's, as it would a device's."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").write_text("kept")
    os.mkfifo(tmp_path / "pipe")
    for write, name, sentence in [
        (write_text, "folder", "folder is a folder; remove it first"),
        (write_text, "link", "link is a folder; remove it first"),
        (write_text, "pipe", "pipe is neither a file nor a folder, and nothing may take its place"),
        (write_folder, "file", "file is a file; remove it first"),
        (write_folder, "link", "link is a link to a folder; remove it first"),
        (write_folder, "pipe", "pipe is neither a file nor a folder, and nothing may take its place"),
    ]:
        with pytest.raises(StageError, match=sentence):
            write(tmp_path / name, "new")
    assert (tmp_path / "folder" / "kept").exists()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "kept"
    assert (tmp_path / "pipe").is_fifo()
    assert len(list(tmp_path.iterdir())) == 4


def write_folder(path: Path, name: str) -> None:
    with replacing_directory(path) as partial:
        (partial / name).touch()


def test_a_link_gives_way_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    """DVC may give a stage links into its cache, where nothing must change."""
    (tmp_path / "cached").write_text("kept")
    (tmp_path / "result").symlink_to("cached")
    write_text(tmp_path / "result", "new")
    assert not (tmp_path / "result").is_symlink()
    assert ((tmp_path / "result").read_text(), (tmp_path / "cached").read_text()) == ("new", "kept")


def test_what_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    """A private file or folder stays private, from the first byte on; a copy of DVC's, read-only, becomes writable."""
    private, protected, folder = tmp_path / "private", tmp_path / "protected", tmp_path / "folder"
    folder.mkdir(mode=0o750)
    (tmp_path / "cached").touch(mode=0o444)
    (tmp_path / "link").symlink_to("cached")
    for path, mode in ((private, 0o600), (protected, 0o444)):
        path.touch()
        path.chmod(mode)
    with replacing(private) as partial:
        assert partial.parent.stat().st_mode & 0o777 == 0o700
        partial.touch()
    write_folder(folder, "new")
    for name in ("protected", "link", "new"):
        write_text(tmp_path / name, "new")
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "private": "0o600",
        "folder": "0o750",
        "cached": "0o444",
        "protected": "0o644",
        "link": oct(0o666 & ~umask()),
        "new": oct(0o666 & ~umask()),
    }


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


@pytest.mark.parametrize("there", [True, False])
def test_files_are_what_they_were_where_a_block_fails(tmp_path: Path, there: bool) -> None:
    """Whoever writes them, in place or beside them; and where it succeeds they are new. Nothing else stays."""
    path = tmp_path / "params.yaml"
    if there:
        path.write_text("old")
    for write in (
        lambda: path.write_text("new"),
        lambda: write_text(path, "new"),
        lambda: path.unlink(missing_ok=True),
    ):
        with suppress(KeyboardInterrupt), restoring(path):
            write()
            raise KeyboardInterrupt
        assert [each.read_text() for each in tmp_path.iterdir()] == (["old"] if there else [])
    with restoring(path):
        path.write_text("new")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]
