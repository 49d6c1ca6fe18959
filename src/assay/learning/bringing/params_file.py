"""Write what is told of inputs into params.yaml, and leave every other character of it as it is."""

from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from assay.ground.files import write_text
from assay.ground.process import StageError
from assay.params.made_inputs import MadeInput
from assay.params.moved_and_missing import flow


def write_inputs(path: Path, family: str, told: Sequence[MadeInput]) -> None:
    """Let models.<family>.inputs in params.yaml be what is told; raises StageError if the file has no such key."""
    text = path.read_text(encoding="utf-8")
    value = YAML(typ="rt").compose(text)
    for key in ("models", family, "inputs"):
        value = _at(value, key)
        if value is None:
            raise StageError(
                f"{path.name} has no models.{family}.inputs; add the line `inputs: []` under models.{family}"
            )
    entries = flow([each.model_dump() for each in told])
    write_text(path, text[: value.start_mark.index] + entries + text[_end(value) :])


def _at(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: Node) -> int:
    """Return where the text of a value ends; a block's own mark stands behind the comments that follow it."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)
