"""What separates the fields of a table, where commas do not: half of Europe's spreadsheets, and columns of text."""

import re

from assay.ground.quoting import quoted

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
# How some programs tell Excel what separates the fields below; one that saves it again adds empty fields.
TOLD_SEPARATOR = re.compile(r'"?sep=(.?)"?[,;\t|]*')
WITH_COMMAS = "save it with commas between fields, and with decimal points in numbers"


def told_separator(first_line: str) -> str | None:
    """Return, in words, that a table begins by telling Excel what separates its fields; None if it does not."""
    told = TOLD_SEPARATOR.fullmatch(first_line.rstrip("\r\n"))
    if not told:
        return None
    more = "" if told[1] == "," else f", and {WITH_COMMAS}"
    return f"begins with {quoted(told[0])}, which is no name; leave that line out{more}"


def other_separator(line: int, text: str, fields: int) -> str | None:
    """Return, in words, what else than commas separates the fields of a line that is not as it should be, or None.

    There is more of that than of commas, or it makes as many fields as there should be, and they do not.
    """
    commas, words = text.count(","), text.split()
    counts = {name: text.count(sign) for sign, name in SEPARATORS.items()}
    signs = (name for name, count in counts.items() if count > commas or 1 < fields == count + 1 != commas + 1)
    name = next(signs, "blanks" if not commas and 1 < fields <= len(words) else None)
    return f"has its fields separated by {name} in line {line}; {WITH_COMMAS}" if name else None


def separator_in(cell: str) -> str | None:
    """Return the name of what may separate two fields in a cell, None if nothing does."""
    return next((name for sign, name in SEPARATORS.items() if sign in cell.strip()), None)
