"""Stand in for a stage: write its outputs from a digest of all that dvc.yaml says it depends on.

Run by the invalidation test in place of a stage's own command:
`python tests/stub.py stages/perf.py fp32-1-64-off`.
"""

import hashlib
import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml


def lookup(params: Any, path: str) -> Any:
    for key in path.split("."):
        params = params[key]
    return params


def digest(paths: list[str], values: Any = None) -> str:
    """Return a digest of files, of everything in folders, and of values."""
    found = hashlib.sha256(json.dumps(values).encode())
    for path in map(Path, paths):
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" not in file.parts:
                found.update(f"{file}\n".encode() + file.read_bytes())
    return found.hexdigest()


def write(path: Path, text: str) -> None:
    """Write a file, or a folder with one file in it if the path has no suffix."""
    target = path if path.suffix else path / "content.txt"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def cells(params: Any) -> list[tuple[str, str]]:
    """Return the name and the variant of each cell."""
    perf = params["perf"]
    axes = (params["onnx"]["variants"], perf["instances"], perf["max_batch_size"], perf["dynamic_batching"])
    return [("-".join(map(str, values)), str(values[0])) for values in itertools.product(*axes)]


def main() -> None:
    script, *arguments = sys.argv[1:]
    # The fast reader, for hundreds of these are started; texts alone, or it would take `off` for a truth value.
    names = ("params.yaml", "dvc.yaml", "checks/dvc.yaml", "cells/dvc.yaml", "race/dvc.yaml")
    params, *pipelines = (yaml.load(Path(name).read_text(), yaml.CBaseLoader) for name in names)  # noqa: S506
    stages = {name: stage for each in pipelines for name, stage in each["stages"].items()}
    beside = {"anchor_copy": "perf-anchor", "default_threads": "perf-default-threads"}
    name = next((beside[word] for word in arguments if word in beside), None) or next(
        name for name, stage in stages.items() if script in stage["cmd"]
    )
    here = {"item.variant": arguments[0], "key": arguments[0]} if arguments else {}

    def resolve(text: str) -> str:
        return re.sub(r"\$\{([\w.]+)\}", lambda found: str(here.get(found[1]) or lookup(params, found[1])), text)

    if name == "raw-data":
        write(Path("reports/raw_data.json"), json.dumps({"files": digest([f"datasets/{params['dataset']}"])}))
        return
    if name == "machine":
        found = json.loads(Path("machine.txt").read_text())
        write(Path("reports/machine.json"), json.dumps({**found, "server": digest(["triton/backends"])}))
        write(Path("reports/libraries.json"), Path("libraries.txt").read_text())
        return
    stage = stages[name]
    deps = [resolve(dep) for dep in stage.get("deps", [])]
    keys = [resolve(each) for each in stage.get("params", []) if isinstance(each, str)]
    values = [lookup(params, key) for key in keys]
    for beside_params in (each for each in stage.get("params", []) if isinstance(each, dict)):
        for file, names_in_it in beside_params.items():
            values += [lookup(json.loads(Path(file).read_text()), name) for name in names_in_it]
    said = digest(deps, values)
    if name == "verdict":
        write(Path("reports/verdict.json"), json.dumps({"recommended": said}))
        return
    if name == "triton-config":
        for cell, variant in cells(params):
            text = digest([f"artifacts/onnx/{variant}", *(dep for dep in deps if dep.endswith(".py"))])
            write(Path("artifacts/model_repository") / cell, text)
            write(Path("artifacts/model_repository") / f"classifier-{variant}", text)
        write(Path("artifacts/model_repository/anchor"), digest(["triton/anchor/config.pbtxt"]))
        most = max(params["perf"]["instances"])
        write(Path("artifacts/model_repository/default_threads"), f"{text} {most}")
        return
    if name == "data":
        write(Path("artifacts/data/test.npz"), said)
    for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
        write(Path(resolve(next(iter(out)) if isinstance(out, dict) else out)), said)


if __name__ == "__main__":
    main()
