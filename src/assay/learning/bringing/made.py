"""Inputs that are made, for a model that came without samples."""

import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from assay.ground.numerals import agreeing, counted, unlike
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.params.made_inputs import MadeInput, parse_shape, parse_values
from assay.tensors.rows import FLOATS
from assay.tensors.signature import Signature, Tensor

# As many different requests as a measurement sends, if they are not too large.
MOST, LARGEST_BYTES, FEWEST = 256, 2**25, 4
LARGEST_EXAMPLE = 2**29
# What whole numbers for floats are drawn as.
_WHOLE = Tensor("", "INT64", ())
Text = Callable[[str], Path]
_TAKES = {
    "normal": "floats",
    "uniform": "floats",
    "integers": "numbers",
    "zeros": "numbers or truth values",
    "constant": "numbers or truth values",
    "lines": "text",
}


def free_axes(tensor: Tensor, *, batched: bool) -> list[str]:
    """Return the names of the axes whose sizes must be told; the batch is none of them."""
    return [axis for axis in (tensor.axes or ())[1 if batched else 0 :] if isinstance(axis, str)]


def goes_without_saying(tensor: Tensor, *, batched: bool) -> bool:
    """Return whether nothing need be told of an input: floats of a fixed size."""
    return tensor.datatype in FLOATS and not free_axes(tensor, batched=batched)


def complete(signature: Signature, told: Sequence[MadeInput]) -> list[MadeInput]:
    """Return an entry for each input, in the model's order.

    Raises StageError that says of every input what must be told, and why, or which entry fits none.
    """
    by_name = {each.name: each for each in told}
    names = [tensor.name for tensor in signature.inputs]
    if unknown := [name for name in by_name if name not in names]:
        raise StageError(f"the model has no input {listed(unknown)}; it has {listed(names)}")
    batched = signature.batched
    open_questions = [
        question(tensor, batched=batched)
        for tensor in signature.inputs
        if tensor.name not in by_name and not goes_without_saying(tensor, batched=batched)
    ]
    if open_questions:
        raise StageError(
            "\n  ".join(
                ["inputs can be made, or brought with `--inputs samples.npz`; to make them, tell:", *open_questions]
            )
        )
    for tensor in signature.inputs:
        if tensor.name in by_name:
            check(tensor, by_name[tensor.name], batched=batched)
    return [by_name.get(name, MadeInput(name=name)) for name in names]


def question(tensor: Tensor, *, batched: bool) -> str:
    """Say what must be told of an input, why, and how."""
    free = free_axes(tensor, batched=batched)
    sizes = (
        f"[{','.join(f'SIZE{place + 1}' if len(free) > 1 else 'SIZE' for place in range(len(free)))}]" if free else ""
    )
    if tensor.datatype == "BYTES":
        values, why = "lines FILE", "text that means nothing to a model is answered as nothing"
    elif tensor.datatype in FLOATS:
        values, why = "normal", "what it costs depends on its free axes"
    elif tensor.datatype == "BOOL":
        values, why = "constant 1", "a mask of random values hides what it likes"
    else:
        values = "integers LOW HIGH" if tensor.axes else "constant VALUE"
        why = "a number that the model does not know is an error, or answered as another"
    also = (
        f", and its free axes need sizes ({', '.join(printable(name) or 'without a name' for name in free)})"
        if free
        else ""
    )
    kind = tensor.datatype if tensor.datatype != "BYTES" else "text"
    return f"--set '{printable(tensor.name)}{sizes}={values}'   {kind}: {why}{also}"


def check(tensor: Tensor, told: MadeInput, *, batched: bool) -> None:
    """Raise StageError if what is told of an input does not fit it."""
    free, (kind, bounds) = free_axes(tensor, batched=batched), parse_values(told.values)
    if len(told.sizes) != len(free):
        axes, beside = agreeing(len(free), "axis", "axes"), " beside the batch" if batched else ""
        told_are = agreeing(len(told.sizes), "was", "were")
        raise StageError(
            f"input {tensor.name} has {len(free)} free {axes}{beside}, and {counted(len(told.sizes), 'size')} "
            f"{told_are} told: {told.sizes}"
        )
    is_float, is_text = tensor.datatype in FLOATS, tensor.datatype == "BYTES"
    fits = is_text if kind == "lines" else not is_text and (kind not in ("normal", "uniform") or is_float)
    if not fits or (kind == "integers" and tensor.datatype == "BOOL"):
        raise StageError(f"input {tensor.name} holds {tensor.datatype}, and `{told.values}` makes {_TAKES[kind]}")
    if kind in ("constant", "integers"):
        for bound in bounds.values():
            if not _holds(tensor, bound):
                raise StageError(f"input {tensor.name} holds {tensor.datatype}, and {bound} is none")
            if kind == "integers" and is_float and not _holds(_WHOLE, bound):
                raise StageError(f"input {tensor.name}: whole numbers for floats are below 2^63, and {bound} is not")


