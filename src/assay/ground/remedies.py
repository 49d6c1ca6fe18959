"""Which command makes a damaged file again: dvc.yaml says whose output it is."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from assay.ground.paths import ROOT

PIPELINES = ("dvc.yaml", "checks/dvc.yaml", "cells/dvc.yaml", "race/dvc.yaml")


def remedy(path: Path) -> str:
    """Return what to do about a damaged file of this project's."""
    here = os.path.relpath(path, ROOT)
    # Of an output with a name of its own and one of a matrix, the first.
    for pipeline, stage, pattern, kept in sorted(_outputs(), key=lambda each: "(" in each[2]):
        if found := re.fullmatch(rf"{pattern}(/.*)?", here):
            if kept:  # it is what an earlier run left, and nobody makes it again
                return f"delete it, or bring it back with `git checkout HEAD -- {here}`"
            name = f"{stage}@{found[1]}" if "(" in pattern else stage
            address = name if pipeline == PIPELINES[0] else f"{pipeline}:{name}"
            return f"make it again with `dvc repro --force --single-item {address}`"
    for folder in path.absolute().parents:
        tracked = ROOT / f"{os.path.relpath(folder, ROOT)}.dvc"
        if folder.is_relative_to(ROOT) and tracked.exists():
            name = os.path.relpath(tracked, ROOT)  # in which DVC may have noted the damage already
            return f"bring it back with `git checkout {name} && dvc checkout --force {name}`, or bring it again"
    if here.startswith(".."):
        return "bring it back from where it came"
    return f"bring it back with `git checkout HEAD -- {here}`"


def _outputs() -> Iterator[tuple[str, str, str, bool]]:
    """Yield the file, the stage and a pattern for the path of every output, and whether the stage keeps what it has."""
    # Only who has a damaged file needs it, and it takes a moment to load.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    for pipeline in PIPELINES:
        try:
            stages = YAML(typ="safe").load((ROOT / pipeline).read_text(encoding="utf-8"))["stages"]
        except (OSError, YAMLError, ValueError, TypeError, KeyError):
            continue  # that file is damaged, too, and DVC says so
        for name, stage in stages.items():
            for out in (*stage.get("outs", []), *stage.get("metrics", [])):
                path, settings = next(iter(out.items())) if isinstance(out, dict) else (out, {})
                # What a matrix puts into a path is what it puts behind the stage's name.
                pattern = re.sub(r"\\\$\\\{[^}]*\\\}", "([^/]+?)", re.escape(path))
                yield pipeline, name, pattern, bool(settings.get("persist"))
