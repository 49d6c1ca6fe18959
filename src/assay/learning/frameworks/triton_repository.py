"""Models of Triton repositories, kept as their owners configured them; a model is the path of a folder of theirs."""

import shutil
from pathlib import Path

from assay.ground.process import StageError
from assay.learning.frameworks import Framework
from assay.tensors.named import Tensors


def make_deterministic(seed: int) -> None:  # nothing is trained
    """Leave every generator as it is."""


def save(model: Path, path: Path) -> None:
    """Copy the folders."""
    shutil.copytree(model, path, copy_function=shutil.copyfile)


def load(path: Path) -> Path:
    """Return the path itself: a server reads the folders."""
    return path


def answer(model: Path, inputs: Tensors) -> Tensors:  # noqa: ARG001  as every framework
    """Raise StageError: nothing answers but a server."""
    raise StageError(f"{model.name} is answered by a server alone, and was asked when it was brought")


def to_onnx(model: Path, opset: int, path: Path) -> None:  # noqa: ARG001  as every framework
    """Copy the folders as they are, whatever computes them."""
    save(model, path.with_suffix(FRAMEWORK.suffix))


FRAMEWORK = Framework(
    ".repository", make_deterministic, save, load, answer, to_onnx, as_it_came=True, asked_when_brought=True
)
