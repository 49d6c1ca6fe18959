"""Ask a model that was brought: arrays of inputs by name in one .npz, and its outputs in another."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from assay.ground.paths import MODEL_REPOSITORY, ONNX, REPOSITORY
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.learning.bringing.folder import brought_here
from assay.learning.bringing.samples import read_samples
from assay.params.triton import Timeouts, Triton
from assay.predicting.provenance import check_brought, check_exported, check_written_of_exports
from assay.servers import serve
from assay.serving.answers import as_served, check_as_brought, check_types
from assay.serving.client import Protocol, Server
from assay.serving.model_config import ModelShape, input_names, read_config
from assay.serving.model_folder import CONFIG, with_steps
from assay.tensors.arrays import inputs_of_test, storable
from assay.tensors.named import Ask, Tensors, each_alone
from assay.tensors.parity import onnx_answers, onnx_session
from assay.tensors.signature import Signature
from assay.tensors.texts import as_characters

MODEL = "model"


def only_arrays(paths: Sequence[Path]) -> Path:
    """Return the only input, an .npz file; raises StageError if it is another or there are more."""
    if len(paths) != 1 or paths[0].suffix.lower() != ".npz":
        raise StageError("a model that was brought is asked one .npz file, with an array for each of its inputs")
    if not paths[0].is_file():
        raise StageError(f"there is no file {printable(paths[0])}")
    return paths[0]


def exported_model(variant: str, variants: Sequence[str], family: str) -> Ask:
    """Return how the export of a variant is asked; raises StageError if it is not there, or of another model."""
    _check_current(variant, variants, family, f"{MODEL}.onnx")
    return partial(onnx_answers, onnx_session(str(ONNX / variant / f"{MODEL}.onnx")))


def _check_current(variant: str, variants: Sequence[str], family: str, file: str) -> None:
    check_exported(variant, variants, family, file)
    check_brought(variant, brought_here().files())


@contextmanager
def configured_model(
    variant: str, variants: Sequence[str], family: str, triton: Triton, timeouts: Timeouts
) -> Iterator[Ask]:
    """Give how a repository's model is asked, through the server that params.yaml chooses, as its owner configured it.

    Raises StageError if it is not there, or of another model.
    """
    _check_current(variant, variants, family, REPOSITORY)
    check_written_of_exports()
    folder = MODEL_REPOSITORY / f"{MODEL}-{variant}"
    config = read_config(folder / CONFIG)
    outputs = [output.name for output in config.output]
    with serve(with_steps([folder]), triton, timeouts) as server:
        if server.had:
            check_as_brought(server, folder, inputs_of_test(input_names(folder)))
        yield lambda example: server.infer(config.name, example, outputs, "grpc")


@contextmanager
def served_model(place: str, protocol: Protocol, model: str, request_timeout_s: float) -> Iterator[Ask]:
    """Give how a server's model is asked; raises StageError if nobody serves it."""
    server = Server(http_address=place, grpc_address=place, pid=None, request_timeout_s=request_timeout_s)
    with closing(server):
        config = server.effective_config(model, protocol)
        taken = [each.name for each in config.input]
        declared = {each.name: each.dtype for each in ModelShape.configured(config).outputs}

        def ask(example: Tensors) -> Tensors:
            if not example.keys() <= set(taken):
                raise StageError(
                    f"{model} at {place} takes {listed(taken)}, and the model that was brought {listed(example)}; "
                    "--model names another one"
                )
            answers = server.infer(model, as_served(example, config), list(declared), protocol)
            check_types(f"{model} at {place}", answers, declared)
            return answers

        yield ask


def answers(ask: Ask, path: Path, signature: Signature) -> dict[str, np.ndarray]:
    """Return the outputs for the examples in an .npz file, each asked alone, as a file holds them.

    Raises StageError if they do not fit the model.
    """
    batched = signature.batched
    inputs = read_samples(path, signature, fewest=1)
    return {name: storable(as_characters(array)) for name, array in each_alone(ask, inputs, batched=batched).items()}
