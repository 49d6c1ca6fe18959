"""A trained model to be exported."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from assay.ground.paths import ARRAYS
from assay.learning import frameworks
from assay.learning.frameworks import Framework
from assay.tensors.arrays import read_labels, read_named, read_split
from assay.tensors.named import Tensors
from assay.tensors.signature import Signature


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

    def convert(self, path: Path) -> None:
        """Write the model itself in ONNX, in 32-bit floats, or as it came."""
        self.framework.to_onnx(self.trained, self.opset, path)

    @contextmanager
    def converted(self) -> Iterator[Path]:
        """Yield the file of the model itself in ONNX, for a variant that is made of it."""
        with tempfile.TemporaryDirectory() as folder:
            self.convert(path := Path(folder) / "converted.onnx")
            yield path

    def test_labels(self) -> np.ndarray | None:
        """Return the labels of the test examples [N], None if there are none."""
        return read_labels(ARRAYS / "test.npz")

    def validation_inputs(self, signature: Signature) -> Tensors:
        """Return examples that quality is not judged by, by the name of the input; of a model that was brought, all."""
        if self.framework.as_it_came:
            return read_named(ARRAYS / "test.npz")[0]
        (taken,) = signature.inputs
        return {taken.name: self.split("validation")[0]}

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a split of the examples that it was trained on, or was not."""
        return read_split(ARRAYS / f"{name}.npz")
