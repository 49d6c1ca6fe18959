"""Check what was read against the shape that it should have: a type that pydantic knows."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from runtime.files import damaged, read_json
from runtime.quoting import cut, quoted

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


def read_record(path: Path, shape: Any) -> Any:
    """Return the content of a JSON file of ours that has a shape.

    Raises StageError that names the file, what is wrong in it and what mends it; FileNotFoundError if
    there is none.
    """
    content = read_json(path)
    if why := complaint(content, shape):
        raise damaged(path, why)
    return content