def _holds(tensor: Tensor, number: str) -> bool:
    """Return whether a tensor holds a number, which is finite there and whole where it has to be."""
    if tensor.datatype in FLOATS:
        return abs(float(number)) <= float(np.finfo(tensor.dtype).max)
    if tensor.datatype == "BOOL":
        return float(number) in (0, 1)
    limits = np.iinfo(tensor.dtype)
    value = int(number) if number.lstrip("+-").isdigit() else float(number)
    return value == int(value) and limits.min <= value <= limits.max


def in_shape(signature: Signature, told: Sequence[MadeInput], shape: str) -> list[MadeInput]:
    """Return what is told of inputs, in another shape: that of an axis, wherever it is, or of an input's free axes.

    Raises StageError if nothing there has the name, or so many sizes.
    """
    name, sizes = parse_shape(shape)
    batched = signature.batched
    free = {tensor.name: free_axes(tensor, batched=batched) for tensor in signature.inputs}
    entries = complete(signature, told)
    if any(name in axes for axes in free.values()) and len(sizes) == 1:
        return [
            entry.model_copy(
                update={
                    "sizes": [
                        sizes[0] if axis == name else size
                        for axis, size in zip(free[entry.name], entry.sizes, strict=True)
                    ]
                }
            )
            for entry in entries
        ]
    if len(free.get(name, ())) == len(sizes):
        return [entry.model_copy(update={"sizes": list(sizes)}) if entry.name == name else entry for entry in entries]
    known = "; ".join(f"{each} [{', '.join(axis or 'without a name' for axis in axes)}]" for each, axes in free.items())
    raise StageError(
        f"perf.shapes: {shape} names no free axis, and no input with so many; free axes: {known}; "
        "without further ones it is []"
    )


def make(signature: Signature, told: Sequence[MadeInput], text: Text, seed: int) -> dict[str, np.ndarray]:
    """Return examples for every input of a model, the same for the same seed; `text` finds a file of lines by its name.

    Raises StageError as `complete` does, or if a text file has too few lines.
    """
    batched = signature.batched
    entries = complete(signature, told)
    shapes = {
        tensor.name: _shape(tensor, entry, batched=batched)
        for tensor, entry in zip(signature.inputs, entries, strict=True)
    }
    size = sum(math.prod(shapes[tensor.name]) * tensor.dtype.itemsize for tensor in signature.inputs)
    if size > LARGEST_EXAMPLE:
        raise StageError(
            f"one example would have {unlike(size / 2**30, LARGEST_EXAMPLE / 2**30, 2)} GiB, and "
            f"{LARGEST_EXAMPLE / 2**30:g} GiB are made at most; tell smaller sizes"
        )
    count = max(FEWEST, min(MOST, LARGEST_BYTES // max(1, size)))
    return {
        tensor.name: _filled(tensor, entry, (count, *shapes[tensor.name]), text, seed)
        for tensor, entry in zip(signature.inputs, entries, strict=True)
    }


def _shape(tensor: Tensor, told: MadeInput, *, batched: bool) -> tuple[int, ...]:
    """Return the sizes of an example's axes."""
    sizes = iter(told.sizes)
    return tuple(axis if isinstance(axis, int) else next(sizes) for axis in (tensor.axes or ())[1 if batched else 0 :])


def _filled(tensor: Tensor, told: MadeInput, shape: tuple[int, ...], text: Text, seed: int) -> np.ndarray:
    kind, bounds = parse_values(told.values)
    # An input's values are its own: another input more or less changes none of them.
    generator = np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])
    if kind == "normal":
        return generator.standard_normal(shape).astype(tensor.dtype)
    if kind == "uniform":
        return generator.random(shape).astype(tensor.dtype)
    if kind == "integers":
        whole = (_WHOLE if tensor.datatype in FLOATS else tensor).dtype
        low, high = int(bounds["low"]), int(bounds["high"])
        return generator.integers(low, high, shape, dtype=whole, endpoint=True).astype(tensor.dtype)
    if kind == "lines":
        lines = _lines(text(bounds["file"]))
        return np.resize(np.array(lines, object), shape)
    value = bounds.get("value", "0")
    return np.full(shape, int(value) if value.lstrip("+-").isdigit() else float(value), tensor.dtype)


def _lines(path: Path) -> list[str]:
    name = printable(path.name)
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise StageError(f"{name} is no text in UTF-8; save it as that") from None
    if len(set(lines)) < FEWEST:
        raise StageError(f"{name} has {counted(len(set(lines)), 'different line')}, and {FEWEST} are needed at least")
    if any("\0" in line for line in lines):
        raise StageError(f"{name} holds NUL characters, which end a text in a file of arrays; take them out")
    return lines
