"""Ask a repository's model several requests at once, such that its server computes them together.

What a dynamic batch is depends on the backend: most get one tensor of all examples, as from a request that holds
several. A program in Python gets a list of requests, and an ensemble's step those of several clients.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.params.triton import Timeouts, Triton
from assay.repositories.opening import Configured, RepositoryModel
from assay.servers import serve
from assay.serving.client import Server
from assay.serving.model_folder import Part, write_folder
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
    model, names = opened.model, {each.name: f"joined_{each.name}" for each in opened.every}
    outputs, batched = [output.name for output in model.config.output], model.config.max_batch_size > 0
    waiting = [names[each.name] for each in _computing(opened) if each.config.max_batch_size > 1]
    with tempfile.TemporaryDirectory() as folder:
        served = [Path(folder, names[each.name]) for each in opened.every]
        for each, path in zip(opened.every, served, strict=True):
            parts = {place: Part.at(file) for place, file in each.files().items()}
            write_folder(path, _waiting(each.config, names), parts)
        with serve(served, triton, timeouts) as server:

            def at_once(batch: Tensors) -> list[dict[str, np.ndarray]]:
                examples = [one(batch, place, batched=batched) for place in range(examples_in(batch))]
                with ThreadPoolExecutor(len(examples)) as threads:
                    return list(
                        threads.map(lambda each: server.infer(names[model.name], each, outputs, "grpc"), examples)
                    )

            def ask(batch: Tensors) -> Tensors:
                for _ in range(_ATTEMPTS):
                    before = _executions(server, waiting)
                    answers = at_once(batch)
                    together = [
                        now - then < len(answers)
                        for then, now in zip(before, _executions(server, waiting), strict=True)
                    ]
                    if all(together) or len(answers) == 1:
                        join = np.concatenate if batched else np.stack
                        return {name: join([answer[name] for answer in answers]) for name in outputs}
                raise StageError(f"{model.name}: requests that were sent at once were computed one by one")

            yield ask


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


def _executions(server: Server, models: list[str]) -> list[int]:
    return [server.statistics(model)["execution_count"] for model in models]
