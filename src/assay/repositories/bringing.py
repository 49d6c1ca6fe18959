"""What is told of a repository's model that is being brought, and what is recorded of it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assay.ground.files import write_text
from assay.ground.numerals import counted
from assay.ground.paths import FIRST_ANSWERS, FOUND, REPOSITORY
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.ground.records.checking import write_record
from assay.ground.records.prepared import Batch, Found, FoundTensor
from assay.learning.bringing.collecting import collect_samples
from assay.learning.bringing.description import options_of_batching
from assay.learning.bringing.examples import Asked
from assay.learning.bringing.fitting import WITHOUT_BATCHES
from assay.learning.bringing.folder import ANSWERS, INPUTS, SAMPLES
from assay.learning.bringing.judging import Examples, Judged
from assay.learning.bringing.samples import write_samples
from assay.learning.bringing.subject import SeveralAtOnce, Subject
from assay.params.perf import Perf
from assay.params.triton import BACKEND, Timeouts, Triton
from assay.repositories.asking import asked_through
from assay.repositories.handled import check_handled, cleaned
from assay.repositories.joining import batches_requests, joined, largest_batch
from assay.repositories.opening import Configured, RepositoryModel, digest_of, open_repository
from assay.repositories.signature import signature_of
from assay.scoring.agreement import agreement
from assay.scoring.classification import class_scores, correctness
from assay.serving.model_config import render
from assay.serving.model_folder import CONFIG, Part, has_version
from assay.tensors.arrays import write_named
from assay.tensors.named import Ask, Tensors, part
from assay.tensors.rows import scored
from assay.tensors.signature import Signature, Tensor
from assay.tensors.texts import as_characters

# So many answers tell one model from another of the same inputs and outputs.
KNOWN_BY = 3


def of_repository(
    opened: RepositoryModel, ask: Ask, triton: Triton, timeouts: Timeouts, left_out: Sequence[str]
) -> Subject:
    """Return what a repository's model is to be told of; `left_out` is what its configuration is measured without."""
    files = [path for each in opened.every for path in each.files().values()]
    name, size = printable(opened.name), sum(path.stat().st_size for path in files)
    about = [("server", f"{triton.server}; compared with its owner's configuration on the server that is measured")]
    about += [("step", f"{printable(step.name)}: {_in_words(step)}") for step in opened.steps]
    about += [("without", said) for said in left_out]
    return Subject(
        name=opened.name,
        signature=signature_of(opened.model.config),
        ask=ask,
        largest_batch=opened.model.config.max_batch_size,
        several_at_once=SeveralAtOnce(partial(joined, opened, triton, timeouts), largest_batch(opened))
        if batches_requests(opened)
        else None,
        head=f"{name}: {_in_words(opened.model)}, {size / 1e6:,.1f} MB in {counted(len(files), 'file')}",
        about=tuple(about),
        asked_in=f"through the {triton.server} server",
    )


def _in_words(each: Configured) -> str:
    if each.is_ensemble:
        return "an ensemble"
    limit = each.config.max_batch_size
    version = f", version {each.version}" if each.version != 1 else ""
    return f"backend {printable(each.backend)}{version}, {f'batches of up to {limit}' if limit else 'no batches'}"


def tensors_of(tensors: Sequence[Tensor]) -> list[FoundTensor]:
    """Return inputs or outputs as they are recorded."""
    return [{"name": each.name, "datatype": each.datatype, "axes": list(each.axes or ())} for each in tensors]


@contextmanager
def asked_when_brought(
    path: Path, triton: Triton, timeouts: Timeouts, *, trusted: bool
) -> Iterator[tuple[RepositoryModel, Ask, list[str]]]:
    """Open a repository's model and give it, completed, how it is asked inside the block, and what is left out of it.

    Raises StageError if it is refused, or is a program that nobody said is `trusted`.
    """
    opened = open_repository(path)
    check_handled(opened, triton)
    programs = [each for each in opened.every if each.is_a_program]
    if programs and not trusted:
        names, folders = listed(each.name for each in programs), ", ".join(str(each.folder) for each in programs)
        raise StageError(
            f"{names} is a program, its owner's code, which runs as you whenever the model is served: read "
            f"{folders}, and say --trust: `python -m assay.bring {path} --trust`"
        )
    kept, left_out = [], []
    for each in opened.every:
        config, said = cleaned(each.config)
        kept.append(replace(each, config=config))
        said += [f"{printable(place)}, a hidden file" for place in each.hidden()]
        left_out += [f"{each.name}'s {what}" if opened.steps else what for what in said]
    with asked_through(RepositoryModel(kept[-1], tuple(kept[:-1])), triton, timeouts) as (found, ask):
        yield found, ask, left_out


