"""What `--set` says of inputs that are to be made, together with what params.yaml says already."""

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from assay.ground.process import StageError
from assay.ground.quoting import listed, quoted
from assay.learning.bringing.made import Text, check
from assay.params.made_inputs import VALUES_SYNTAX, MadeInput, text_of
from assay.tensors.signature import Signature, Tensor

_SYNTAX = f"write NAME=VALUES or NAME[SIZE,SIZE]=VALUES, where VALUES is {VALUES_SYNTAX}"


def told_inputs(given: Sequence[str], signature: Signature) -> tuple[list[MadeInput], dict[str, Path]]:
    """Return what is told of inputs, and by its name each text file whose lines they are.

    Names may hold whatever tensors are called. Raises StageError, with the syntax, about what cannot be understood.
    """
    found: dict[str, MadeInput] = {}
    texts: dict[str, Path] = {}
    for text in given:
        name = _name(text, [tensor.name for tensor in signature.inputs])
        if name in found:
            raise StageError(f"--set tells of {quoted(name)} twice")
        found[name] = _entry(name, text[len(name) :], texts)
    return list(found.values()), texts


def merged(told: Sequence[MadeInput], known: Sequence[MadeInput], signature: Signature, text: Text) -> list[MadeInput]:
    """Return what is told of a model's inputs and, where nothing is, what params.yaml says that fits, in their order.

    That may be of an earlier model, and a file of lines, which `text` finds, no longer there.
    """
    batched = signature.batched
    by_name = {each.name: each for each in told}
    for tensor in signature.inputs:
        earlier = next((each for each in known if each.name == tensor.name), None)
        if earlier and tensor.name not in by_name and _fits(tensor, earlier, text, batched=batched):
            by_name[tensor.name] = earlier
    return [by_name[tensor.name] for tensor in signature.inputs if tensor.name in by_name]


def _fits(tensor: Tensor, earlier: MadeInput, text: Text, *, batched: bool) -> bool:
    try:
        check(tensor, earlier, batched=batched)
        if name := text_of(earlier):
            text(name)
    except StageError:
        return False
    return True


def _name(text: str, names: Sequence[str]) -> str:
    """Return the input that a text begins with the name of; the longest, where one's name begins another's."""
    found = [name for name in names if text.startswith((f"{name}=", f"{name}["))]
    if not found and text in names:
        raise StageError(f"--set {quoted(text)} has no =VALUES; {_SYNTAX}")
    if not found:
        raise StageError(f"--set {quoted(text)} begins with the name of no input ({listed(names)}); {_SYNTAX}")
    return max(found, key=len)


def _entry(name: str, rest: str, texts: dict[str, Path]) -> MadeInput:
    """Return what the text after a name says."""
    sizes, equals, values = rest.partition("=")
    values = values.strip()
    if values.startswith("lines "):
        path = Path(values.removeprefix("lines ").strip())
        if not path.is_file():
            what = "is a folder, and no file" if path.is_dir() else "is no file"
            raise StageError(f"--set {name}: {quoted(str(path))} {what} whose lines would be inputs")
        if texts.setdefault(path.name, path) != path:
            raise StageError(f"two files of lines are called {quoted(path.name)}: rename one")
        values = f"lines {path.name}"
    inner = sizes.removeprefix("[").removesuffix("]")
    if not equals or (sizes and not re.fullmatch(r"\[\d+(,\s*\d+)*\]", sizes)):
        raise StageError(f"--set {name}: {quoted(rest)} follows the name; {_SYNTAX}")
    try:
        return MadeInput(name=name, sizes=[int(each) for each in inner.split(",")] if inner else [], values=values)
    except ValidationError as error:
        why = error.errors()[0]
        said = why["msg"].removeprefix("Value error, ")
        raise StageError(
            f"--set {name}: {said}{'; sizes are whole numbers from 1' if 'sizes' in why['loc'] else ''}"
        ) from None
