"""dvc.yaml and the code agree about stages, files and names."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PIPELINES, ROOT, clone, run
from imports import imported

from assay.ground import paths
from assay.params.stages import before_reporting
from assay.validation.schema import load_params, validate

DAG: dict[str, Any] = {
    name: stage for file in PIPELINES for name, stage in yaml.safe_load((ROOT / file).read_text())["stages"].items()
}
FOLLOWED = [name for name, stage in DAG.items() if not stage.get("always_changed")]
METRICS = Path("reports/metrics.json")
# Code that carries a result and does not decide it, and why: an edit must not measure every cell again.
CARRIES = {
    "src/assay/ground": "how a program runs; what is in a file is checked, and not changed",
    "src/assay/validation": "what params.yaml says reaches a stage as its parameters",
    "src/assay/params/__init__.py": "likewise",
    "src/assay/params/moved_and_missing.py": "what a file lacks is said, or taken as shipped",
    "src/assay/params/matrix.py": "DVC has its own list of cells",
    "src/assay/params/made_inputs.py": "as all sections",
    "src/assay/params/mistakes.py": "words about a file that is refused",
    "src/assay/params/measuring.py": "as all sections",
    "src/assay/params/own.py": "as all sections",
    "src/assay/params/perf.py": "as all sections",
    "src/assay/params/plugins.py": "finds what was chosen",
    "src/assay/params/section.py": "as all sections",
    "src/assay/params/stages.py": "the names of stages",
    "src/assay/params/triton.py": "as all sections",
    "src/assay/machine/lock.py": "who waits for whom",
    "src/assay/telling/progress.py": "words while it runs",
}
# Plug-ins that are imported by a name which dvc.yaml does not put into a path.
BY_NAME = ("src/assay/learning/frameworks",)
# Raw files are read by one stage alone; those after it take of a dataset what it is called, its shape and classes.
READS_RAW_FILES = "data"
RAW_FILES = ("src/assay/learning/formats", "src/assay/learning/loading.py", "src/assay/learning/datasets/__init__.py")


def test_dvc_names_cells_as_the_code_does() -> None:
    """DVC's `${key}` of every matrix cell is the name under which the code knows it."""
    listed = run("dvc", "stage", "list", "--name-only", "cells/dvc.yaml", cwd=ROOT).stdout.split()
    before = "cells/dvc.yaml:perf@"
    named = [name.removeprefix(before) for name in listed if name.startswith(before)]
    assert named == [cell.name for cell in load_params().cells]


def test_dvc_names_cells_with_threads_and_options_as_the_code_does(tmp_path: Path) -> None:
    """Each kind has a stage of its own, for DVC names no cell without a value on an axis."""

    def further(params: dict[str, Any]) -> None:
        params["perf"].update(threads=[1, 2], options=["no_arena"], instances=[1, 2])

    folder = clone(tmp_path / "clone", further)
    listed = run("dvc", "stage", "list", "--name-only", "cells/dvc.yaml", cwd=folder).stdout.split()
    params = load_params(folder / "params.yaml")
    before = before_reporting(params.onnx.variants, params.every_cell, "all")
    assert {name for name in before if "@" in name and ":" in name} == {name for name in listed if "@" in name}


def test_the_first_cell_is_the_default_configuration(content: dict[str, Any]) -> None:
    """The first value of each axis together make the first cell."""
    content["perf"].update(instances=[2, 1], max_batch_size=[8, 4], dynamic_batching=["delay_0us", "off"])
    assert validate(content).cells[0].name == "fp32-2-8-delay_0us"


def script_of(stage: dict[str, Any]) -> str:
    words: list[str] = stage["cmd"].split()
    return next(word for word in words if word.endswith(".py"))


def test_every_stage_has_a_description_and_an_existing_script() -> None:
    """`dvc stage list` reads as a table of contents; each script exists and is DVC's own child."""
    lines = run("dvc", "stage", "list", "--all", cwd=ROOT).stdout.splitlines()
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    for stage in DAG.values():
        script = script_of(stage)
        assert (ROOT / script).is_file()
        assert script in stage["deps"]
        assert stage["cmd"].startswith("exec ")


def code_of(stage: str) -> dict[str, list[Path]]:
    """Return the code among a stage's dependencies, each with the files that it may mean."""
    code = [path for path in DAG[stage]["deps"] if path.startswith("src/")]
    found = {path: sorted(ROOT.glob(re.sub(r"\$\{[^}]*\}", "[!_]*", path))) for path in code}
    return {path: [file for each in files for file in within(each)] for path, files in found.items()}


def within(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.suffix in (".py", ".jinja", ".css")]


def is_below(file: Path, places: tuple[str, ...]) -> bool:
    return any(file.is_relative_to(ROOT / place) for place in places)


