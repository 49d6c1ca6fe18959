"""Which workspace a process works in, and how Python finds the code of that one and of no other.

A workspace is a folder with a dvc.yaml and this package's source in it: a clone, a worktree, the copy in which DVC
runs a queued experiment, the gate's reference. One environment serves them all, and so the package is not installed
into it: an installed one is one workspace's, and would run in all the others while DVC looks at their files. What is
installed is a copy of this file, which finds the package for each process.

Writes  assay_workspace.py and assay_workspace.pth among the environment's packages
Run     python src/assay/ground/workspace.py        (make environment)
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

PACKAGE = "assay"
# As `site` reads it when an interpreter of the environment starts.
NAME = "assay_workspace"
START = f"import {NAME}; {NAME}.install()\n"


def find_workspace() -> str | None:
    """Return the folder of the workspace that this process works in, None where there is none.

    It is that of the script that runs, where that is a stage, a tool or another program of a workspace; else the one
    around the working folder.
    """
    script = sys.argv[0] if sys.argv else ""
    try:
        if script.endswith(".py") and _is_workspace(
            folder := os.path.dirname(os.path.dirname(os.path.abspath(script)))
        ):
            return folder
        folder = os.getcwd()
    except FileNotFoundError:  # the working folder is gone
        return None
    while not _is_workspace(folder):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _is_workspace(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "dvc.yaml")) and os.path.isdir(source(folder))


def source(folder: str) -> str:
    """Return where the package lies in a workspace."""
    return os.path.join(folder, "src", PACKAGE)


class Finder:
    """Finds the package in the workspace of whoever imports it."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return where the package is, None of another name; raises ModuleNotFoundError outside of all workspaces."""
        if name != PACKAGE:
            return None
        if folder := find_workspace():
            return PathFinder.find_spec(name, [os.path.join(folder, "src")])
        if elsewhere := PathFinder.find_spec(name):
            return elsewhere
        raise ModuleNotFoundError(
            f"No module named {name!r}: there is no dvc.yaml with src/{name} beside it around this script or the "
            "working folder; run it in a clone of the project",
            name=name,
        )


def install() -> None:
    """Let this process find the package, before any other place is looked at."""
    sys.meta_path.insert(0, Finder)


def into_environment(packages: str) -> None:
    """Write a copy of this file, and what starts it with each interpreter, to a folder of packages."""
    with open(__file__, encoding="utf-8") as file:
        code = file.read()
    for name, text in ((f"{NAME}.py", code), (f"{NAME}.pth", START)):
        # Another process that starts meanwhile reads the one or the other, and nothing half-written.
        partial = os.path.join(packages, f".{name}.{os.getpid()}")
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(partial, os.path.join(packages, name))


if __name__ == "__main__":
    import sysconfig

    into_environment(sysconfig.get_path("purelib"))
