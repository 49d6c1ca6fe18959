"""Check that a server serves what was written: the configuration and the answers."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.paths import FIRST_ANSWERS
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.serving.client import PROTOCOLS, Server
from assay.serving.ensemble import INDEX, LABEL
from assay.serving.failures import ServedOtherwiseError
from assay.serving.model_config import effective_differences, read_config, threads_in
from assay.serving.model_folder import CONFIG, REFERENCE, onnx_file
from assay.tensors.arrays import read_named
from assay.tensors.named import Tensors, batch_of, examples_in, message_bytes, one, part
from assay.tensors.parity import UnansweredError, largest_difference, magnitude, onnx_answers, onnx_session

# One ONNX Runtime against another on the same machine: only the order of sums may differ.
TOLERANCE = 1e-4
# What is computed between a model's layers takes some tens of times as much.
LARGEST_BATCH_BYTES, LARGEST_ANSWER_BYTES = 2**26, 2**28


def check_effective_config(server: Server, folder: Path) -> None:
    """Raise ServedOtherwiseError if the server changed what the model's config.pbtxt says."""
    written = read_config(folder / CONFIG)
    if changed := effective_differences(written, server.effective_config(written.name)):
        raise ServedOtherwiseError(written.name, f"{written.name} is not served as configured: {'; '.join(changed)}")


