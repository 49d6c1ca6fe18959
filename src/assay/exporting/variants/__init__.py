"""Forms in which a trained model is served: one module a variant, each with a `VARIANT`, and none knows of another.

Modules import what they compress with inside functions: the schema of params.yaml needs
their settings in stages that must not wait for it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.exporting.settings import Settings
from assay.exporting.source import Source
from assay.params import plugins

if TYPE_CHECKING:
    from assay.learning.models import Family


@dataclass(frozen=True)
class Variant:
    """A way from a trained model to ONNX.

    `export` writes a model whose first axis, the batch, is free, the same bytes for the same
    source; weights that the file does not hold come beside it. `refuses` gives the reason why a
    family of models is impossible, or None. Where `every_export` is false, the classifier alone is
    exported. `accelerator` is what Triton's ONNX Runtime backend is told to compute with; None is
    ONNX Runtime itself.
    """

    export: Callable[[Source, Path], None]
    refuses: Callable[["Family"], str | None] = lambda _: None
    settings: type[Settings] = Settings
    every_export: bool = False
    accelerator: str | None = None


def networks_only(family: "Family") -> str | None:
    """Return why a family is no neural network, or None; what is in a file that was brought is seen when it is read."""
    return None if family.framework == "keras_model" or family.brought else "it has no layers of weights"


def trained_here(family: "Family") -> str | None:
    """Return why a family is no neural network that can be trained on, or None."""
    return "it would be trained on, and it was brought as it is" if family.brought else networks_only(family)


def get(name: str) -> Variant:
    """Return the variant called `name`."""
    variant: Variant = plugins.load(sys.modules[__name__], name, "VARIANT")
    return variant
