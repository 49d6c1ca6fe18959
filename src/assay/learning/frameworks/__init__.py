"""What models are made with: one module a framework, each with a `FRAMEWORK`.

Modules import their framework inside functions: a stage waits only for the one that its
models were made with.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from assay.params import plugins


@dataclass(frozen=True)
class Framework:
    """How models of one framework are kept, asked, and converted.

    `suffix` ends the name of a saved model. `make_deterministic` makes training give the same
    for the same seed on one machine. `answer` gives a model's output, float32 [N, …], for a
    batch in the type that it takes. `to_onnx` converts a model to an opset, its batch axis
    free, with one input, of that type, and one output.
    """

    suffix: str
    make_deterministic: Callable[[int], None]
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]
    answer: Callable[[Any, np.ndarray], np.ndarray]
    to_onnx: Callable[[Any, int], onnx.ModelProto]


def get(name: str) -> Framework:
    """Return the framework called `name`."""
    framework: Framework = plugins.load(sys.modules[__name__], name, "FRAMEWORK")
    return framework


def of(path: Path) -> Framework:
    """Return the framework that a saved model was made with; raises LookupError if there is none."""
    every = (get(name) for name in plugins.names(sys.modules[__name__]))
    for framework in every:
        if framework.suffix == path.suffix:
            return framework
    raise LookupError(f"no framework saves {path.suffix} files")
