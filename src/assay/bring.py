"""Bring a model of one's own: look at it, see that it is what it says, and track it with DVC.

It is an ONNX file, or the folder of a model in a Triton repository, which is asked through the server that params.yaml
chooses. Nothing is trained, and no labels are needed. Without samples, inputs are made as `models.own.inputs` in
params.yaml describes them; `--set` writes the entries that are needed there.

Run     python -m assay.bring model.onnx                                    floats of a fixed size need nothing said
        python -m assay.bring model.onnx --inputs samples.npz               an array an input, examples along axis 0
        python -m assay.bring model.onnx --inputs samples.npz --labels labels.npy
        python -m assay.bring model.onnx --set 'ids[128]=integers 0 30521' --set 'image[320,320]=normal'
        python -m assay.bring repository/model --trust                      a program is code, which runs as you
"""

from assay.ground.stage import run_stage

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from assay.ground.arguments import named
from assay.ground.files import beside, restoring, write_text
from assay.ground.paths import BROUGHT, PARAMS, ROOT
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.ground.records.prepared import Batch
from assay.learning import models
from assay.learning.bringing.collecting import collect_file
from assay.learning.bringing.description import (
    description,
    next_steps,
    of_file,
    option_for_windows,
    options_for_batches,
    options_left_over,
)
from assay.learning.bringing.evidence import ASKED
from assay.learning.bringing.examples import Asked
from assay.learning.bringing.fitting import options_without_owner
from assay.learning.bringing.folder import brought_here
from assay.learning.bringing.judging import Examples, Judged, fewer_of_a_slow_model, judge
from assay.learning.bringing.loading import open_model
from assay.learning.bringing.params_file import with_inputs
from assay.learning.bringing.subject import Subject
from assay.learning.bringing.told import merged, told_inputs
from assay.learning.fetching.tracking import track
from assay.machine.lock import machine_shared
from assay.params import plugins
from assay.params.made_inputs import MadeInput
from assay.validation.schema import Params, load_params


def arguments() -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(prog="python -m assay.bring", description="Bring a model of one's own.")
    parser.add_argument(
        "model",
        type=named,
        help="an ONNX file, weights beside it come along; or a model's folder in a Triton repository",
    )
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
    parser.add_argument("--trust", action="store_true", help="serve a repository's model though it is a program")
    given = parser.parse_args()
    if given.labels and not given.inputs:
        raise StageError("--labels are those of samples: give `--inputs samples.npz`, too")
    if given.told and given.inputs:
        raise StageError("--set says how to make inputs, and --inputs brings them: give one of them")
    return given


def check_is_there(path: Path, *, or_folder: bool = False) -> None:
    """Raise StageError unless there is a file, or a folder where that will do."""
    if path.is_dir() and not or_folder:
        raise StageError(f"{printable(path)} is a folder; name the file in it")
    if not (path.is_file() or path.is_dir()):
        raise StageError(f"there is no file {'or folder ' if or_folder else ''}{printable(path)}")


def family_that_is_brought() -> str:
    """Return the name of the model family that takes what is brought."""
    return next(name for name in plugins.names(models) if models.get(name).brought)


def step_setting(params: Params) -> tuple[str, str | None]:
    """Return what names an ensemble's step on a command line, and which it is now.

    A params.yaml that is older does not have it.
    """
    family = family_that_is_brought()
    section = getattr(params.models, family)
    return f"{'' if 'step' in section.model_fields_set else '+'}models.{family}.step", section.step


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


@dataclass(frozen=True)
class Bringing:
    """A model that is being brought, and what is done with it.

    So many examples are asked, all if that is None; `collect` copies it into a folder; `keeps_told` says whether what
    makes its inputs goes to params.yaml, and `batches` which options its batches need.
    """

    subject: Subject
    asked: int | None
    collect: Callable[[Asked, Examples, Judged, Path], None]
    keeps_told: bool
    batches: Callable[[Batch | None], list[str]]


@contextmanager
def bringing(given: argparse.Namespace, params: Params) -> Iterator[Bringing]:
    """Give the model that was typed, to be asked inside the block; raises StageError if it cannot be."""
    if not (path := Path(given.model)).is_dir():
        opened, family = open_model(path), family_that_is_brought()
        yield Bringing(
            of_file(opened),
            ASKED,
            lambda asked, examples, _, folder: collect_file(opened, asked, examples, folder),
            keeps_told=True,
            batches=lambda batch: [
                *options_without_owner(getattr(params.models, family), family),
                *options_for_batches(opened.signature, batch, params.perf),
            ],
        )
        return
    from assay.repositories.bringing import (
        asked_when_brought,
        collect_repository,
        of_repository,
        options_for_cells,
        options_for_step,
    )

    with asked_when_brought(path, params.triton, params.timeouts, trusted=given.trust) as (found, ask, left_out):
        yield Bringing(
            of_repository(found, ask, params.triton, params.timeouts, left_out),
            None,
            partial(collect_repository, found),
            keeps_told=False,
            batches=lambda batch: [
                *options_for_step(found, *step_setting(params)),
                *options_for_cells(found, batch, params.perf),
            ],
        )


def main() -> None:
    """Bring what was typed."""
    given, family = arguments(), family_that_is_brought()
    check_is_there(Path(given.model), or_folder=True)
    for path in filter(None, (given.inputs, given.labels)):
        check_is_there(Path(path))
    with alone(), machine_shared():
        params = load_params()
        known: list[MadeInput] = getattr(params.models, family).inputs
        with bringing(given, params) as model, beside(BROUGHT) as folder:
            subject, (typed, texts) = model.subject, told_inputs(given.told, model.subject.signature)
            asked = Asked(
                Path(given.inputs) if given.inputs else None,
                Path(given.labels) if given.labels else None,
                lambda name: texts.get(name) or brought_here().text(name),
            )
            told = [] if asked.inputs else merged(typed, known, subject.signature, asked.text)
            inputs, labels = asked.examples(subject.signature, told, params.seed)
            examples = Examples(inputs, labels, None if asked.inputs else told)
            if model.asked is None:
                examples = fewer_of_a_slow_model(subject, examples)
            judged = judge(subject, examples, model.asked)
            print(*description(subject, examples, judged), sep="\n")
            model.collect(asked, examples, judged, folder)
            kept = told if model.keeps_told else []
            params_changed = kept != known
            with restoring(*([PARAMS] if params_changed else [])):
                if params_changed:
                    write_text(PARAMS, with_inputs(PARAMS, family, kept))
                track(folder, BROUGHT)
            options = [
                *model.batches(judged.batch),
                *options_left_over(
                    subject.signature,
                    None if asked.inputs or not model.keeps_told else told,
                    params.perf,
                    labelled=labels is not None,
                ),
                *option_for_windows(judged.alone_s, params.perf),
            ]
    print(*next_steps(family, options, params_changed=params_changed), sep="\n")


if __name__ == "__main__":
    run_stage(main)
