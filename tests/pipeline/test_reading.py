"""What a stage reads as it runs is what dvc.yaml says that it depends on."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import FinishedRun, run
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

READING = f"{sys.executable} tests/reading.py read.json"
# test_dag.py follows its imports.
CODE = ("src", "stages", "tests")
# What decides no result, and why it is read.
OF_ALL = {
    "params.yaml": "its sections are dependencies",
    "dvc.lock": "whether something else is out of date is said, and ends the stage",
    "cells/dvc.lock": "likewise",
    ".git": "DVCLive asks whether this is a repository",
    ".dvc": "likewise",
    ".dvcignore": "likewise",
    ".gitignore": "likewise",
    "datasets": "reports/raw_data.json has the digests of what is there",
    "triton/backends": "reports/machine.json has the digest of what was built",
}
KEYS_OF_ALL = {
    "timeouts": "how long is waited before something is given up",
    "onnx.variants": "which arguments there are",
    "perf.instances": "likewise",
    "perf.max_batch_size": "likewise",
    "perf.dynamic_batching": "likewise",
    "perf.threads": "likewise",
    "perf.options": "likewise",
    "perf.shapes": "likewise",
    "perf.search": "which files there are",
}
# What is known of a dataset or a model of one's own stands there, and these runs are of others.
OF_ONES_OWN = {"dataset", "data.own", "models.autoencoder"}


@pytest.fixture(scope="module")
def stages(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run every stage once more, as DVC does; return what dvc.lock says of each, and what it has `read`."""
    folder = finished_run.copy(tmp_path_factory.mktemp("reading") / "clone")
    locked: dict[str, Any] = {
        name: stage
        for pipeline in ("dvc.lock", "cells/dvc.lock")
        for name, stage in YAML(typ="safe").load(folder / pipeline)["stages"].items()
    }
    # The report first, on results as they were left, then those that do more when asked for more.
    for name in ["report", *(name for name in locked if name not in ("report", "saturation")), "saturation"]:
        if name == "saturation":
            ask_for_saturation(folder)
        command = locked[name]["cmd"].removeprefix("exec ").replace("python ", f"{READING} ")
        run(*shlex.split(command), cwd=folder)
        locked[name]["read"] = json.loads((folder / "read.json").read_text())
        locked[name]["named"] = named_with_digests(folder, locked[name])
    return locked


def named_with_digests(folder: Path, stage: Any) -> list[str]:
    """Return the files whose digests stand in what a stage depends on: a change of one is a change of that."""
    lists = [path for each in stage["deps"] for path in (folder / each["path"]).rglob("files.json")]
    return [
        os.path.relpath(path.parent / entry["path"], folder)
        for path in lists
        for entry in json.loads(path.read_text())["files"].values()
    ]


def ask_for_saturation(folder: Path) -> None:
    params = YAML().load(folder / "params.yaml")
    params["perf"]["slo"]["p95_ms"] = 1000.0
    params["saturation"].update(distribution="poisson", rounds=6)
    YAML().dump(params, folder / "params.yaml")


def test_every_stage_was_watched(stages: dict[str, Any]) -> None:
    """None of them reads nothing."""
    assert [name for name, stage in stages.items() if not stage["read"]["files"] or not stage["read"]["keys"]] == []


def test_a_stage_reads_only_files_that_it_depends_on(stages: dict[str, Any]) -> None:
    """Another file is one after whose change DVC would not run it again."""
    unknown = {
        name: [path for path in stage["read"]["files"] if not is_below(path, files_of(stage), "/")]
        for name, stage in stages.items()
    }
    assert {name: paths for name, paths in unknown.items() if paths} == {}


def test_a_stage_reads_only_keys_that_it_depends_on(stages: dict[str, Any]) -> None:
    """Of params.yaml: a key that is not among its parameters would change nothing until something else did."""
    unknown = {
        name: [key for key in stage["read"]["keys"] if not is_below(key, {*keys_of(stage), *KEYS_OF_ALL}, ".")]
        for name, stage in stages.items()
    }
    assert {name: keys for name, keys in unknown.items() if keys} == {}


def test_a_stage_depends_on_no_key_that_it_does_not_read(stages: dict[str, Any]) -> None:
    """A change of it would train, or measure, for nothing."""
    idle = {
        name: sorted(
            key for key in keys_of(stage) if not any(is_below(each, {key}, ".") for each in stage["read"]["keys"])
        )
        for name, stage in stages.items()
    }
    assert {name: keys for name, keys in idle.items() if set(keys) - OF_ONES_OWN} == {}


def files_of(stage: Any) -> set[str]:
    stated = (each["path"] for each in (*stage["deps"], *stage["outs"]))
    return {*stated, *stage["named"], *stage["params"], *CODE, *OF_ALL}


def keys_of(stage: Any) -> set[str]:
    return set(stage["params"]["params.yaml"])


def is_below(path: str, places: set[str], separator: str) -> bool:
    return any(path == place or path.startswith(f"{place}{separator}") for place in places)