def collect_repository(opened: RepositoryModel, asked: Asked, examples: Examples, judged: Judged, folder: Path) -> None:
    """Copy a model's folders, with their configurations completed, what it was asked, and what was found."""
    target, scores = folder / REPOSITORY, scored(signature_of(opened.model.config))
    for each in opened.every:
        for place, source in each.files().items():
            (target / each.name / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / each.name / place)
        # An ensemble's version has no file, and folders without one get lost in DVC's cache.
        if each.is_ensemble and not has_version(each.files()):
            write_text(target / each.name / str(each.version) / "README", "An ensemble has no files of its own.\n")
        write_text(target / each.name / CONFIG, render(each.config))
    collect_samples(asked, folder)
    if asked.inputs is None:  # what was made stays what was asked: to ask again takes a server
        write_samples(folder / SAMPLES / INPUTS, examples.inputs)
    signature = signature_of(opened.model.config)
    found: Found = {
        "model": opened.name,
        "inputs": tensors_of(signature.inputs),
        "outputs": tensors_of(signature.outputs),
        "without_batches": signature.without_batches,
        "told": None if examples.told is None else [each.model_dump() for each in examples.told],
        "measured": measured(open_repository(target), judged.answers, examples.labels, scores, judged.batch),
    }
    write_record(target / FOUND, Found, found)
    first = part(judged.answers, 0, KNOWN_BY)
    write_named(target / FIRST_ANSWERS, {name: as_characters(each) for name, each in first.items()}, None)
    if examples.labels is not None:
        write_named(target / ANSWERS, {name: judged.answers[name] for name in scores}, None)


def options_for_step(opened: RepositoryModel, setting: str, named: str | None) -> list[str]:
    """Return the option that names the step to look at, or unsays one of another model's."""
    if len(opened.steps) > 1:
        return [f"-S {setting}={_computing(opened).name}"]
    return [] if named is None else [f"-S {setting}=null"]


def _computing(opened: RepositoryModel) -> Configured:
    """Return the model itself, or a step: the last that takes batches is most often the one that computes most."""
    return next((step for step in reversed(opened.steps) if step.config.max_batch_size), opened.every[0])


def options_for_cells(opened: RepositoryModel, batch: Batch | None, perf: Perf) -> list[str]:
    """Return the options without which cells would be refused for their batches, or for threads that are no axis."""
    computing = _computing(opened)
    limit = computing.config.max_batch_size
    threads = ["-S 'perf.threads=[]'"] if perf.threads and computing.backend != BACKEND else []
    if not limit:
        as_it_takes = perf.max_batch_size == [0] and perf.dynamic_batching == ["off"]
        return [*([] if as_it_takes else [WITHOUT_BATCHES]), *threads]
    fits = max(perf.max_batch_size) <= limit and 0 not in perf.max_batch_size
    return [*options_of_batching(batch, perf, largest=limit, fits=fits), *threads]


def measured(
    opened: RepositoryModel, answers: Tensors, labels: np.ndarray | None, scores: tuple[str, ...], batch: Batch | None
) -> dict[str, Any]:
    """Return what is recorded of the model as of an export: size, digest, batches, and how good its answers are."""
    signature = signature_of(opened.model.config)
    parts = [Part.at(path) for each in opened.every for path in each.files().values()]
    found: dict[str, Any] = {
        "sha256": digest_of(opened),
        "parity": 0.0,
        "file_bytes": max(1, sum(part.path.stat().st_size for part in parts)),
        "accelerator": None,
        "weights": 0,
        "sparsity": None,
        "macs": None,
        "batch": batch,
        "agreement": agreement(answers, answers, scores),
    }
    if batch is None:
        found["unbatchable"] = _why(signature)
    return found if labels is None else found | correctness(class_scores(answers, scores), labels)


def _why(signature: Signature) -> str:
    return signature.unbatchable or "requests of it hold one example"
