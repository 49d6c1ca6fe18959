"""Examples in a CSV file: one line of names, then a line an example; a column `label`, features in all others."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from runtime.quoting import listed, quoted
from sources.decoding import UnreadableError, check_file, check_size, decoding
from sources.stored import LARGEST_PIXEL

LABEL = "label"
# Nothing, and what pandas calls such a column when it reads it.
UNNAMED = re.compile(r"\s*|Unnamed: \d+")
# Characters of a row, on however many lines: half a million numbers.
LONGEST_ROW = 10_000_000
# Held as text at a time, which takes many times the memory of numbers.
CELLS_AT_ONCE = 1_000_000


class Table(NamedTuple):
    """Rows of features x float64 [N, columns], finite as 32-bit floats, and their labels, str [N], empty for none."""

    columns: tuple[str, ...]
    x: np.ndarray
    labels: np.ndarray


class _Rows:
    """The rows of a CSV file, each with the line in which it begins; a row that is too long ends them."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._left = file, LONGEST_ROW
        # Strict: a quotation mark that nobody closes would take in all that follows.
        self._reader = csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(self._left):
            self._left -= len(line)
            if self._left <= 0:
                raise UnreadableError(f"has a row of more than {LONGEST_ROW:,} characters")
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        line = 1
        try:
            for row in self._reader:
                yield line, row
                line, self._left = self._reader.line_num + 1, LONGEST_ROW
        except csv.Error as error:
            raise UnreadableError(f"is not a readable CSV file: line {line}: {error}") from None
        except UnicodeDecodeError:
            raise UnreadableError("is not text in UTF-8; save it as that") from None


def read_table(path: Path, features: int, labelled: bool = True, columns: tuple[str, ...] | None = None) -> Table:
    """Return a table of so many features a row.

    With `columns` it must have these, and the features come in their order. Without `labelled` it need
    have no labels, and any are left out. Raises UnreadableError, naming the first bad line, if the file is
    no such table.
    """
    check_file(path)
    with decoding("CSV file"), path.open(encoding="utf-8-sig", newline="") as file:
        rows = iter(_Rows(file))
        _, header = next(rows, (1, []))
        _check_header(header, features, labelled, columns)
        names = columns or _features(header)
        at = {name: place for place, name in enumerate(header)}
        places, at_label = [at[name] for name in names], at[LABEL] if labelled else None
        parts: list[np.ndarray] = []
        labels: list[str] = []
        count = 0
        whole = _whole(rows, len(header))
        while block := list(islice(whole, max(1, CELLS_AT_ONCE // len(header)))):
            count += len(block)
            check_size(count, features * np.dtype(np.float64).itemsize)
            parts.append(_numbers(block, names, places))
            if at_label is not None:
                labels += [_label(line, row[at_label]) for line, row in block]
        if not parts:
            raise UnreadableError("has no examples, only a header")
    return Table(names, np.concatenate(parts), np.array(labels, object))


def _features(header: list[str]) -> tuple[str, ...]:
    return tuple(name for name in header if name != LABEL)


def _check_header(header: list[str], features: int, labelled: bool, columns: tuple[str, ...] | None) -> None:
    """Raise UnreadableError unless a header names the label, if it must, and so many features, those that are known."""
    if not header:
        raise UnreadableError("is not a readable CSV file: its first line is empty")
    if unnamed := [place for place, name in enumerate(header, start=1) if UNNAMED.fullmatch(name)]:
        raise UnreadableError(
            f"has no name for column {unnamed[0]} of {len(header)}; leave out what is no feature: "
            "pandas does not write its index with to_csv(…, index=False)"
        )
    if twice := [name for name, times in Counter(header).items() if times > 1]:
        raise UnreadableError(f"has several columns named {listed(twice)}")
    if labelled and LABEL not in header:
        raise UnreadableError(f"has no column `{LABEL}`; its columns: {listed(header)}")
    if LABEL not in header and all(map(_is_number, header)) and not _are_names(header, columns):
        raise UnreadableError("has no header: its first line holds nothing but numbers; write names above them")
    names = _features(header)
    known, found = columns or names, set(header)
    if missing := [name for name in known if name not in found]:
        raise UnreadableError(f"has no column {listed(missing)}; its columns: {listed(header)}")
    wanted = set(known)
    if surplus := [name for name in names if name not in wanted]:
        raise UnreadableError(f"has columns that were not learned from: {listed(surplus)}; leave them out")
    if len(names) != features:
        shown = "one column" if len(names) == 1 else f"{len(names):,} columns"
        raise UnreadableError(f"has {shown} of features, not {features:,}: {listed(names)}")


def _are_names(numbers: list[str], columns: tuple[str, ...] | None) -> bool:
    """Return whether numbers are names of columns: known ones, or 0, 1, 2, … beyond what pixels could be.

    Pandas counts columns so that nobody named.
    """
    if columns:
        return set(numbers) == set(columns)
    return len(numbers) > LARGEST_PIXEL + 1 and numbers == list(map(str, range(len(numbers))))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(rows: Iterator[tuple[int, list[str]]], fields: int) -> Iterator[tuple[int, list[str]]]:
    """Return rows of so many fields; raise UnreadableError at another. Empty lines at the end are none."""
    empty = None
    for line, row in rows:
        if not row:
            empty = empty or line
            continue
        if empty:
            raise UnreadableError(f"has nothing in line {empty}")
        if len(row) != fields:
            raise UnreadableError(f"has {len(row)} fields in line {line}, and {fields} in its header")
        yield line, row


def _numbers(block: list[tuple[int, list[str]]], names: tuple[str, ...], places: list[int]) -> np.ndarray:
    """Return the features of some rows, float64 [rows, columns]; raise UnreadableError at a cell that is no number."""
    cells = [[row[place] for place in places] for _, row in block]
    try:
        numbers = np.array(cells, np.float64)
        with np.errstate(over="ignore"):
            if np.isfinite(numbers.astype(np.float32)).all():
                return numbers
    except ValueError:
        pass
    raise next(filter(None, (_wrong(line, row, names) for (line, _), row in zip(block, cells, strict=True))))


def _wrong(line: int, cells: list[str], names: tuple[str, ...]) -> UnreadableError | None:
    for name, cell in zip(names, cells, strict=True):
        where = f"for {quoted(name)} in line {line}"
        if not cell.strip():
            return UnreadableError(f"has nothing {where}; give a number, or leave out the row or the column")
        if not _is_number(cell) or math.isnan(float(cell)):
            return UnreadableError(f"has {quoted(cell)} {where}, not a number")
        if abs(float(cell)) > np.finfo(np.float32).max:
            return UnreadableError(f"has {quoted(cell)} {where}, beyond the largest 32-bit float")
    return None


def _label(line: int, label: str) -> str:
    if not label:
        raise UnreadableError(f"has no label in line {line}")
    return label
