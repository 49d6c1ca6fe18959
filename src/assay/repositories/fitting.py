"""Whether params.yaml asks for what can be measured of a repository's model, before anything is computed."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from assay.exporting import variants
from assay.exporting.source import Source
from assay.ground.files import shown
from assay.ground.paths import FOUND
from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import Computing, Found
from assay.params.moved_and_missing import flow
from assay.params.perf import Perf
from assay.params.triton import BACKEND
from assay.repositories.opening import digest_of, open_repository


def check_measured_as_it_is(
    repository: Path, hyperparameters: BaseModel, family: str, chosen: Sequence[str], perf: Perf
) -> tuple[str | None, Computing]:
    """Return why the model, or the step that params.yaml names, takes no batches, None if it does, and which that is.

    Raises StageError if the files are others than those that were brought, no step is named where one has to be, a
    variant is chosen that would be another model, batches would be larger than the owner allows, threads are asked of
    what ONNX Runtime does not compute, or several cells would be one configuration.
    """
    others = [name for name in chosen if not _as_it_is(name)]
    if others:
        raise StageError(
            f"a repository's model is measured as it is, and {listed(others)} would be made of an ONNX file: "
            "`dvc exp run` it with -S 'onnx.variants=[fp32]', or bring the file"
        )
    if perf.shapes:
        raise StageError(
            "perf.shapes is for ONNX files: a repository's model is asked what it was asked when it was brought; bring "
            "it again with `--set` in another shape"
        )
    opened, found = open_repository(repository), read_record(repository / FOUND, Found)
    if digest_of(opened) != found["measured"]["sha256"]:
        raise StageError(
            f"{shown(repository)} is not what was brought, and what was found is not true of it: bring the changed "
            "model again, or take back the change with `dvc checkout --force brought/model.dvc`"
        )
    computing = opened.computing(getattr(hyperparameters, "step", None), family)
    as_configured = bool(getattr(hyperparameters, "as_configured", False))
    if as_configured:
        _check_one_cell(family, perf, batches=any(each.config.HasField("dynamic_batching") for each in opened.every))
    if perf.threads and computing.backend != BACKEND:
        raise StageError(
            f"perf.threads are ONNX Runtime's, and {computing.name} is of the backend {computing.backend}: write []"
        )
    limit = computing.config.max_batch_size
    if limit and max(perf.max_batch_size) > limit:
        raise StageError(
            f"{computing.name} takes batches of at most {limit}, as its owner configured it: `dvc exp run` it with "
            f"-S 'perf.max_batch_size=[{limit}]'"
        )
    why = None if limit else f"{computing.name}'s configuration has max_batch_size 0"
    return why, {
        "name": computing.name,
        "backend": computing.backend,
        "step": bool(opened.steps),
        "as_configured": as_configured,
    }


def _check_one_cell(family: str, perf: Perf, *, batches: bool) -> None:
    """Raise StageError unless the matrix has one cell that batches as its owner's configuration does.

    Limits on answers ask whether a cell batches.
    """
    axes = {name: getattr(perf, name)[:1] for name in ("instances", "max_batch_size")}
    batching = [each for each in perf.dynamic_batching if (each != "off") == batches]
    axes |= {"dynamic_batching": [*batching, "delay_0us" if batches else "off"][:1], "threads": [], "options": []}
    if others := [name for name, wanted in axes.items() if getattr(perf, name) != wanted]:
        options = " ".join(f"-S 'perf.{name}={flow(axes[name])}'" for name in others)
        raise StageError(
            f"models.{family}.as_configured leaves one configuration, its owner's, which "
            f"{'batches requests' if batches else 'batches none'}, and the matrix has others: `dvc exp run` it with "
            f"{options}"
        )


def _as_it_is(name: str) -> bool:
    variant = variants.get(name)
    return variant.export is Source.convert and variant.accelerator is None
