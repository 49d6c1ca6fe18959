"""dvc.yaml and the code agree about stages, files and names."""

from typing import Any

import yaml
from conftest import ROOT, run

from parameters.cells import matrix
from parameters.schema import load_params, validate


def test_dvc_names_cells_as_the_code_does() -> None:
    """DVC's `${key}` of every matrix cell is the name under which the code knows it."""
    listed = run("dvc", "stage", "list", "--name-only", cwd=ROOT).stdout.split()
    named = [name.removeprefix("perf@") for name in listed if name.startswith("perf@")]
    assert named == [cell.name for cell in matrix(load_params())]


def test_the_first_cell_is_the_default_configuration(content: dict[str, Any]) -> None:
    """The first value of each axis together make the first cell."""
    content["perf"].update(instances=[2, 1], max_batch_size=[8, 4], dynamic_batching=["delay_0us", "off"])
    assert matrix(validate(content))[0].name == "fp32-2-8-delay_0us"


def test_every_stage_has_a_description_and_an_existing_script() -> None:
    """`dvc stage list` reads as a table of contents; each script exists and is DVC's own child."""
    lines = run("dvc", "stage", "list", cwd=ROOT).stdout.splitlines()
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in stages.values():
        script = next(word for word in stage["cmd"].split() if word.endswith(".py"))
        assert (ROOT / script).is_file()
        assert script in stage["deps"]
        assert stage["cmd"].startswith("exec ")


def test_the_anchor_copy_depends_on_no_model_of_ours() -> None:
    """New splits, weights or cells leave the A/A measurement as it is."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert not [path for path in stages["perf-anchor"]["deps"] if path.startswith(("artifacts", "data"))]


def test_no_default_remote_and_no_analytics() -> None:
    """A bare `dvc push` cannot write into the committed folder, and dvc calls nobody."""
    config = run("dvc", "config", "--list", "--project", cwd=ROOT).stdout
    assert "core.remote" not in config
    assert "core.analytics=false" in config
    assert "core.check_update=false" in config
