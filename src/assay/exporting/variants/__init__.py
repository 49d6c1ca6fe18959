"""Forms in which a trained model is served: one module a variant, each with a `VARIANT`.

Modules import what they compress with inside functions: the schema of params.yaml needs
their settings in stages that must not wait for it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import onnx
from pydantic import Field

from assay.ground.paths import ARRAYS
from assay.learning import frameworks
from assay.learning.frameworks import Framework
from assay.params import plugins
from assay.params.section import Section
from assay.tensors.arrays import read_split

if TYPE_CHECKING:
    from assay.learning.models import Family


class Settings(Section):
    """What every variant's section of params.yaml says.

    `parity_limit` is the largest difference from any output of the trained model that is
    allowed, as a share of the largest output where that exceeds 1; None allows any.
    """

    parity_limit: Annotated[float, Field(gt=0)] | None = 1e-4


class OtherModel(Settings):
    """The same for a variant that is meant to be another model than the trained one."""

    parity_limit: Annotated[float, Field(gt=0)] | None = None


@dataclass(frozen=True)
class Source:
    """A trained model to be exported: where it is, how new its ONNX may be, its variant's settings, and the seed."""

    path: Path
    opset: int
    settings: Any
    seed: int = 0

    @property
    def framework(self) -> Framework:
        """What it was made with."""
        return frameworks.of(self.path)

    @cached_property
    def trained(self) -> Any:
        """The model itself."""
        return self.framework.load(self.path)

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a split of the examples that it was trained on, or was not."""
        return read_split(ARRAYS / f"{name}.npz")


@dataclass(frozen=True)
class Variant:
    """A way from a trained model to ONNX.

    `export` returns a model whose first axis, the batch, is free, the same bytes for the
    same source. `refuses` gives the reason why a family of models is impossible, or None.
    Where `every_export` is false, the classifier alone is exported. `accelerator` is what
    Triton's ONNX Runtime backend is told to compute with; None is ONNX Runtime itself.
    """

    export: Callable[[Source], onnx.ModelProto]
    refuses: Callable[["Family"], str | None] = lambda _: None
    settings: type[Settings] = Settings
    every_export: bool = False
    accelerator: str | None = None


def networks_only(family: "Family") -> str | None:
    """Return why a family is no neural network, or None."""
    return None if family.framework == "keras_model" else "it has no layers of weights"


def get(name: str) -> Variant:
    """Return the variant called `name`."""
    variant: Variant = plugins.load(sys.modules[__name__], name, "VARIANT")
    return variant
