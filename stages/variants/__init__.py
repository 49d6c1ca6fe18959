"""Forms in which a trained model is served: one module a variant, each with a `VARIANT`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from parameters import plugins


@dataclass(frozen=True)
class Variant:
    """A way from a trained Keras model to ONNX.

    `export` takes the path of a .keras file and the opset and returns the ONNX
    model; its first axis, the batch, must be free.
    """

    export: Callable[[Path, int], onnx.ModelProto]


def get(name: str) -> Variant:
    """Return the variant called `name`."""
    variant: Variant = plugins.load(sys.modules[__name__], name, "VARIANT")
    return variant
