"""What is told of inputs, put into params.yaml, every other character of which stays as it is."""

from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from assay.ground.process import StageError
from assay.params.made_inputs import MadeInput
from assay.params.moved_and_missing import flow


def with_inputs(path: Path, family: str, told: Sequence[MadeInput]) -> str:
    """Return the text of params.yaml in which models.<family>.inputs is what is told.

    Raises StageError if the file has no such key.
    """
    text = path.read_text(encoding="utf-8")
    section: Node | None = YAML(typ="rt").compose(text)
    for name in ("models", family):
        _, section = _entry(section, name)
    key, value = _entry(section, "inputs")
    if key is None or value is None:
        raise StageError(f"{path.name} has no models.{family}.inputs; add the line `inputs: []` under models.{family}")
    between = text[key.end_mark.index : value.start_mark.index].removeprefix(":")
    # What follows the colon, where the value begins on another line, is a comment, of one line or several.
    comment = between.rstrip() if "\n" in between else ""
    written = flow([each.model_dump() for each in told]) + comment
    return f"{text[: key.end_mark.index]}: {written}{text[_end(value) :]}"


def _entry(node: Node | None, key: str) -> tuple[Node | None, Node | None]:
    """Return a key of a section and its value, None for both if it has none of that name."""
    entries = node.value if isinstance(node, MappingNode) else []
    return next(((name, value) for name, value in entries if name.value == key), (None, None))


def _end(node: Node) -> int:
    """Return where the text of a value ends; a block's own mark stands behind the comments that follow it."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)
