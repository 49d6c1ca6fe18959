"""Cells that are an earlier one under a second name: with that number of threads, or that option, nothing changes."""

from collections.abc import Mapping, Sequence

from assay.ground.numerals import agreeing
from assay.ground.records.measured import CellFile
from assay.params.cells import Cell


def second_names(cells: Sequence[Cell], files: Mapping[str, CellFile]) -> dict[str, str]:
    """Return which cells are configured as an earlier one of their variant is, by name."""
    first: dict[tuple[str, str], str] = {}
    found = {}
    for cell in cells:
        told = cell.variant, files[cell.name]["config"].replace(cell.name, "")
        if (same := first.setdefault(told, cell.name)) != cell.name:
            found[cell.name] = same
    return found


def second_names_in_words(found: Mapping[str, str]) -> list[str]:
    """Say of which configuration each is a second name, and that it is no other one to choose from."""
    if not found:
        return []
    names = ", ".join(f"`{name}` is `{same}`" for name, same in found.items())
    was = agreeing(len(found), "it was", "they were")
    return [
        f"{names} under a second name, for that number of threads, or that option, changes nothing: {was} measured, "
        "and counted as no other configuration."
    ]
