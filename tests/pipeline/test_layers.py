"""The rooms of the package: what each is for, and which may know of which."""

import ast
from itertools import pairwise
from pathlib import Path

from conftest import ROOT
from imports import imported

PACKAGE = ROOT / "src" / "assay"
# From the ground up: nothing imports from what stands behind it.
ROOMS = [
    "ground",
    "params",
    "tensors",
    "statistics",
    "scoring",
    "machine",
    "learning",
    "exporting",
    "serving",
    "servers",
    "repositories",
    "load",
    "measuring",
    "profiling",
    "deciding",
    "racing",
    "saturation",
    "predicting",
    "comparing",
    "telling",
    "validation",
]
# What people run by the package's name: as a script in tools/, it stands above all rooms.
SCRIPTS = {"bring.py"}
FOLDERS = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_its_place() -> None:
    """No folder beside them, and none twice."""
    assert sorted(folder.name for folder in FOLDERS if folder.parent == PACKAGE) == sorted(ROOMS)


def room_of(path: Path) -> int:
    """Return which room a module is in; the package's own docstring is in none, and below them all, scripts above."""
    first = path.relative_to(PACKAGE).parts[0]
    if first in SCRIPTS:
        return len(ROOMS)
    return -1 if first == "__init__.py" else ROOMS.index(first)


def test_no_import_runs_upwards() -> None:
    """A room knows those below it, and itself."""
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {each.relative_to(PACKAGE)}"
        for path in MODULES
        for each in imported(path)
        if room_of(each) > room_of(path)
    ]
    assert upwards == []


def test_there_is_no_circle() -> None:
    """No module leads back to itself, within a room either."""
    assert circle({path: at_import(path) for path in MODULES}) == []


def test_a_circle_is_found() -> None:
    """Of modules that import each other by a third, and of one that imports itself; not of two ways to one."""
    a, b, c = map(Path, "abc")
    assert circle({a: {b}, b: {c}, c: {a}}) == [a, b, c, a]
    assert circle({a: {b}, b: {b}}) == [b, b]
    assert circle({a: {b, c}, b: {c}, c: set()}) == []


def circle(imports: dict[Path, set[Path]]) -> list[Path]:
    """Return a way from a module back to itself, empty if there is none."""

    def visit(path: Path, way: list[Path]) -> list[Path]:
        if path in way:
            return [*way[way.index(path) :], path]
        if path in done:
            return []
        for each in sorted(imports[path]):
            if found := visit(each, [*way, path]):
                return found
        done.add(path)
        return []

    done: set[Path] = set()
    return next((found for path in sorted(imports) if (found := visit(path, []))), [])


def at_import(path: Path) -> set[Path]:
    """Return what a module imports as it is imported, but for the packages that it is in."""
    packages = {folder / "__init__.py" for folder in path.parents}
    return {each for each in imported(path, later=False) if each not in packages}


def test_a_room_says_in_a_sentence_what_it_is_for() -> None:
    """Its first line, which docs/architecture.md repeats in its own words."""
    for folder in FOLDERS:
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert said, folder
        assert said.splitlines()[0].endswith("."), folder


def test_the_documentation_names_the_rooms_in_their_order() -> None:
    """What a stranger reads is how it is."""
    places = [(ROOT / "docs" / "architecture.md").read_text().index(f"\n  {room}/ ") for room in ROOMS]
    assert all(one < other for one, other in pairwise(places))


def test_scripts_alone_know_all_of_params_yaml() -> None:
    """A room takes the section, or the values, that it needs."""
    schema = PACKAGE / "validation" / "schema.py"
    assert schema in MODULES
    assert {path.name for path in MODULES if schema in set(imported(path))} == SCRIPTS


def test_nobody_imports_a_stage() -> None:
    """A tool or a benchmark that did would find it only where the path happens to lead there."""
    stages = {path.stem for path in (ROOT / "stages").glob("*.py")}
    code = [path for folder in ("src", "stages", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    importing = {
        path.name: sorted(stages & set(modules))
        for path in code
        if stages & set(modules := [name for node in ast.walk(ast.parse(path.read_text())) for name in top_level(node)])
    }
    assert importing == {}


def top_level(node: ast.AST) -> list[str]:
    """Return the top-level modules that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return [each.name.partition(".")[0] for each in node.names] if isinstance(node, ast.Import) else []


def test_stages_are_short_and_the_package_has_no_long_file() -> None:
    """A stage reads, calls, writes; a file above 300 lines is two things."""
    lengths = {path: len(path.read_text().splitlines()) for path in [*(ROOT / "stages").glob("*.py"), *MODULES]}
    assert [path.name for path, length in lengths.items() if path.parent.name == "stages" and length > 150] == []
    assert [path.name for path, length in lengths.items() if length > 300] == []


def test_the_readme_is_the_first_ten_minutes() -> None:
    """What does not fit a few screens stands in docs/."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
