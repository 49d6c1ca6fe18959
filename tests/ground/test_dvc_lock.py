"""What DVC ran a stage with last is compared with params.yaml, key by key."""

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from assay.ground.dvc_lock import check_parameters, check_results, digest
from assay.ground.files import write_json
from assay.ground.process import StageError
from assay.params.stages import before_reporting
from assay.validation.schema import load_params


def lock(path: Path, **params: Any) -> None:
    write_json(path, {"stages": {"train": {"params": {"params.yaml": params}}, "report": {}}})


def test_the_shipped_results_are_of_the_shipped_parameters() -> None:
    """All that the committed report rests on."""
    params = load_params()
    names = before_reporting(params.onnx.variants, params.cells, "all")
    check_parameters(ROOT, names, params.model_dump(exclude_unset=True))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("seed", 43, "seed: 43, and params.yaml has 42"),
        ("data.own", {"format": "npz"}, "data.own.format: 'npz', and params.yaml has 'images'"),
        ("onnx.variants", ["fp32", "pruned"], "onnx.variants: ['fp32', 'pruned'], and params.yaml has ['fp32']"),
        ("perf.that_was", 1, "perf.that_was: 1, and params.yaml has None"),
    ],
)
def test_a_stage_of_other_parameters_is_named(
    tmp_path: Path, content: dict[str, Any], key: str, value: Any, said: str
) -> None:
    """With the key, what it was and what it is; a stage that the results do not rest on may be as it likes."""
    content["seed"] = 42
    lock(tmp_path / "dvc.lock", **{key: value})
    check_parameters(tmp_path, ["data", "report"], content)
    with pytest.raises(StageError) as raised:
        check_parameters(tmp_path, ["train"], content)
    assert str(raised.value).startswith(f"train ran last with {said}; run `dvc repro`, without --downstream or")


def test_a_stage_of_another_pipeline_file_is_looked_for_there(tmp_path: Path, content: dict[str, Any]) -> None:
    """Each file of stages has a lock file of its own."""
    lock(tmp_path / "cells" / "dvc.lock", seed=43)
    check_parameters(tmp_path, ["train"], content)
    with pytest.raises(StageError, match=r"cells/dvc\.yaml:train ran last with seed: 43"):
        check_parameters(tmp_path, ["train", "cells/dvc.yaml:train"], content | {"seed": 42})


def test_a_result_of_another_run_is_named(tmp_path: Path) -> None:
    """As after a checkout of Git's without DVC's: another commit's measurement would be told as this one's."""
    (tmp_path / "here.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    outs = [
        {"path": "here.json", "md5": digest(b"{}")},
        {"path": "folder", "md5": "0.dir"},
        {"path": "gone.json", "md5": "0"},
    ]
    write_json(tmp_path / "dvc.lock", {"stages": {"runoff": {"outs": outs}}})
    check_results(tmp_path, ["data", "runoff"])
    (tmp_path / "here.json").write_text("[]")
    with pytest.raises(
        StageError, match=r"^here\.json is not what runoff wrote last, by DVC's lock file; `dvc checkout` brings"
    ):
        check_results(tmp_path, ["data", "runoff"])


def test_without_a_lock_nothing_is_known(tmp_path: Path, content: dict[str, Any]) -> None:
    """Stages that were run by hand have none."""
    check_parameters(tmp_path, ["train"], content)
