"""What the pages name is there: keys of params.yaml, files, commands."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PIPELINES, ROOT, run

from assay.validation.schema import Params

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TRACKED = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.splitlines()
TOP = {path.partition("/")[0] for path in TRACKED if "/" in path and not path.startswith(".")} | {"artifacts"}
WRITTEN = [
    re.sub(r"\$\{[^}]*\}", "*", next(iter(out)) if isinstance(out, dict) else out)
    for pipeline in PIPELINES
    for stage in yaml.safe_load((ROOT / pipeline).read_text())["stages"].values()
    for out in stage["outs"]
]
METRICS: dict[str, Any] = json.loads((ROOT / "reports" / "metrics.json").read_text())
# What fetching datasets writes.
WRITTEN += ["datasets/*"]
# A file of somebody's.
ARRAYS = (".npy", ".npz")
# What the shape of a name stands for: a cell's name, whatever else, one of two.
ANY = re.compile(r"<[^>]*>|…|NAME|\$\{[^}]*\}")


def named(text: str) -> Iterator[str]:
    """Yield every word of a page that is set as code, in a line or in a block."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    for code in (*blocks, *(each for each in inline if ": is now " not in each)):  # a message about a key that moved
        yield from (word.strip("'\",;:()[]") for word in code.split())


def leads_somewhere(key: str, content: Any) -> bool:
    """Return whether nested sections have a key such as `perf.slo.p95_ms`, or one that begins like it."""
    for name in key.split("."):
        if not isinstance(content, dict) or not (found := [each for each in content if fnmatch(each, name)]):
            return False
        content = content[found[0]]
    return True


def alternatives(path: str) -> list[str]:
    """Return the paths that one with `{a,b}` in it stands for."""
    before, brace, rest = path.partition("{")
    inside, _, after = rest.partition("}")
    return [each for word in inside.split(",") for each in alternatives(f"{before}{word}{after}")] if brace else [path]


def is_there(path: str) -> bool:
    """Return whether a path, or what fits its pattern, is a file or folder of the project, or what a stage writes."""
    folders = {str(folder) for each in (*TRACKED, *WRITTEN) for folder in Path(each).parents}
    return any(fnmatch(each, path) for each in (*TRACKED, *folders, *WRITTEN)) or any(
        fnmatch(path, each) or path.startswith(f"{each}/") for each in WRITTEN
    )


def unknown_keys(text: str) -> list[str]:
    """Return what looks like a key of params.yaml and is none, nor a metric, nor a file."""
    sections = Params().model_dump()
    words = {ANY.sub("*", word.partition("=")[0]) for word in named(text)}
    keys = [word for word in words if re.fullmatch(r"[a-z_]+(\.[a-z0-9_*]+)+", word) and not word.endswith(ARRAYS)]
    return sorted(
        key
        for key in keys
        if isinstance(sections.get(key.partition(".")[0]), dict)
        if not leads_somewhere(key, sections) and not leads_somewhere(key, METRICS) and not (ROOT / key).exists()
    )


def unknown_paths(text: str) -> list[str]:
    """Return what looks like a path of the project and is none, nor what a stage writes."""
    # Of a stage's address, the pipeline file.
    files = (re.sub(r"(\.yaml):.*", r"\1", word) for word in named(text) if "/" in word)
    words = {ANY.sub("*", word).rstrip("/") for word in files}
    code = {word for word in words if word.endswith((".py", ".cc")) and not word.startswith(("/", "*"))}
    lost = {
        word for word in code if not any(f"/{path}".endswith(f"/{word}") or fnmatch(path, word) for path in TRACKED)
    }
    paths = chain.from_iterable(alternatives(word) for word in words if word.partition("/")[0] in TOP)
    return sorted({path for path in paths if not is_there(path)} | lost)


def unknown_targets(text: str) -> list[str]:
    """Return what is to be made and is no target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    return sorted(set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) - targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    """Keys, files and targets move; a page that tells of the old ones sends its reader astray."""
    text = page.read_text(encoding="utf-8")
    assert (unknown_keys(text), unknown_paths(text), unknown_targets(text)) == ([], [], [])


def test_what_is_not_there_is_seen() -> None:
    """A key, a file, a target that moved."""
    text = (
        "`perf.client_cores=2` in `stages/open_loop.py`, `make benchmark`.\n\n```\n$ dvc exp run -S triton.x=1\n```\n"
    )
    assert unknown_keys(text) == ["perf.client_cores", "triton.x"]
    assert unknown_paths(text) == ["stages/open_loop.py"]
    assert unknown_targets(text) == ["benchmark"]
