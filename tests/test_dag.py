"""dvc.yaml and the code agree about stages, files and names."""

from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, run

from parameters.cells import matrix
from parameters.schema import load_params, validate

DAG: dict[str, Any] = {
    name: stage
    for file in ("dvc.yaml", "checks/dvc.yaml")
    for name, stage in yaml.safe_load((ROOT / file).read_text())["stages"].items()
}
# Packages that carry a result and do not decide it (see the top of dvc.yaml), and those of which
# parameters choose one file.
NOT_FOLLOWED = ["parameters", "runtime", "datasets", "models", "variants"]


def test_dvc_names_cells_as_the_code_does() -> None:
    """DVC's `${key}` of every matrix cell is the name under which the code knows it."""
    listed = run("dvc", "stage", "list", "--name-only", cwd=ROOT).stdout.split()
    named = [name.removeprefix("perf@") for name in listed if name.startswith("perf@")]
    assert named == [cell.name for cell in matrix(load_params())]


def test_the_first_cell_is_the_default_configuration(content: dict[str, Any]) -> None:
    """The first value of each axis together make the first cell."""
    content["perf"].update(instances=[2, 1], max_batch_size=[8, 4], dynamic_batching=["delay_0us", "off"])
    assert matrix(validate(content))[0].name == "fp32-2-8-delay_0us"


def script_of(stage: dict[str, Any]) -> str:
    words: list[str] = stage["cmd"].split()
    return next(word for word in words if word.endswith(".py"))


def test_every_stage_has_a_description_and_an_existing_script() -> None:
    """`dvc stage list` reads as a table of contents; each script exists and is DVC's own child."""
    lines = run("dvc", "stage", "list", cwd=ROOT).stdout.splitlines()
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    for stage in DAG.values():
        script = script_of(stage)
        assert (ROOT / script).is_file()
        assert script in stage["deps"]
        assert stage["cmd"].startswith("exec ")


@pytest.mark.parametrize("stage", [name for name, stage in DAG.items() if not stage.get("always_changed")])
def test_a_stage_depends_on_all_code_that_it_imports(stage: str) -> None:
    """No edit of code that decides a result goes unnoticed."""
    finder = ModuleFinder(path=[str(ROOT / "stages")], excludes=NOT_FOLLOWED)
    finder.run_script(str(ROOT / script_of(DAG[stage])))
    found = [vars(module)["__file__"] for module in finder.modules.values()]
    files = [Path(name).relative_to(ROOT) for name in found if name and Path(name).name != "__init__.py"]
    known = {Path(path) for path in DAG[stage]["deps"]}
    assert Path(script_of(DAG[stage])) in files
    assert [str(file) for file in files if not known & {file, *file.parents}] == []


@pytest.mark.parametrize("stage", DAG)
def test_a_stage_depends_on_no_code_that_is_gone(stage: str) -> None:
    """DVC refuses to run it."""
    code = [
        path for path in DAG[stage].get("deps", []) if isinstance(path, str) and path.startswith(("stages", "triton"))
    ]
    assert [path for path in code if "$" not in path and not (ROOT / path).exists()] == []


def test_the_anchor_copy_depends_on_no_model_of_ours() -> None:
    """New splits, weights or cells leave the A/A measurement as it is."""
    assert not [path for path in DAG["perf-anchor"]["deps"] if path.startswith(("artifacts", "data"))]


def test_no_default_remote_and_no_analytics() -> None:
    """A bare `dvc push` cannot write into the committed folder, and dvc calls nobody."""
    config = run("dvc", "config", "--list", "--project", cwd=ROOT).stdout
    assert "core.remote" not in config
    assert "core.analytics=false" in config
    assert "core.check_update=false" in config
