"""The documented table of what reruns after a change, tried with real DVC and stand-ins for the stages."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PIPELINES, ROOT, changed, clone, run
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "reruns.md"
YAML_1_2 = YAML()  # keeps order, and reads `off` as DVC does


def table() -> list[tuple[str, str]]:
    """Return the page's rows: what is changed, and what reruns."""
    text = PAGE.read_text()
    rows = [re.findall(r"\| (.*?) (?=\|)", line) for line in text.splitlines() if line.startswith("| ")]
    return [(change, reruns) for change, reruns in rows[1:]]


def one_cell(params: dict[str, Any]) -> None:
    """Shrink the matrix: DVC writes its whole lock file after each stage."""
    params["perf"].update(instances=[1], dynamic_batching=["off"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a clone whose stages are stand-ins, and which has run once."""
    folder = clone(tmp_path_factory.mktemp("stubs"), one_cell)
    for file in (folder / each for each in PIPELINES):
        content = YAML_1_2.load(file)
        for stage in content["stages"].values():
            stage["cmd"] = re.sub(r"^exec (env \S+ )?python ", "python tests/stub.py ", stage["cmd"])
        YAML_1_2.dump(content, file)
    (folder / "machine.txt").write_text(json.dumps({"usable_cores": 2}))
    (folder / "libraries.txt").write_text(json.dumps({stage: {"numpy": "1"} for stage in ("data", "train", "onnx")}))
    for name in ("digits", "mnist"):
        (folder / "datasets" / name).mkdir(parents=True)
        (folder / "datasets" / name / "raw.csv").write_text(name)
    run("dvc", "add", "datasets/digits", "datasets/mnist", cwd=folder)
    (folder / "data.dvc").unlink()
    run("dvc", "repro", cwd=folder)
    yield folder
    shutil.rmtree(folder)


def set_parameter(folder: Path, setting: str) -> None:
    """Change params.yaml as `dvc exp run -S setting` would."""
    path, _, value = setting.partition("=")
    content: Any = YAML_1_2.load(folder / "params.yaml")
    *parents, last = path.split(".")
    section = content
    for key in parents:
        section = section[key]
    assert last in section, setting
    section[last] = YAML_1_2.load(value)
    YAML_1_2.dump(content, folder / "params.yaml")


def apply(folder: Path, change: str) -> None:
    """Do what the first column of a row says."""
    (told,) = re.findall(r"`(.*?)`", change) or [change]
    if "=" in told:
        set_parameter(folder, told)
    elif change == "another machine":
        (folder / "machine.txt").write_text(json.dumps({"usable_cores": 8}))
    elif change.startswith("another version of"):
        libraries = json.loads((folder / "libraries.txt").read_text())
        libraries["train"]["keras"] = "another"
        (folder / "libraries.txt").write_text(json.dumps(libraries))
    elif change != "nothing":
        paths = [path for path in sorted(folder.glob(f"{told}/**/*" if told.endswith("/") else told)) if path.is_file()]
        assert paths, told
        paths[0].write_text(paths[0].read_text() + "\n# changed\n")


@pytest.mark.parametrize(("change", "reruns"), table())
def test_a_change_reruns_what_the_page_says(project: Path, tmp_path: Path, change: str, reruns: str) -> None:
    """Each row: the stages named there run again, and no other."""
    folder = shutil.copytree(project, tmp_path / "copy", symlinks=True)
    apply(folder, change)
    again = changed(run("dvc", "repro", cwd=folder).stdout)
    expected = set(re.findall(r"`(.*?)`", reruns))
    assert {stage.partition("@")[0] for stage in again} == expected
    if "new cells" in reruns:
        cells = [stage for stage in again if stage.startswith("perf@")]
        assert cells == ["perf@fp32-2-64-off", "perf@fp32-4-64-off"]
    assert len(again) == len(set(again))


def test_the_table_has_its_rows() -> None:
    """The page really has the table."""
    assert len(table()) > 10
