"""Model repositories that are put together for other servers."""

import sys
from pathlib import Path

import pytest
from conftest import linear_model

import model_repository
from assay.ground.files import write_text
from assay.ground.process import StageError
from assay.repositories.labelled import write_ensembles
from assay.serving.model_config import ModelShape, render, serving_config
from assay.serving.model_folder import CONFIG, LISTED, Part, write_folder


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two configurations of one model, as the pipeline makes them."""
    import onnx

    folder = tmp_path / "artifacts" / "model_repository"
    onnx.save(linear_model(), tmp_path / "model.onnx")
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        config = serving_config(name, ModelShape.of(linear_model()), threads=1)
        write_folder(folder / name, config, {"1/model.onnx": Part.at(tmp_path / "model.onnx")})
    monkeypatch.setattr(model_repository, "MODEL_REPOSITORY", folder)
    return folder


def put_together(monkeypatch: pytest.MonkeyPatch, *typed: object) -> None:
    monkeypatch.setattr(sys, "argv", ["model_repository.py", *map(str, typed)])
    model_repository.main()


def test_a_name_that_is_typed_twice_is_one(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is there once, complete, and the others are not."""
    assert repository.is_dir()
    put_together(monkeypatch, tmp_path / "whole", "two", "two")
    assert "1 model put together" in capsys.readouterr().out
    found = sorted(path.relative_to(tmp_path / "whole").as_posix() for path in (tmp_path / "whole").rglob("*.*"))
    assert found == ["two/1/model.onnx", "two/config.pbtxt"]


def test_models_that_have_their_files_beside_their_configuration_come_along(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ensembles that answer with names of classes, and the step that they share, have no list."""
    (repository / "one").rename(repository / "classifier-fp32")
    config = serving_config("classifier-fp32", ModelShape.of(linear_model()), threads=1)
    write_text(repository / "classifier-fp32" / CONFIG, render(config))
    write_ensembles(repository, ["fp32"], list("0123456789"), top_k=3)
    put_together(monkeypatch, tmp_path / "whole")
    assert "4 models put together" in capsys.readouterr().out
    assert (tmp_path / "whole" / "label" / "1" / "model.py").is_file()
    assert (tmp_path / "whole" / "labelled-fp32" / "1").is_dir()
    put_together(monkeypatch, tmp_path / "one", "labelled-fp32")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["classifier-fp32", "label", "labelled-fp32"]


def test_a_folder_whose_list_is_missing_is_damaged(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, a model would be put together without its file."""
    (repository / "two" / LISTED).unlink()
    with pytest.raises(StageError, match=r"two/files\.json is damaged: it is missing; "):
        put_together(monkeypatch, tmp_path / "whole")
    assert not (tmp_path / "whole").exists()
