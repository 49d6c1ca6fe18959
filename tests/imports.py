"""What the package's files import, read from their text."""

import ast
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

SOURCE = ROOT / "src"


def of_package(module: str) -> Path | None:
    """Return the file of one of the package's modules."""
    path = SOURCE / Path(*module.split("."))
    files = [each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()]
    return files[0] if module.startswith("assay") and files else None


def imported(path: Path, *, later: bool = True) -> Iterator[Path]:
    """Yield the package's files that a file imports, at its top and `later`, in a function; not for types alone."""
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef) and not later:
            continue
        todo += ast.iter_child_nodes(node)
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        yield from filter(None, map(of_package, modules))
