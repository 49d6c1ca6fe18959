"""What models are made with: one module a framework, each with a `FRAMEWORK`.

Modules import their framework inside functions: a stage waits only for the one that its
models were made with.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.params import plugins
from assay.tensors.named import Tensors


@dataclass(frozen=True)
class Framework:
    """How models of one framework are kept, asked, and converted.

    `suffix` ends the name of a saved model. `make_deterministic` makes training give the same
    for the same seed on one machine. `answer` gives a model's outputs, by the names that they have
    in ONNX, for examples in the types that it takes. `to_onnx` converts a model to an opset, its batch axis
    free, with one input, of that type, and one output, and writes the file. One that is `as_it_came` is not
    converted: what it takes and gives, and its opset, are its own. One that was `asked_when_brought` answers through
    a server alone, and comes with what was found then.
    """

    suffix: str
    make_deterministic: Callable[[int], None]
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]
    answer: Callable[[Any, Tensors], Tensors]
    to_onnx: Callable[[Any, int, Path], None]
    as_it_came: bool = False
    asked_when_brought: bool = False


def get(name: str) -> Framework:
    """Return the framework called `name`."""
    framework: Framework = plugins.load(sys.modules[__name__], name, "FRAMEWORK")
    return framework


def of(path: Path) -> Framework:
    """Return the framework that a saved model was made with; raises LookupError if there is none."""
    for framework in _every():
        if framework.suffix == path.suffix:
            return framework
    raise LookupError(f"no framework saves {path.suffix} files")


def saves(path: Path) -> bool:
    """Return whether a file is a saved model, and none that stands beside one."""
    return any(framework.suffix == path.suffix for framework in _every())


def _every() -> Iterator[Framework]:
    return (get(name) for name in plugins.names(sys.modules[__name__]))
