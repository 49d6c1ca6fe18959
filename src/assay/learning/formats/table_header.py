"""The first line of a CSV file: names of columns, as a table is known by them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from assay.ground.numerals import agreeing, counted
from assay.ground.quoting import listed, quoted
from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.stored import LARGEST_PIXEL
from assay.learning.formats.table_numbers import is_number

LABEL = "label"
# Nothing, and what pandas calls such a column when it reads it.
UNNAMED = re.compile(r"\s*|Unnamed: \d+")


def features_in(header: list[str]) -> tuple[str, ...]:
    """Return the names of all columns but the label's."""
    return tuple(name for name in header if name != LABEL)


def comment_in(first_line: str) -> str | None:
    """Return, in words, that a comment stands where the names of columns should, None if none does."""
    comment = first_line.strip()
    return f"begins with {quoted(comment)}, which names no columns; leave that line out" if comment[:1] == "#" else None


def check_header(header: list[str], features: int, labelled: bool, columns: tuple[str, ...] | None) -> None:
    """Raise UnreadableError unless a header names the label, if it must, and so many features, those that are known."""
    if not header:
        raise UnreadableError("is not a readable CSV file: its first line is empty")
    if unnamed := [place for place, name in enumerate(header, start=1) if UNNAMED.fullmatch(name)]:
        raise UnreadableError(f"has no name for column {unnamed[0]} of {len(header)}; {_name_it(header, unnamed[0])}")
    if twice := [name for name, times in Counter(header).items() if times > 1]:
        raise UnreadableError(f"has several columns named {listed(twice)}")
    if labelled and LABEL not in header:
        raise UnreadableError(f"has no column `{LABEL}`; {_instead_of([LABEL], header)}")
    if LABEL not in header and all(map(is_number, header)) and not _are_names(header, columns):
        raise UnreadableError("has no header: its first line holds nothing but numbers; write names above them")
    names = features_in(header)
    known, found = columns or names, set(header)
    if missing := [name for name in known if name not in found]:
        shown = agreeing(len(missing), "column", "columns")
        raise UnreadableError(f"has no {shown} {listed(missing)}; {_instead_of(missing, header)}")
    wanted = set(known)
    if surplus := [name for name in names if name not in wanted]:
        shown = agreeing(len(surplus), "a column that was", "columns that were")
        raise UnreadableError(
            f"has {shown} not learned from: {listed(surplus)}; leave {agreeing(len(surplus), 'it', 'them')} out"
        )
    if not names:
        raise UnreadableError(f"has no column but `{LABEL}`; give it {counted(features, 'column')} of features, too")
    if len(names) != features:
        raise UnreadableError(f"has {counted(len(names), 'column')} of features, not {features:,}: {listed(names)}")


def _name_it(header: list[str], place: int) -> str:
    """Return what to do about a column without a name."""
    if place == len(header) and not header[-1].strip():
        return "its first line ends in a comma: leave that out in every line, or name the column"
    if place == 1:
        return "leave out what is no feature: pandas does not write its index with to_csv(…, index=False); or name it"
    return "name it, or leave it out in every line"


def _instead_of(missing: Iterable[str], header: list[str]) -> str:
    wanted = set(map(_loosely, missing))
    if nearly := [name for name in header if _loosely(name) in wanted]:
        return f"nearly called so: {listed(nearly)}; write it the same, in blanks and capitals, too"
    return f"its {agreeing(len(header), 'column', 'columns')}: {listed(header)}"


def _loosely(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _are_names(numbers: list[str], columns: tuple[str, ...] | None) -> bool:
    """Return whether numbers are names of columns: known ones, or 0, 1, 2, … beyond what pixels could be.

    Pandas counts columns so that nobody named.
    """
    if columns:
        return set(numbers) == set(columns)
    return len(numbers) > LARGEST_PIXEL + 1 and numbers == list(map(str, range(len(numbers))))
