"""What a model learned from, as whoever asks it has to know: its dataset, its classes in order, its columns."""

import json
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from assay.ground.process import StageError
from assay.ground.records.checking import Name, complaint

# The parameter of a served model's configuration that says it.
LEARNED_FROM = "learned_from"


class Learned(TypedDict):
    """A dataset, its classes in the order of a model's scores, and the names of its columns, where they have some."""

    dataset: Name
    classes: Annotated[list[Name], Field(min_length=2)]
    columns: NotRequired[list[Name]]


def learned(data: Any) -> Learned:
    """Return what the content of reports/data.json says; raises StageError if it names no classes."""
    found: Learned = {"dataset": data["dataset"], "classes": list(data["class_counts"]["train"])}
    if "columns" in data:
        found["columns"] = data["columns"]
    return found


def as_text(content: Learned) -> str:
    """Return it for a configuration."""
    return json.dumps(content)


def from_text(text: str, what: str) -> Learned:
    """Return what `what` says in its configuration; raises StageError if it makes no sense."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = text
    if why := complaint(content, Learned):
        raise StageError(f"{what} does not say what it learned from: its parameter {LEARNED_FROM} has no sense ({why})")
    found: Learned = content
    return found
