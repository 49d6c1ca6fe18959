"""Put what came from outside into a sentence: short, on one line, in characters that a terminal shows."""

import os
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

LONGEST = 60
MOST = 10


def cut(text: str, longest: int = LONGEST) -> str:
    """Return the text, or its beginning and … where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def cut_within(text: str, longest: int) -> str:
    """Return the text, or its beginning, … and its end where it is longer: of an error, the end tells what it is."""
    if len(text) <= longest:
        return text
    beginning = longest // 3
    return f"{text[:beginning]}…{text[len(text) - (longest - 1 - beginning) :]}"


def quoted(value: object) -> str:
    """Return a value as Python writes it, cut."""
    # A long text is cut before it is escaped, so that nobody waits for that.
    return cut(repr(value[: LONGEST + 1] if isinstance(value, str) else value))


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return a path as text for people: bytes that are not UTF-8, and what would end a line, as in \xff and \n."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def with_folder(path: Path) -> str:
    """Return a file with the folder that it is in, as a sentence names it."""
    return printable(Path(path.parent.name, path.name))


def listed(names: Iterable[object], most: int = MOST) -> str:
    """Return the first names, quoted, and how many more there are."""
    return ", ".join(first(list(map(quoted, names)), most))


def first(sentences: Sequence[str], most: int = MOST) -> list[str]:
    """Return the first sentences, and one that says how many more there are."""
    more = len(sentences) - most
    return [*islice(sentences, most), *([f"and {more:,} more"] if more > 0 else [])]


def without_secrets(text: str) -> str:
    """Return an address, or what is said of one, without a name and password, and without what follows a `?`."""
    # Up to the last @: a password may hold one that should have been written as %40.
    return re.sub(r"\?\S+", "?…", re.sub(r"(\w+://)?.*@", r"\1…@", text, flags=re.DOTALL))
