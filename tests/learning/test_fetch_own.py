"""What tools/fetch_dataset.py copies of a folder of one's own, and what it says of anything else."""

import contextlib
import io
import os
import shutil
from pathlib import Path

import pytest
from own_data import CLASSES, description

from assay.ground.process import StageError
from fetch_dataset import fetch_own


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "own needs `--from FOLDER`, the folder that your examples are in"),
        (
            "own.csv",
            "own needs a folder, and --from own.csv is a file; name the one that it is in, or put it into one ",
        ),
        ("nowhere", "own needs a folder, and --from nowhere does not exist"),
        ("lost", "own needs a folder, and --from lost is none"),
        (
            "https://me:geheim@mirror/x",
            "own needs a folder, and --from https://…@mirror/x is an address; download what ",
        ),
    ],
)
def test_what_is_no_folder_of_ones_own_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | None, sentence: str
) -> None:
    """A file, nothing, a link to nothing, an address: each is what it is called."""
    monkeypatch.chdir(tmp_path)
    Path("own.csv").touch()
    Path("lost").symlink_to("nowhere")
    with pytest.raises(StageError) as raised:
        fetch_own(source, description("csv", [1]), tmp_path / "target")
    assert str(raised.value).startswith(sentence)


def test_of_ones_own_folder_nothing_is_copied_but_what_is_described(tmp_path: Path) -> None:
    """Hidden files are left out and said to be; a name that does not fit ends it before anything is copied."""
    source, target = tmp_path / "source", tmp_path / "target"
    for name in CLASSES:
        (source / name).mkdir(parents=True)
        (source / name / "0.png").touch()
    (source / ".git").mkdir()
    (source / "cat" / ".DS_Store").touch()
    (source / "cat" / "linked.png").symlink_to(source / "dog" / "0.png")
    target.mkdir()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        fetch_own(str(source), description("images", [4, 6, 3]), target)
    assert said.getvalue() == "left out, for their names begin with a dot: '.DS_Store', '.git'\n"
    copied = sorted(path for path in target.rglob("*") if not path.is_dir())
    assert [str(path.relative_to(target)) for path in copied] == ["cat/0.png", "cat/linked.png", "dog/0.png"]
    assert not any(path.is_symlink() for path in copied)

    shutil.rmtree(target)
    target.mkdir()
    (source / ".git").rmdir()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        fetch_own(str(source), description("images", [4, 6, 3]), target)
    assert said.getvalue() == "left out, for its name begins with a dot: '.DS_Store'\n"

    shutil.rmtree(target)
    target.mkdir()
    (source / "dog" / "all").symlink_to(source)
    with pytest.raises(StageError, match="source/dog/all is a link to a folder, which is not followed"):
        fetch_own(str(source), description("images", [4, 6, 3]), target)
    (source / "dog" / "all").unlink()
    (source / "dog" / os.fsdecode(b"\xff.png")).touch()
    with pytest.raises(StageError, match="rename it; DVC cannot track such a name"):
        fetch_own(str(source), description("images", [4, 6, 3]), target)
    (source / "cat" / "two\nlines.png").touch()
    with pytest.raises(StageError, match=r"': rename them; DVC cannot track such names$"):
        fetch_own(str(source), description("images", [4, 6, 3]), target)
    assert list(target.iterdir()) == []
