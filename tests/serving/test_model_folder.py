"""Folders of models that name their files, and how a server gets them."""

import errno
import json
import os
from pathlib import Path

import own_models
import pytest
from conftest import linear_model

from assay.ground.process import StageError
from assay.serving.model_config import ModelShape, serving_config
from assay.serving.model_folder import (
    check_files,
    files_of,
    onnx_file,
    parts_of_onnx,
    put_together,
    repeated,
    write_folder,
)
from assay.tensors.parity import onnx_session


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Write two configurations of a model whose weights are beside it, in a folder of its own."""
    path = own_models.save(tmp_path / "onnx" / "linear.onnx", linear_model(), external=True)
    written = [tmp_path / "repository" / name for name in ("one", "two")]
    for folder in written:
        folder.mkdir(parents=True)
        config = serving_config(folder.name, ModelShape.of(linear_model()), threads=1)
        write_folder(folder, config, parts_of_onnx(path, ["linear.weights"]))
    return written


def test_a_folder_is_put_together_with_links(folders: list[Path], tmp_path: Path) -> None:
    """Model and weights stand where Triton looks for them, and are the same files: no copy is made."""
    assert sorted(path.name for path in folders[0].iterdir()) == ["config.pbtxt", "files.json"]
    put_together(folders, tmp_path / "served")
    for name in ("one", "two"):
        found = {
            path.relative_to(tmp_path / "served" / name).as_posix()
            for path in (tmp_path / "served").rglob("*.*")
            if path.is_relative_to(tmp_path / "served" / name)
        }
        assert found == {"config.pbtxt", "1/model.onnx", "1/linear.weights"}
        assert (tmp_path / "served" / name / "1" / "model.onnx").samefile(tmp_path / "onnx" / "linear.onnx")
    assert onnx_session(str(tmp_path / "served" / "one" / "1" / "model.onnx")).get_inputs()
    assert onnx_file(folders[0]) == tmp_path / "onnx" / "linear.onnx"


def test_where_no_link_is_taken_there_is_one_copy(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system, folders share the copy that the first one got."""

    def other_file_system(target: Path, source: Path) -> None:
        if not source.is_relative_to(tmp_path / "served"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))
        os.link(source, target)

    monkeypatch.setattr(Path, "hardlink_to", other_file_system)
    put_together(folders, tmp_path / "served")
    one, two = (tmp_path / "served" / name / "1" / "model.onnx" for name in ("one", "two"))
    assert one.samefile(two)
    assert not one.samefile(tmp_path / "onnx" / "linear.onnx")
    assert one.read_bytes() == (tmp_path / "onnx" / "linear.onnx").read_bytes()


def test_a_file_that_a_cache_linked_is_the_file_itself(folders: list[Path], tmp_path: Path) -> None:
    """DVC may put links of its cache in place of files: what is served is what they lead to."""
    path = tmp_path / "onnx" / "linear.onnx"
    path.rename(tmp_path / "cached")
    path.symlink_to(tmp_path / "cached")
    put_together(folders, tmp_path / "served")
    served = tmp_path / "served" / "one" / "1" / "model.onnx"
    assert not served.is_symlink()
    assert served.samefile(tmp_path / "cached")


def test_a_complete_folder_is_copied(folders: list[Path], tmp_path: Path) -> None:
    """A folder without a list is served as it stands."""
    put_together(folders, tmp_path / "served")
    put_together([tmp_path / "served" / "one"], tmp_path / "again")
    assert files_of(tmp_path / "again" / "one").keys() == files_of(folders[0]).keys()
    check_files([tmp_path / "again" / "one"])


def test_a_file_that_changed_or_went_is_named(folders: list[Path], tmp_path: Path) -> None:
    """A configuration is of the file with that digest and no other."""
    check_files(folders[:1])
    weights = tmp_path / "onnx" / "linear.weights"
    weights.write_bytes(weights.read_bytes()[::-1])
    with pytest.raises(StageError, match=r"linear\.weights is damaged: it is another file than the one that one was"):
        check_files(folders)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"linear\.weights"):
        put_together(folders, tmp_path / "served")


@pytest.mark.parametrize("place", ["/etc/model.onnx", "../model.onnx", "1/../../model.onnx", ""])
def test_a_list_that_leaves_the_folder_is_damaged(folders: list[Path], place: str) -> None:
    """Nothing is written beside a served folder."""
    path = folders[0] / "files.json"
    (entry, *_) = json.loads(path.read_text()).values()
    path.write_text(json.dumps({place: entry}))
    with pytest.raises(StageError, match=r"files\.json is damaged"):
        files_of(folders[0])


def test_a_configuration_under_a_second_name_is_known(folders: list[Path], tmp_path: Path) -> None:
    """The same files, configured in the same way; another model, or another setting, is another configuration."""
    assert repeated(folders) == {"two": "one"}
    other = own_models.save(tmp_path / "onnx" / "other.onnx", linear_model(), external=True)
    for name, threads, path in (("three", 2, "linear"), ("four", 1, "other")):
        config = serving_config(name, ModelShape.of(linear_model()), threads=threads)
        folder = tmp_path / "repository" / name
        folder.mkdir()
        write_folder(folder, config, parts_of_onnx(other.with_stem(path), [f"{path}.weights"]))
    every = [tmp_path / "repository" / name for name in ("one", "three", "four", "two")]
    assert repeated(every) == {"two": "one"}
