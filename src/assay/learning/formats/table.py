"""Examples in a CSV file: one line of names, then a line an example; a column `label`, features in all others."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from assay.ground.numerals import counted
from assay.learning.formats.decoding import UnreadableError, check_file, check_size, decoding
from assay.learning.formats.separators import other_separator, told_separator
from assay.learning.formats.table_header import LABEL, check_header, comment_in, features_in
from assay.learning.formats.table_numbers import numbers

# Characters of a row, on however many lines: half a million numbers.
LONGEST_ROW = 10_000_000
# Held as text at a time, which takes many times the memory of numbers.
CELLS_AT_ONCE = 1_000_000
# What to do about an empty cell, of a table to learn from and of one to answer.
GAP_TO_LEARN = "; give a number, or leave out the row or the column"
GAP_TO_ANSWER = ", and the model needs a number there; give one, or leave out the row"


class Table(NamedTuple):
    """Rows of features x float64 [N, columns], finite as 32-bit floats, and their labels, str [N], empty for none."""

    columns: tuple[str, ...]
    x: np.ndarray
    labels: np.ndarray


class _Rows:
    """The rows of a CSV file, each with the line in which it begins; a row that is too long ends them."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._left = file, LONGEST_ROW
        self.begin = ""  # the first line of the row that is read
        # Strict: a quotation mark that nobody closes would take in all that follows.
        self._reader = csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(self._left):
            self._left -= len(line)
            if self._left <= 0:
                raise UnreadableError(f"has a row of more than {LONGEST_ROW:,} characters")
            self.begin = self.begin or line
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        line = 1
        try:
            for row in self._reader:
                yield line, row
                line, self._left, self.begin = self._reader.line_num + 1, LONGEST_ROW, ""
        except csv.Error as error:
            # A quotation mark with something else than a comma behind it is a mistake, too.
            if other := other_separator(line, self.begin, fields=1):
                raise UnreadableError(other) from None
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
        found = _Rows(file)
        rows = iter(found)
        _, header = next(rows, (1, []))
        if told := told_separator(found.begin):
            raise UnreadableError(told)
        try:
            check_header(header, features, labelled, columns)
        except UnreadableError:
            if other := comment_in(found.begin) or other_separator(1, found.begin, fields=features + labelled):
                raise UnreadableError(other) from None
            raise
        names = columns or features_in(header)
        at = {name: place for place, name in enumerate(header)}
        places, at_label = [at[name] for name in names], at[LABEL] if labelled else None
        parts: list[np.ndarray] = []
        labels: list[str] = []
        count = 0
        whole = _whole(rows, len(header))
        while block := list(islice(whole, max(1, CELLS_AT_ONCE // len(header)))):
            count += len(block)
            check_size(count, features * np.dtype(np.float64).itemsize)
            parts.append(numbers(block, names, places, GAP_TO_LEARN if labelled else GAP_TO_ANSWER))
            if at_label is not None:
                labels += [_label(line, row[at_label]) for line, row in block]
        if not parts:
            raise UnreadableError("has no examples, only a header")
    return Table(names, np.concatenate(parts), np.array(labels, object))


def _whole(rows: Iterator[tuple[int, list[str]]], fields: int) -> Iterator[tuple[int, list[str]]]:
    """Return rows of so many fields; raise UnreadableError at another. Empty ones at the end, as of Excel, are none."""
    empty = None
    for line, row in rows:
        if not any(field.strip() for field in row):
            empty = empty or line
            continue
        if empty:
            raise UnreadableError(f"has nothing in line {empty}, and examples after it; leave that line out")
        if len(row) != fields:
            if other := other_separator(line, ",".join(row), fields):
                raise UnreadableError(other)
            raise UnreadableError(
                f"has {counted(len(row), 'field')} in line {line}, and {fields} in its header{_surplus(row, fields)}"
            )
        yield line, row


def _surplus(row: list[str], fields: int) -> str:
    """Return what may have made too many fields of a row, and what to do about it."""
    if len(row) < fields:
        return ""
    if len(row) == fields + 1 and not row[-1]:
        return "; leave out the comma at its end"
    return "; numbers have decimal points, and text that has a comma stands in quotation marks"


def _label(line: int, label: str) -> str:
    if not label:
        raise UnreadableError(f"has no label in line {line}")
    return label
