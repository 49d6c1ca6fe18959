"""Copy an ONNX file that is being brought, and what belongs to it, into a folder that DVC is going to track."""

import shutil
from pathlib import Path

from assay.learning.bringing.examples import Asked
from assay.learning.bringing.folder import INPUTS, LABELS, LINES, MODEL, SAMPLES
from assay.learning.bringing.judging import Examples
from assay.learning.bringing.loading import OpenedModel
from assay.params.made_inputs import text_of


def collect_file(opened: OpenedModel, asked: Asked, examples: Examples, folder: Path) -> None:
    """Copy a model with its weights, and its samples, or the texts of whose lines inputs are made."""
    (folder / MODEL).mkdir(parents=True)
    model, *weights = opened.files
    shutil.copyfile(model, folder / MODEL / f"{model.stem}.onnx")  # whatever it was called
    for path in weights:
        target = folder / MODEL / path.relative_to(model.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    collect_samples(asked, folder)
    for name in filter(None, map(text_of, examples.told or ())):
        shutil.copyfile(asked.text(name), folder / SAMPLES / LINES / name)


def collect_samples(asked: Asked, folder: Path) -> None:
    """Copy samples and labels, where there are some."""
    (folder / SAMPLES / LINES).mkdir(parents=True)
    for source, name in ((asked.inputs, INPUTS), (asked.labels, LABELS)):
        if source:
            shutil.copyfile(source, folder / SAMPLES / name)
