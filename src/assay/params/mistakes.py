"""What is wrong with params.yaml, in words for the person who wrote it."""

from datetime import date
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from ruamel.yaml.error import MarkedYAMLError

from assay.ground.quoting import cut, quoted, without_secrets
from assay.params.moved_and_missing import MOVED

# A list of every model or dataset fits; a value that somebody pasted does not.
LONGEST_MESSAGE = 600
# What YAML makes of a text that nobody quoted; a bool is an int.
UNQUOTED = (int, float, date)


def _section_at(location: tuple[int | str, ...], whole: type[BaseModel]) -> type[BaseModel] | None:
    """Return the schema of the section at a path, None where it is a plain value."""
    schema: Any = whole
    for key in location:
        if not (isinstance(schema, type) and issubclass(schema, BaseModel)) or key not in schema.model_fields:
            return None
        schema = schema.model_fields[str(key)].annotation
    return schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None


def _shown(key: str) -> str:
    """Return a key as it stands in a path, quoted where it would not be seen or would break the line."""
    return cut(key) if key.isprintable() and key.strip() else quoted(key)


def sentence(error: ErrorDetails, whole: type[BaseModel]) -> str:
    """Return one of the errors that pydantic found: its path, what is wrong there, and what is allowed.

    `whole` is the schema of the file.
    """
    location = tuple(key for key in error["loc"] if key != "[key]")  # the key itself is what is wrong
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{_shown(key)}" for key in location).lstrip(".")
    if error["type"] == "extra_forbidden" and path in MOVED:
        return f"{path}: is now {MOVED[path]}"
    if error["type"] == "extra_forbidden":
        section = _section_at(location[:-1], whole)
        allowed = ", ".join(section.model_fields) if section else "none"
        return f"{path}: unknown key; allowed here: {allowed}"
    if error["type"] == "missing":
        return f"{path}: missing"
    message = cut(error["msg"].removeprefix("Value error, "), LONGEST_MESSAGE)
    section = _section_at(location, whole)
    if section and error["type"] == "value_error":  # what its values contradict; they would fill the screen
        return f"{path}: {message}"
    if section:
        empty = "; it is empty: add one of them" if error["input"] is None else ""
        return f"{path or 'the file'}: must be a section with the keys {', '.join(section.model_fields)}{empty}"
    if error["type"] == "string_type" and isinstance(error["input"], UNQUOTED):
        message += "; put it in quotes"
    return f"{path}: {message} (it is {_value(error['input'])})"


def _value(found: object) -> str:
    """Return a value as a person would write it, but for a password in it."""
    if isinstance(found, date):
        return str(found)
    return quoted(without_secrets(found) if isinstance(found, str) else found)


def unreadable(error: Exception) -> str:
    """Return what a reader of YAML says in one line: what it found, and in which line and column of the file."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return cut(" ".join(str(error).split()), LONGEST_MESSAGE)
    mark, quotes = error.problem_mark, "; put the text in quotes" if error.problem == "found unexpected ':'" else ""
    said = ", ".join(each for each in (error.context, error.problem) if each)
    return cut(f"line {mark.line + 1}, column {mark.column + 1}: {said}{quotes}", LONGEST_MESSAGE)
