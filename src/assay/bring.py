"""Bring a model of one's own: look at its ONNX file, see that it is what it says, and track it with DVC.

Nothing is trained, and no labels are needed. Without samples, inputs are made as `models.own.inputs` in params.yaml
describes them; `--set` writes the entries that are needed there.

Run     python -m assay.bring model.onnx                                    floats of a fixed size need nothing said
        python -m assay.bring model.onnx --inputs samples.npz               an array an input, examples along axis 0
        python -m assay.bring model.onnx --inputs samples.npz --labels labels.npy
        python -m assay.bring model.onnx --set 'ids[128]=integers 0 30521' --set 'image[320,320]=normal'
"""

from assay.ground.stage import run_stage

import argparse
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from assay.ground.arguments import named
from assay.ground.files import beside, write_text
from assay.ground.paths import BROUGHT, PARAMS, ROOT
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.ground.records.prepared import Batch
from assay.learning import models
from assay.learning.bringing.description import description, next_steps
from assay.learning.bringing.evidence import ASKED, check_what_it_says
from assay.learning.bringing.examples import Asked
from assay.learning.bringing.folder import INPUTS, LABELS, LINES, MODEL, SAMPLES, brought_here
from assay.learning.bringing.loading import OpenedModel, open_model
from assay.learning.bringing.params_file import with_inputs
from assay.learning.bringing.samples import check_classes
from assay.learning.bringing.told import merged, told_inputs
from assay.learning.fetching.tracking import track
from assay.machine.lock import machine_shared
from assay.params import plugins
from assay.params.made_inputs import MadeInput, text_of
from assay.scoring.classification import class_scores
from assay.tensors.batch_safety import batch_safety
from assay.tensors.named import Tensors, each_alone, one, part
from assay.tensors.parity import onnx_answers
from assay.tensors.rows import scored
from assay.validation.schema import load_params

# Enough that one of them had the machine to itself.
TIMES = 3


def arguments() -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(prog="python -m assay.bring", description="Bring a model of one's own.")
    parser.add_argument("model", type=named, help="an ONNX file; weights kept beside it come along")
    parser.add_argument("--inputs", type=named, metavar="NPZ", help="samples, an array an input, examples along axis 0")
    parser.add_argument("--labels", type=named, metavar="NPY", help="the class of each sample, from 0")
    parser.add_argument(
        "--set",
        dest="told",
        action="append",
        default=[],
        type=named,
        metavar="'NAME[SIZES]=VALUES'",
        help="how to make an input: sizes of its free axes, and values",
    )
    given = parser.parse_args()
    if given.labels and not given.inputs:
        raise StageError("--labels are those of samples: give `--inputs samples.npz`, too")
    if given.told and given.inputs:
        raise StageError("--set says how to make inputs, and --inputs brings them: give one of them")
    return given


def check_is_file(path: Path) -> None:
    """Raise StageError unless there is a file."""
    if path.is_dir():
        raise StageError(f"{printable(path)} is a folder; name the file in it")
    if not path.is_file():
        raise StageError(f"there is no file {printable(path)}")


def family_that_is_brought() -> str:
    """Return the name of the model family that takes what is brought."""
    return next(name for name in plugins.names(models) if models.get(name).brought)


def collect(opened: OpenedModel, asked: Asked, told: Sequence[MadeInput], folder: Path) -> None:
    """Copy a model and what belongs to it into a new folder."""
    (folder / MODEL).mkdir(parents=True)
    (folder / SAMPLES / LINES).mkdir(parents=True)
    model, *weights = opened.files
    shutil.copyfile(model, folder / MODEL / f"{model.stem}.onnx")  # whatever it was called
    for path in weights:
        target = folder / MODEL / path.relative_to(model.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for source, name in ((asked.inputs, INPUTS), (asked.labels, LABELS)):
        if source:
            shutil.copyfile(source, folder / SAMPLES / name)
    for name in filter(None, map(text_of, told)):
        shutil.copyfile(asked.text(name), folder / SAMPLES / LINES / name)


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one that brings a model; raises StageError if another process does."""
    place = ROOT / ".dvc" / "tmp"
    place.mkdir(exist_ok=True)
    try:
        with FileLock(place / "bring.lock", timeout=0):
            yield
    except Timeout:
        raise StageError("another model is being brought here: wait until that is done") from None


def judge(opened: OpenedModel, inputs: Tensors, labels: np.ndarray | None) -> Batch | None:
    """See that a model is what its file says; return how neighbours change its answers, None if it takes no batches."""
    check_what_it_says(opened.session, opened.signature, inputs)
    ask, few = partial(onnx_answers, opened.session), part(inputs, 0, ASKED)
    batched, scores = opened.signature.batched, scored(opened.signature)
    answers = each_alone(ask, few, batched=batched)
    if labels is not None:
        check_classes(labels, class_scores(answers, scores))
    return batch_safety(ask, few, answers, scores, opened.files[0].name) if batched else None


def seconds_alone(opened: OpenedModel, inputs: Tensors) -> float:
    """Return how long a model takes for an example in this process: the shortest of a few, others had to wait."""
    example = one(inputs, 0, batched=opened.signature.batched)
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        onnx_answers(opened.session, example)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Bring what was typed."""
    given, family = arguments(), family_that_is_brought()
    for path in filter(None, (given.model, given.inputs, given.labels)):
        check_is_file(Path(path))
    opened = open_model(Path(given.model))
    typed, texts = told_inputs(given.told, opened.signature)
    asked = Asked(
        Path(given.inputs) if given.inputs else None,
        Path(given.labels) if given.labels else None,
        lambda name: texts.get(name) or brought_here().text(name),
    )
    with alone(), machine_shared(), beside(BROUGHT) as folder:
        params = load_params()
        known: list[MadeInput] = getattr(params.models, family).inputs
        told = [] if asked.inputs else merged(typed, known, opened.signature, asked.text)
        inputs, labels = asked.examples(opened.signature, told, params.seed)
        batch, alone_s = judge(opened, inputs, labels), seconds_alone(opened, inputs)
        made = None if asked.inputs else told
        print(*description(opened, inputs, batch, alone_s, made, labelled=labels is not None), sep="\n")
        collect(opened, asked, told, folder)
        with edited(PARAMS, with_inputs(PARAMS, family, told) if told != known else None):
            track(folder, BROUGHT)
    print(*next_steps(opened.signature, batch, alone_s, params.perf, family, params_changed=told != known), sep="\n")


@contextmanager
def edited(path: Path, text: str | None) -> Iterator[None]:
    """Let a file have a text, if there is one, and what it had before if the block fails."""
    before = path.read_text(encoding="utf-8")
    if text is not None:
        write_text(path, text)
    done = False
    try:
        yield
        done = True
    finally:
        if text is not None and not done:
            write_text(path, before)


if __name__ == "__main__":
    run_stage(main)
