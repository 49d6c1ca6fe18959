"""Whether what params.yaml asks of a model that was brought can be asked of it, before anything is computed."""

from pydantic import BaseModel

from assay.ground.process import StageError
from assay.ground.records.prepared import Batch, neighbours_in_words, safety_in_words
from assay.params.perf import Perf

WITHOUT_BATCHES = "-S 'perf.max_batch_size=[0]' -S 'perf.dynamic_batching=[off]'"


def option_for_batching() -> str:
    """Return the option that tries batching again, after a model that takes no batches."""
    return f"-S 'perf.dynamic_batching=[{','.join(Perf().dynamic_batching)}]'"


def check_fits(why: str | None, perf: Perf, *, sampled: bool) -> None:
    """Raise StageError if the matrix batches what takes no batches, or asks for shapes that there are not.

    `why` is the reason for which a model takes no batches, None if it does.
    """
    batches = perf.max_batch_size != [0] or perf.dynamic_batching != ["off"]
    if why and batches:
        raise StageError(f"the model takes no batches, for {why}: `dvc exp run` it with {WITHOUT_BATCHES}")
    if not why and 0 in perf.max_batch_size:
        raise StageError("perf.max_batch_size is 0, which is for models that take no batches, and this one does")
    if perf.shapes and sampled:
        raise StageError(
            "perf.shapes makes inputs in other shapes, and samples were brought: they have the shape they have"
        )


def check_configured(hyperparameters: BaseModel, family: str) -> None:
    """Raise StageError if an ONNX file would be measured as its owner configured it: a file has no configuration."""
    for option in options_without_owner(hyperparameters, family):
        raise StageError(
            f"models.{family}.as_configured is for a repository's model, which has a configuration of its owner's, and "
            f"an ONNX file was brought: `dvc exp run` it with {option}"
        )


def options_without_owner(hyperparameters: BaseModel, family: str) -> list[str]:
    """Return the option that takes back that a model before was measured as its owner configured it."""
    return [f"-S models.{family}.as_configured=false"] if getattr(hyperparameters, "as_configured", False) else []


def check_batch_safe(variant: str, batch: Batch | None, perf: Perf, hyperparameters: BaseModel, model: str) -> None:
    """Raise StageError if requests were batched though neighbours change an answer and nobody said that they may.

    A model family whose section has no `allow_batching` lets it be measured, and the report says what it changes.
    """
    if batch is None or batch["safe"] or perf.dynamic_batching == ["off"]:
        return
    if not getattr(hyperparameters, "allow_batching", True):
        raise StageError(
            f"{variant} is {safety_in_words(batch)}: {neighbours_in_words(batch)}; leave batching off with "
            f"-S 'perf.dynamic_batching=[off]', or allow it with -S models.{model}.allow_batching=true"
        )
