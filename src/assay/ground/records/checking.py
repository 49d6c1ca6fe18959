"""Check what was read against the shape that it should have: a type that pydantic knows."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import get_type_hints

from assay.ground.files import damaged, read_json, shown, write_json
from assay.ground.process import StageError
from assay.ground.quoting import cut, quoted
from assay.ground.remedies import remedy

# What is beyond is no measurement, and what is computed from it would be no number.
LARGEST, SMALLEST = 10**18, 1e-18
Positive = Annotated[float, Field(gt=0, ge=SMALLEST, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST)]
Name = Annotated[str, Field(min_length=1)]
# What a person needs to see of a place deep in a file, and of what is wrong there.
LONGEST_PLACE, LONGEST_REASON = 120, 240


def _when(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its zone, as in 2026-01-01T12:00:00+00:00")
    return text


Time = Annotated[str, AfterValidator(_when)]


# Made once for each shape: that takes longer than to check with it.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def complaint(content: Any, shape: Any) -> str | None:
    """Return where the content of a JSON file, or of an answer, has not this shape, and why; None if it has."""
    try:
        # As JSON, where a list may be a tuple; strictly, because the content is used as it is: a text is no number.
        _adapter(shape).validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = cut(".".join(map(str, first["loc"])), LONGEST_PLACE) or "the whole"
        said = cut(" ".join(first["msg"].removeprefix("Value error, ").split()), LONGEST_REASON)
        value = "" if isinstance(first["input"], Mapping | list) else f" (it is {quoted(first['input'])})"
        return f"{place}: {said}{value}"
    return None


def format_of(shape: Any) -> int | None:
    """Return the number of the format that a file of a shape has; None of one that says none."""
    shape = get_args(shape)[0] if get_origin(shape) is Annotated else shape
    hint = get_type_hints(shape).get("format") if isinstance(shape, type) else None
    return int(get_args(hint)[0]) if get_origin(hint) is Literal else None


def write_record(path: Path, shape: Any, content: Mapping[str, Any]) -> None:
    """Write a JSON file of ours, with the format of its shape; `read_record` reads it."""
    number = {"format": format_of(shape)}  # what is read from another file may hold that one's
    write_json(path, number | {**content} | number)


def read_record(path: Path, shape: Any) -> Any:
    """Return the content of a JSON file of ours that has a shape.

    Raises StageError that names the file, what is wrong in it, or that it is of another format than is read here, and
    what mends it; FileNotFoundError if there is none.
    """
    content = read_json(path)
    if (known := format_of(shape)) is not None and isinstance(content, Mapping):
        found = content.get("format", "older")
        if type(found) is not int or found != known:  # true equals 1
            which = f"format {found}" if type(found) is int else "an older format"
            raise StageError(f"{shown(path)} is of {which}, and format {known} is read here; {remedy(path)}")
    if why := complaint(content, shape):
        raise damaged(path, why)
    return content
