"""Run a stage as DVC does, and write down which of the workspace's files and which keys of params.yaml it reads.

Run in a workspace that has the stage's inputs: `python tests/reading.py RECORD stages/verdict.py`.
What programs that are not Python read by themselves is not seen: a server, perf_analyzer.
"""

import assay.ground.stage  # noqa: F401  first, as in every script

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from assay.ground import dvc_lock
from assay.ground.paths import ROOT
from assay.params.section import Section
from assay.validation import schema

files: set[str] = set()
keys: set[str] = set()
# By the section's identity: where it stands in params.yaml. They are kept, so that no other gets an identity of theirs.
places: dict[int, tuple[Section, str]] = {}


def note_file(event: str, arguments: tuple[Any, ...]) -> None:
    """Take down a file that is opened to be read."""
    if event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & os.O_ACCMODE == os.O_RDONLY:
        path = Path(os.path.abspath(os.fsdecode(arguments[0])))  # noqa: PTH100  Path.resolve() would open files
        if path.is_relative_to(ROOT):
            files.add(str(path.relative_to(ROOT)))


def place(section: Section, path: str) -> None:
    """Remember where a section and those in it stand."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            place(value, f"{path}{name}.")
    places[id(section)] = section, path  # after it was looked through, which is not a stage's reading


def note_keys() -> None:
    """From here on, take down which keys are asked for, and no file that is only compared with dvc.lock."""
    get, dump, load, check = Section.__getattribute__, Section.model_dump, schema.load_params, dvc_lock.check_results

    def noting(self: Section, name: str) -> Any:
        value = get(self, name)
        if id(self) in places and name in type(self).model_fields and not isinstance(value, Section):
            keys.add(places[id(self)][1] + name)
        return value

    def noting_all(self: Section, *, include: Any = None, exclude: Any = (), **how: Any) -> Any:
        path = places[id(self)][1] if id(self) in places else None
        if path or include:  # who takes all of params.yaml at once compares it with dvc.lock
            keys.update(f"{path or ''}{name}" for name in set(include or type(self).model_fields) - set(exclude))
        return dump(self, include=include, exclude=set(exclude) or None, **how)

    def loading(*arguments: Any) -> schema.Params:
        params = load(*arguments)
        place(params, "")
        return params

    def checking(*arguments: Any) -> None:
        read = set(files)
        check(*arguments)  # reads whatever dvc.lock names, and takes nothing from it
        files.intersection_update(read)

    for owner, name, function in (
        (Section, "__getattribute__", noting),
        (Section, "model_dump", noting_all),
        (schema, "load_params", loading),
        (dvc_lock, "check_results", checking),
    ):
        setattr(owner, name, function)


if __name__ == "__main__":
    record, *sys.argv = sys.argv[1:]
    note_keys()
    sys.addaudithook(note_file)
    sys.path.insert(0, str(ROOT / "stages"))
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        Path(record).write_text(
            json.dumps({"files": sorted(each for each in files if (ROOT / each).is_file()), "keys": sorted(keys)})
        )
