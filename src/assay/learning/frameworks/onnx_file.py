"""ONNX files that somebody else made, taken as they are; a model is the path of its file."""

import shutil
from pathlib import Path

from assay.learning.frameworks import Framework
from assay.tensors.external_data import external_files
from assay.tensors.named import Tensors, each_alone
from assay.tensors.parity import onnx_answers, onnx_session
from assay.tensors.signature import Signature


def make_deterministic(seed: int) -> None:  # nothing is trained
    """Leave every generator as it is."""


def save(model: Path, path: Path) -> None:
    """Copy a file, and the weights that are kept beside it."""
    for name in external_files(model):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model.parent / name, path.parent / name)
    shutil.copyfile(model, path)


def load(path: Path) -> Path:
    """Return the path itself: ONNX Runtime reads the file."""
    return path


def answer(model: Path, inputs: Tensors) -> Tensors:
    """Return every output for examples, each asked alone."""
    session = onnx_session(str(model))
    batched = Signature.read(model).batched
    return each_alone(lambda example: onnx_answers(session, example), inputs, batched=batched)


def to_onnx(model: Path, opset: int, path: Path) -> None:  # noqa: ARG001  it has one of its own
    """Copy the file as it is, whatever its size."""
    save(model, path)


FRAMEWORK = Framework(".onnx", make_deterministic, save, load, answer, to_onnx, as_it_came=True)
