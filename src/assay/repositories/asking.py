"""Ask a repository's model through the server that params.yaml chooses, as its owner configured it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.params.triton import BACKEND, Timeouts, Triton
from assay.repositories.opening import Configured, RepositoryModel
from assay.servers import serve
from assay.serving.client import Server
from assay.serving.model_config import ModelShape
from assay.serving.model_folder import Part, write_folder
from assay.tensors.named import Ask, Tensors, examples_in
from assay.tensors.signature import Signature

# NVIDIA's servers, unless they are started with another one.
_DEFAULT_MAX_BATCH_SIZE = 4


@contextmanager
def asked_through(opened: RepositoryModel, triton: Triton, timeouts: Timeouts) -> Iterator[tuple[RepositoryModel, Ask]]:
    """Serve a model inside the block, and give it with its configurations completed, and how it is asked.

    Raises StageError with the server's own words if it does not load.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(written(opened, _completed_by_file, Path(folder)), triton, timeouts, completes=True) as server,
    ):
        steps = tuple(_completed(each, server) for each in opened.steps)
        model = _completed(opened.model, server)
        yield RepositoryModel(model, steps), patiently(server, model.config)


def written(opened: RepositoryModel, configured: Callable[[Configured], ModelConfig], repository: Path) -> list[Path]:
    """Write a folder for each model, with another configuration and by its name; return them, steps first."""
    folders = []
    for each in opened.every:
        config = configured(each)
        folders.append(repository / config.name)
        write_folder(folders[-1], config, {place: Part.at(path) for place, path in each.files().items()})
    return folders


def patiently(server: Server, config: ModelConfig) -> Ask:
    """Return how a served model is asked, such that a batch may take as long as its examples one by one."""
    outputs, batched, alone_s = [output.name for output in config.output], config.max_batch_size > 0, 0.0

    def ask(inputs: Tensors) -> Tensors:
        nonlocal alone_s
        count = examples_in(inputs) if batched else 1
        began = time.monotonic()
        answers = server.infer(config.name, inputs, outputs, "grpc", alone_s=count * alone_s)
        if count == 1:
            alone_s = max(alone_s, time.monotonic() - began)
        return answers

    return ask


def _completed(each: Configured, server: Server) -> Configured:
    """Return a model with what the server found out where its configuration says nothing."""
    effective, config = server.effective_config(each.name), ModelConfig()
    config.CopyFrom(each.config)
    for field in ("backend", "input", "output"):
        if not getattr(config, field):
            short = ModelConfig(**{field: getattr(effective, field)})
            config.MergeFrom(short)
    if not config.max_batch_size:
        config.max_batch_size = effective.max_batch_size
    for group, served in zip(config.instance_group, effective.instance_group, strict=False):
        group.kind, group.count = served.kind, served.count
    if effective.HasField("dynamic_batching"):
        config.dynamic_batching.CopyFrom(effective.dynamic_batching)  # all that is stated, and what is completed
    return replace(each, config=config)


def _completed_by_file(each: Configured) -> ModelConfig:
    """Return a configuration without inputs or outputs as NVIDIA's ONNX Runtime backend completes it; ours does not.

    Source: AutoCompleteConfig in src/onnxruntime.cc of that backend. A free first axis of all tensors is a batch there,
    and who says nothing of batches gets dynamic ones.
    """
    called = each.config.default_model_filename or "model.onnx"
    config, path = ModelConfig(), each.files().get(f"{each.version}/{called}")
    config.CopyFrom(each.config)
    if each.backend != BACKEND or path is None or (config.input and config.output):
        return config
    signature = Signature.read(path)
    if signature.batched:
        config.max_batch_size = config.max_batch_size or _DEFAULT_MAX_BATCH_SIZE
        scheduled = config.HasField("dynamic_batching") or config.HasField("sequence_batching")
        if config.max_batch_size > 1 and not scheduled:
            config.dynamic_batching.SetInParent()
    shape = ModelShape.of_signature(signature)
    for tensors, stated in ((shape.inputs, config.input), (shape.outputs, config.output)):
        if not stated:
            for tensor in tensors:
                stated.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return config
