"""The section of params.yaml that describes inputs to be made for a model that was brought without samples."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from assay.params.section import Section

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_SYNTAX = {
    "normal": re.compile("normal"),
    "uniform": re.compile("uniform"),
    "zeros": re.compile("zeros"),
    "constant": re.compile(rf"constant (?P<value>{_NUMBER})"),
    "integers": re.compile(r"integers (?P<low>-?\d+) (?P<high>-?\d+)"),
    "lines": re.compile(r"lines (?P<file>[^/\\]+)"),
}
# It is a part of names of stages and files.
_SHAPE = re.compile(r"(?P<name>[\w.+-]+)_(?P<sizes>\d+(?:x\d+)*)")
LARGEST_SIZE = 2**20
VALUES_SYNTAX = "normal, uniform, zeros, constant VALUE, integers LOW HIGH, or lines FILE"


def parse_values(text: str) -> tuple[str, dict[str, str]]:
    """Return the kind of values that a text asks for, and what it says of them.

    `normal` has mean 0 and deviation 1, `uniform` lies from 0 to 1, `integers` between bounds that may occur, and
    `lines` are those of a text file. Raises ValueError, with the syntax, for anything else.
    """
    for kind, pattern in _SYNTAX.items():
        if match := pattern.fullmatch(text):
            bounds = match.groupdict()
            if kind == "integers":
                _check_bounds(text, int(bounds["low"]), int(bounds["high"]))
            return kind, bounds
    raise ValueError(f"{text!r} are no values; write {VALUES_SYNTAX}")


def _check_bounds(text: str, low: int, high: int) -> None:
    if low > high:
        raise ValueError(f"{text!r} has its smallest value after its largest")
    if low < -(2**63) or high >= 2**64:
        raise ValueError(f"{text!r} has bounds that no tensor holds")


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the sizes in a shape: `sequence_128` of an axis, `image_320x240` of an input's free axes.

    Raises ValueError, with the syntax, for anything else.
    """
    match = _SHAPE.fullmatch(text)
    sizes = tuple(int(size) for size in match["sizes"].split("x")) if match else ()
    if match is None or not all(1 <= size <= LARGEST_SIZE for size in sizes):
        raise ValueError(f"{text!r} is no shape; write AXIS_SIZE, as in sequence_128, or INPUT_SIZExSIZE")
    return match["name"], sizes


def shape_in_words(text: str) -> str:
    """Return a shape as in `sequence 128` or `image 320x240`."""
    name, sizes = parse_shape(text)
    return f"{name} {'x'.join(map(str, sizes))}"


def _values(text: str) -> str:
    parse_values(text)
    return text


class MadeInput(Section):
    """An entry of `inputs`: a tensor's name, the sizes of its free axes in their order, and what is in it."""

    name: Annotated[str, Field(min_length=1)]
    sizes: list[Annotated[int, Field(ge=1, le=LARGEST_SIZE)]] = Field(default_factory=list)
    values: Annotated[str, AfterValidator(_values)] = "normal"


def text_of(told: MadeInput) -> str | None:
    """Return the name of the text file whose lines an input is made of, None if it is made of none."""
    _, said = parse_values(told.values)
    return said.get("file")
