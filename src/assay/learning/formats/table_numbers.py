"""The numbers in a CSV file: digits, a sign, a point, an exponent, as spreadsheets write them."""

import re
from itertools import chain, compress

import numpy as np

from assay.ground.quoting import quoted
from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.separators import separator_in
from assay.learning.formats.stored import INSTEAD_OF_VANISHING

# Python's own numbers have more: 5_004, nan, infinity, the digits and the blanks of all scripts.
SIGNS = re.compile(r"[0-9+\-.eE \t]*")
# What comes before an exponent, of a number that is not 0.
MORE_THAN_ZERO = re.compile(r"[^eE]*[1-9]")


def is_number(text: str) -> bool:
    """Return whether a cell is a number, be there blanks around it."""
    if not SIGNS.fullmatch(text):
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(rows: list[tuple[int, list[str]]], names: tuple[str, ...], places: list[int], gap: str) -> np.ndarray:
    """Return the features of some rows, with the line of each, as float64 [rows, columns].

    Raises UnreadableError at a cell that is no number, or none that is finite in 32 bits, or 0 there only; `gap` says
    of one that is empty what to do.
    """
    cells = [[row[place] for place in places] for _, row in rows]
    if SIGNS.fullmatch("".join(chain.from_iterable(cells))):
        try:
            found = np.array(cells, np.float64)
            with np.errstate(over="ignore", under="ignore"):
                stored = found.astype(np.float32)
            zeros = set(compress(chain.from_iterable(cells), (stored == 0).ravel().tolist()))
            if np.isfinite(stored).all() and not any(map(MORE_THAN_ZERO.match, zeros)):
                return found
        except ValueError:
            pass
    raise next(filter(None, (_wrong(line, row, names, gap) for (line, _), row in zip(rows, cells, strict=True))))


def _wrong(line: int, cells: list[str], names: tuple[str, ...], gap: str) -> UnreadableError | None:
    for name, cell in zip(names, cells, strict=True):
        where = f"for {quoted(name)} in line {line}"
        if not cell.strip():
            return UnreadableError(f"has nothing {where}{gap}")
        if not is_number(cell):
            if sign := separator_in(cell):
                return UnreadableError(f"has {quoted(cell)} {where}, not a number: commas separate fields, not {sign}")
            hint = any(each.isdigit() for each in cell)
            how = " as in -1234.5 or 1e-3: with a decimal point, and nothing between thousands" if hint else ""
            return UnreadableError(f"has {quoted(cell)} {where}, not a number{how}")
        if abs(float(cell)) > np.finfo(np.float32).max:
            return UnreadableError(f"has {quoted(cell)} {where}, beyond the largest 32-bit float")
        if MORE_THAN_ZERO.match(cell) and not np.float32(float(cell)):
            return UnreadableError(
                f"has {quoted(cell)} {where}, closer to 0 than any 32-bit float; {INSTEAD_OF_VANISHING}"
            )
    return None
