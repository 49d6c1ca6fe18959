"""Check that a server serves what was written: the configuration and the answers."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.serving.client import PROTOCOLS, Server
from assay.serving.ensemble import INDEX, LABEL
from assay.serving.failures import ServedOtherwiseError
from assay.serving.model_config import effective_differences, read_config
from assay.tensors.parity import largest_difference, magnitude, onnx_answer, onnx_session

# One ONNX Runtime against another on the same machine: only the order of sums may differ.
TOLERANCE = 1e-4


def check_effective_config(server: Server, folder: Path) -> None:
    """Raise ServedOtherwiseError if the server changed what the model's config.pbtxt says."""
    written = read_config(folder / "config.pbtxt")
    if changed := effective_differences(written, server.effective_config(written.name)):
        raise ServedOtherwiseError(written.name, f"{written.name} is not served as configured: {'; '.join(changed)}")


def batches(config: ModelConfig, examples: np.ndarray) -> list[np.ndarray]:
    """Return batches of 1, 3 and a model's maximum from `examples` [N, …], starting over when it is short."""
    sizes = sorted({1, min(3, config.max_batch_size), config.max_batch_size})
    return [np.resize(examples, (size, *examples.shape[1:])) for size in sizes]


def timed_answer(session: Any, batch: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what ONNX Runtime answers in this process, and how many seconds that takes."""
    began = time.monotonic()
    return onnx_answer(session, batch), time.monotonic() - began


def check_labels(server: Server, folder: Path, classifier: Path, classes: Sequence[str], examples: np.ndarray) -> None:
    """Compare an ensemble's labels with the likeliest classes of the classifier, run by ONNX Runtime.

    Batches and protocols are those of `check_answers`; classes whose scores are as good as
    equal may change places. Raises ServedOtherwiseError if a label is another, or not that of its index.
    """
    config = read_config(folder / "config.pbtxt")
    session, names = onnx_session(str(classifier / "1" / "model.onnx")), np.array(classes, object)
    top_k, name = config.output[0].dims[0], config.input[0].name
    for batch in batches(config, examples):
        scores, alone_s = timed_answer(session, batch)
        best = -np.sort(-scores, axis=1)[:, :top_k]
        near = TOLERANCE * magnitude(scores)
        for protocol in PROTOCOLS:
            labels, index = (
                server.infer(config.name, name, batch, each, protocol, alone_s=alone_s) for each in (LABEL, INDEX)
            )
            named = np.vectorize(bytes.decode, otypes=[object])(labels)
            given = np.take_along_axis(scores, index, axis=1)
            if not (np.array_equal(named, names[index]) and np.allclose(given, best, rtol=0, atol=near)):
                raise ServedOtherwiseError(
                    config.name, f"{config.name} names other classes in a batch of {len(batch)} over {protocol}"
                )


def check_answers(server: Server, folder: Path, examples: np.ndarray) -> dict[str, dict[str, float]]:
    """Compare a served model with ONNX Runtime on the same file, on batches of real examples.

    Batches of 1, 3 and the model's maximum are taken from `examples` [N, …]. Returns the
    largest difference by protocol and batch size; raises ServedOtherwiseError if one is not
    equal within rounding.
    """
    config = read_config(folder / "config.pbtxt")
    (model_input,), (model_output,) = config.input, config.output
    session = onnx_session(str(folder / "1" / "model.onnx"))
    differences: dict[str, dict[str, float]] = {protocol: {} for protocol in PROTOCOLS}
    for batch in batches(config, examples):
        size = len(batch)
        expected, alone_s = timed_answer(session, batch)
        for protocol in PROTOCOLS:
            answer = server.infer(
                config.name,
                model_input.name,
                batch,
                model_output.name,
                protocol,
                expected_bytes=expected.nbytes,
                alone_s=alone_s,
            )
            difference = largest_difference(expected, answer)
            if difference > TOLERANCE:
                raise ServedOtherwiseError(
                    config.name,
                    f"{config.name} answers a batch of {size} over {protocol} with {list(answer.shape)} values "
                    f"that differ from ONNX Runtime's {list(expected.shape)} by up to {difference:.3g}",
                )
            differences[protocol][str(size)] = difference
    return differences