def batches(
    config: ModelConfig, examples: Tensors, most: int | None = None
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield batches of 1, 3 and a model's maximum, with their sizes, from examples, starting over when there are fewer.

    The last is of no more than `most`, if that is given, and of large examples of as many as are not too much for this
    process and the server to compute at once. Of a model that takes no batches, they are the first three examples.
    """
    largest = config.max_batch_size
    if largest == 0:
        for place in range(min(3, examples_in(examples))):
            yield 1, one(examples, place, batched=False)
    else:
        fits = max(1, LARGEST_BATCH_BYTES // max(1, message_bytes(part(examples, 0, 1))))
        largest = min(largest, fits, most or largest)
        for size in sorted({1, min(3, largest), largest}):
            yield size, batch_of(examples, size)


def as_served(tensors: Tensors, config: ModelConfig) -> dict[str, np.ndarray]:
    """Return tensors as Triton has them: one without dims is [1] to it, after the batch axis where there is one."""
    axes = {each.name: len(each.dims) + bool(config.max_batch_size) for each in (*config.input, *config.output)}
    return {
        name: array.reshape(*array.shape, 1) if array.ndim == axes[name] - 1 else array
        for name, array in tensors.items()
    }


def timed_answers(session: Any, batch: Tensors, size: int = 1) -> tuple[dict[str, np.ndarray], float]:
    """Return what ONNX Runtime answers in this process to a batch of a size, and how many seconds that takes."""
    began = time.monotonic()
    try:
        return onnx_answers(session, batch), time.monotonic() - began
    except UnansweredError as error:
        raise StageError(f"{error}{'; lower perf.max_batch_size' if size > 1 else ''}") from None


def check_labels(server: Server, folder: Path, classifier: Path, classes: Sequence[str], examples: Tensors) -> None:
    """Compare an ensemble's labels with the likeliest classes of the classifier, run by ONNX Runtime.

    Batches and protocols are those of `check_answers`; classes whose scores are as good as
    equal may change places. Raises ServedOtherwiseError if a label is another, or not that of its index.
    """
    config = read_config(folder / CONFIG)
    session, names = onnx_session(str(onnx_file(classifier))), np.array(classes, object)
    top_k = config.output[0].dims[0]
    for size, batch in batches(config, examples):
        answers, alone_s = timed_answers(session, batch)
        (scores,) = answers.values()
        best = -np.sort(-scores, axis=1)[:, :top_k]
        near = TOLERANCE * magnitude(scores)
        for protocol in PROTOCOLS:
            said = server.infer(config.name, batch, (LABEL, INDEX), protocol, alone_s=alone_s)
            index = said[INDEX]
            named = np.vectorize(bytes.decode, otypes=[object])(said[LABEL])
            given = np.take_along_axis(scores, index, axis=1)
            if not (np.array_equal(named, names[index]) and np.allclose(given, best, rtol=0, atol=near)):
                raise ServedOtherwiseError(
                    config.name, f"{config.name} names other classes in a batch of {size} over {protocol}"
                )


def check_types(model: str, answers: Tensors, declared: Mapping[str, np.dtype]) -> None:
    """Raise ServedOtherwiseError if an answer is of another type than NumPy's that is declared of its output."""
    for name, dtype in declared.items():
        # What has no values has no type of its own, either.
        if answers[name].size and answers[name].dtype != dtype:
            are, wanted = ("text" if each.kind == "O" else str(each) for each in (answers[name].dtype, dtype))
            raise ServedOtherwiseError(
                model, f"{model} answers with {are} in {printable(name)}, and {wanted} is declared"
            )


def asked_in_batches(
    server: Server, model: str, config: ModelConfig, examples: Tensors, most: int | None = None
) -> list[dict[str, np.ndarray]]:
    """Return what a served model answers to the batches that one with another configuration is going to be asked."""
    outputs, asked = [output.name for output in config.output], batches(config, examples, most)
    return [server.infer(model, as_served(batch, config), outputs, "grpc") for _, batch in asked]


def check_as_brought(server: Server, folder: Path, examples: Tensors) -> None:
    """Raise ServedOtherwiseError if a model is another one than was brought, whose first answers lie in its folder.

    One that has none there is called otherwise than its owner's, and compared with that.
    """
    if not (path := folder / REFERENCE / FIRST_ANSWERS).is_file():
        return
    config, (known, _) = read_config(folder / CONFIG), read_named(path)
    batched, places = config.max_batch_size > 0, range(examples_in(known))
    asked = [(1, one(examples, place, batched=batched)) for place in places]
    expected = [(one(known, place, batched=batched), 0.0) for place in places]
    _compared(server, config, asked, expected, "the brought model")


def check_answers(
    server: Server,
    folder: Path,
    examples: Tensors,
    reference: Sequence[Tensors] | None = None,
    most: int | None = None,
) -> dict[str, dict[str, float]]:
    """Compare a served model with a reference, on batches of real examples, in every output.

    Batches of 1, 3 and the model's maximum, or of `most`, are taken from `examples`. The reference are answers to
    these, or else what ONNX Runtime answers from the same file. Returns the largest difference by protocol and batch
    size; raises ServedOtherwiseError if one is not equal within rounding.
    """
    config = read_config(folder / CONFIG)
    if reference is not None:
        asked, known = list(batches(config, examples, most)), [(each, 0.0) for each in reference]
        return _compared(server, config, asked, known, "its owner's configuration")
    # With as many threads: how many decides the order of sums, and where values are quantised as they come, that
    # order decides to which side one on the edge of a step falls.
    session = onnx_session(str(onnx_file(folder)), threads_in(config))
    first, _ = timed_answers(session, one(examples, 0, batched=config.max_batch_size > 0))
    fits = max(1, LARGEST_ANSWER_BYTES // max(1, message_bytes(first)))
    asked = list(batches(config, examples, min(most or fits, fits)))
    answered = (timed_answers(session, batch, size) for size, batch in asked)
    expected = ((as_served(answers, config), alone_s) for answers, alone_s in answered)
    return _compared(server, config, asked, expected, "ONNX Runtime")


def _compared(
    server: Server,
    config: ModelConfig,
    asked: Sequence[tuple[int, Tensors]],
    reference: Iterable[tuple[Tensors, float]],
    whose: str,
) -> dict[str, dict[str, float]]:
    differences: dict[str, dict[str, float]] = {protocol: {} for protocol in PROTOCOLS}
    wanted = list(reference)
    # Of all batches: what one answers may be small for the sums that it is the rest of.
    of = {
        name: magnitude(*(expected[name] for expected, _ in wanted))
        for name, each in wanted[0][0].items()
        if each.dtype.kind == "f"
    }
    for (size, batch), (expected, alone_s) in zip(asked, wanted, strict=True):
        for protocol in PROTOCOLS:
            answers = server.infer(
                config.name,
                as_served(batch, config),
                list(expected),
                protocol,
                expected_bytes=message_bytes(expected),
                alone_s=alone_s,
            )
            check_types(config.name, answers, {name: each.dtype for name, each in expected.items()})
            apart = {name: largest_difference(each, answers[name], of.get(name)) for name, each in expected.items()}
            worst = max(apart, key=apart.__getitem__)
            if apart[worst] > TOLERANCE:
                raise ServedOtherwiseError(
                    config.name,
                    f"{config.name} answers a batch of {size} over {protocol} with {list(answers[worst].shape)} values "
                    f"in {worst} that differ from {whose}'s {list(expected[worst].shape)} by up to "
                    f"{apart[worst]:.3g}",
                )
            differences[protocol][str(size)] = max(apart[worst], differences[protocol].get(str(size), 0.0))
    return differences