def reached(stage: str, *, all_of_it: bool) -> set[Path]:
    """Return the files that a stage's script and its chosen plug-ins import; without `all_of_it`, those that decide."""
    chosen = [
        file
        for path, files in code_of(stage).items()
        for file in files
        if "${" in path or (is_below(file, BY_NAME) and file.suffix == ".py")
    ]
    skipped = () if all_of_it else (*CARRIES, *(() if stage == READS_RAW_FILES else RAW_FILES))
    todo, found = [ROOT / script_of(DAG[stage]), *chosen], set(chosen)
    while todo:
        new = {file for file in imported(todo.pop()) if file not in found and not is_below(file, skipped)}
        found |= new
        todo += new
    return found


def is_empty(file: Path) -> bool:
    """Return whether a file has a docstring and nothing else."""
    return file.name == "__init__.py" and len(ast.parse(file.read_text()).body) == 1


def may_be_there(file: Path) -> bool:
    """Return whether a folder may hold a file that a stage does not run."""
    return file.suffix != ".py" or is_empty(file) or is_below(file, tuple(CARRIES))


@pytest.mark.parametrize("stage", FOLLOWED)
def test_a_stage_depends_on_all_code_that_decides_its_result(stage: str) -> None:
    """No edit of it goes unnoticed, whoever imports it: a plug-in, a package, a function."""
    known = {file for files in code_of(stage).values() for file in files}
    missing = {file for file in reached(stage, all_of_it=False) - known if not is_empty(file)}
    assert sorted(str(file.relative_to(ROOT)) for file in missing) == []


@pytest.mark.parametrize("stage", FOLLOWED)
def test_a_stage_depends_on_no_code_that_it_does_not_run(stage: str) -> None:
    """An edit of it would measure, or train, for nothing."""
    run_by_it = reached(stage, all_of_it=True)
    idle = {
        path: sorted(str(file.relative_to(ROOT)) for file in files if not may_be_there(file) and file not in run_by_it)
        for path, files in code_of(stage).items()
    }
    assert {path: files for path, files in idle.items() if files} == {}


@pytest.mark.parametrize("stage", FOLLOWED)
def test_a_stage_depends_on_what_was_chosen_and_no_other_of_its_kind(stage: str) -> None:
    """A variant, a dataset, a model family, a kind of server: none of them is imported unless params.yaml names it."""
    kinds = [
        ROOT / "src" / "assay" / kind
        for kind in ("exporting/variants", "learning/datasets", "learning/models", "servers")
    ]
    unchosen = [
        str(file.relative_to(ROOT))
        for path, files in code_of(stage).items()
        for file in files
        if "${" not in path and file.name != "__init__.py" and file.parent in kinds
    ]
    assert unchosen == []


@pytest.mark.parametrize("stage", DAG)
def test_a_stage_depends_on_no_code_that_is_gone(stage: str) -> None:
    """DVC refuses to run it."""
    code = [
        path
        for path in DAG[stage].get("deps", [])
        if isinstance(path, str) and path.startswith(("src", "stages", "triton"))
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


def test_stages_write_where_the_code_looks() -> None:
    """Every result has one place, by whichever name: dvc.yaml's, or that of assay.ground.paths."""
    outs = [next(iter(out)) if isinstance(out, dict) else out for stage in DAG.values() for out in stage["outs"]]
    known = [
        path.relative_to(paths.ROOT)
        for path in vars(paths).values()
        if isinstance(path, Path) and path.is_relative_to(paths.ROOT)
    ]
    places = {Path(re.sub(r"\$\{[^}]*\}", "x", out)) for out in outs}
    unknown = [
        str(out) for out in places if not any(out == each or each in out.parents for each in known if each.parts)
    ]
    assert unknown == []
    of_stages = [each for each in known if each.parts[:1] in (("artifacts",), ("reports",)) and len(each.parts) > 1]
    assert [
        str(each)
        for each in of_stages
        if not any(each == out or each in out.parents or out in each.parents for out in {*places, METRICS})
    ] == []


def test_the_lock_tells_of_no_stage_that_is_gone() -> None:
    """What it says of one would be looked for in vain."""
    for pipeline in map(Path, PIPELINES):
        stages = yaml.safe_load((ROOT / pipeline).read_text())["stages"]
        lock = (ROOT / pipeline).with_suffix(".lock")
        if load_params().perf.search == "all" and pipeline.parts[0] == "race":
            assert not lock.exists()
            continue
        locked = yaml.safe_load(lock.read_text())["stages"]
        perf = load_params().perf
        empty = [f"-{axis}" for axis in ("threads", "options", "shapes") if not getattr(perf, axis)]
        asked_for = {
            name for name in stages if name == "perf-default-threads" or not any(axis in name for axis in empty)
        }
        assert {name.partition("@")[0] for name in locked} == asked_for
