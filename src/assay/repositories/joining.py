"""Ask a repository's model several requests at once, such that its server computes them together.

What a dynamic batch is depends on the backend: most get one tensor of all examples, as from a request that holds
several. A program in Python gets a list of requests, and an ensemble's step those of several clients.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.params.triton import Timeouts, Triton
from assay.repositories.asking import written
from assay.repositories.opening import Configured, RepositoryModel
from assay.servers import serve
from assay.serving.client import Server
from assay.tensors.named import Ask, Tensors, examples_in, one

# Those that compute requests as one that holds the examples of all.
_CONCATENATING = ("onnxruntime", "openvino", "pytorch", "tensorflow", "tensorrt")
# So long a request waits for others: all that are sent at once arrive, on a busy machine, too.
_DELAY_US = 100_000
_ATTEMPTS = 3


def batches_requests(opened: RepositoryModel) -> bool:
    """Return whether batching computes together what no single request can hold."""
    holds_several = opened.model.config.max_batch_size > 1
    return any(
        each.config.max_batch_size > 1 and not (holds_several and each.backend in _CONCATENATING)
        for each in _computing(opened)
    )


def largest_batch(opened: RepositoryModel) -> int:
    """Return how many examples are computed together at most, 0 where nothing takes batches."""
    return max(int(each.config.max_batch_size) for each in _computing(opened))


def _computing(opened: RepositoryModel) -> list[Configured]:
    return [each for each in opened.every if not each.is_ensemble]


@contextmanager
def joined(opened: RepositoryModel, triton: Triton, timeouts: Timeouts) -> Iterator[Ask]:
    """Serve a completed model inside the block so that it waits for requests, and give how several are asked at once.

    The answer to each example is that to a request of its own. Raises StageError if the server loads no models, or
    computes requests one by one all the same.
    """
    names = {each.name: f"joined_{each.name}" for each in opened.every}
    with tempfile.TemporaryDirectory() as folder:
        served = written(opened, lambda each: _waiting(each.config, names), Path(folder))
        with serve(served, triton, timeouts) as server:
            waiting = [names[each.name] for each in _computing(opened) if each.config.max_batch_size > 1]
            yield _AtOnce(server, _waiting(opened.model.config, names), waiting)


class _AtOnce:
    """Asks a served model each example of a batch in a request of its own, all at the same time.

    Raises StageError if one of the models that are `waiting` for requests computes each alone.
    """

    def __init__(self, server: Server, config: ModelConfig, waiting: Sequence[str]) -> None:
        self._server, self._config, self._waiting = server, config, waiting
        self._batched = config.max_batch_size > 0
        self._alone_s: float | None = None

    def __call__(self, batch: Tensors) -> Tensors:
        """Return the answers, as a model gives them to a batch, or in a row of a new axis if it takes none."""
        examples = [one(batch, place, batched=self._batched) for place in range(examples_in(batch))]
        for _ in range(_ATTEMPTS):
            before = self._executions()
            answers = self._asked(examples)
            counts = [now - then for then, now in zip(before, self._executions(), strict=True)]
            if max(counts) < len(examples) or len(examples) == 1:
                join = np.concatenate if self._batched else np.stack
                return {name: join([answer[name] for answer in answers]) for name in answers[0]}
        raise StageError(f"{self._config.name}: requests that were sent at once were computed one by one")

    def _asked(self, examples: Sequence[Tensors]) -> list[dict[str, np.ndarray]]:
        outputs = [output.name for output in self._config.output]

        def ask(example: Tensors, patience_s: float) -> dict[str, np.ndarray]:
            return self._server.infer(self._config.name, example, outputs, "grpc", alone_s=patience_s)

        if self._alone_s is None:
            began = time.monotonic()
            ask(examples[0], 0.0)
            self._alone_s = time.monotonic() - began
        with ThreadPoolExecutor(len(examples)) as threads:
            return list(threads.map(ask, examples, [len(examples) * self._alone_s] * len(examples)))

    def _executions(self) -> list[int]:
        return [self._server.statistics(model)["execution_count"] for model in self._waiting]


def _waiting(owners: ModelConfig, names: dict[str, str]) -> ModelConfig:
    """Return a configuration, under another name, with one instance that waits until there are several requests."""
    config = ModelConfig()
    config.CopyFrom(owners)
    config.name = names[owners.name]
    for step in config.ensemble_scheduling.step:
        step.model_name, step.model_version = names[step.model_name], -1
    if config.max_batch_size > 1 and not config.HasField("ensemble_scheduling"):
        config.ClearField("dynamic_batching")
        config.dynamic_batching.max_queue_delay_microseconds = _DELAY_US
        del config.instance_group[1:]
        for group in config.instance_group:
            group.count = 1
    return config
