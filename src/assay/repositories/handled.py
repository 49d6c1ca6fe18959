"""What a configuration may ask for that measuring has to know of: refused by name, or left out and said."""

from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.params.triton import Triton
from assay.repositories.opening import Configured, RepositoryModel
from assay.serving.model_config import PYTHON_BACKEND

# What the server in the wheel has: this project's backend, and the wheel's.
_EMBEDDED = ("onnxruntime", PYTHON_BACKEND)
_ENVIRONMENT = "EXECUTION_ENV_PATH"
_OTHER_SERVER = "measure it on a server that does, with triton.server in params.yaml"


def check_handled(opened: RepositoryModel, triton: Triton) -> None:
    """Raise StageError, by name, about what cannot be measured here, or what the chosen server does not have."""
    for each in opened.every:
        if why := _refusal(each.config):
            raise StageError(f"{each.name}: {why}")
        if not each.is_ensemble:
            _check_served(each, triton)


def _refusal(config: ModelConfig) -> str | None:
    if config.model_transaction_policy.decoupled:
        return (
            "its transaction policy is decoupled: it answers a request any number of times, and what is measured here "
            "are requests with one answer"
        )
    if config.HasField("sequence_batching"):
        return (
            "it has sequence_batching: it keeps a state between requests of a client, and those that are sent here "
            "know of no other"
        )
    if config.batch_input or config.batch_output or any(each.allow_ragged_batch for each in config.input):
        return "it batches requests of several shapes (ragged batches), and those that are sent here have one"
    return None


def _check_served(each: Configured, triton: Triton) -> None:
    """Raise StageError if the server that params.yaml chooses lacks what a model is computed by."""
    if not each.backend:
        raise StageError(f'{each.name}: its config.pbtxt names no backend: write down which, as in `backend: "python"`')
    if triton.server in ("embedded", "local") and _ENVIRONMENT in each.config.parameters:
        raise StageError(
            f"{each.name}: it brings a Python environment of its own ({_ENVIRONMENT}), and the Python backend that is "
            "started here runs in this project's; install what it imports there, and leave the parameter out"
        )
    if triton.server == "embedded":
        gpus = [group for group in each.config.instance_group if group.kind == ModelInstanceGroup.KIND_GPU]
        if gpus:
            raise StageError(
                f"{each.name}: its instance_group is of KIND_GPU, and the embedded server computes on the processor: "
                f"write KIND_CPU, or {_OTHER_SERVER}"
            )
        if each.backend not in _EMBEDDED:
            raise StageError(
                f"{each.name}: the embedded server has no backend {each.backend}; it has {listed(_EMBEDDED)}; "
                f"{_OTHER_SERVER}"
            )
    folder = Path(triton.local.folder) / "backends"
    if triton.server == "local" and each.backend != "onnxruntime" and not (folder / each.backend).is_dir():
        raise StageError(f"{each.name}: {folder} has no backend {each.backend}; {_OTHER_SERVER}")


def cleaned(config: ModelConfig) -> tuple[ModelConfig, list[str]]:
    """Return a configuration without what would answer or wait in the model's place, and what was left out, in words.

    What there is of versions is not in it either: the one that answers is served alone.
    """
    found, said = ModelConfig(), []
    found.CopyFrom(config)
    if config.response_cache.enable:
        said.append("response_cache: it would answer for the model")
        found.ClearField("response_cache")
    if config.model_warmup:
        said.append("model_warmup: every measurement begins warm")
        found.ClearField("model_warmup")
    if any(group.HasField("rate_limiter") for group in config.instance_group):
        said.append("rate_limiter: no other model waits for the same resources here")
        for group in found.instance_group:
            group.ClearField("rate_limiter")
    if config.HasField("version_policy"):
        said.append("version_policy: the version that answers a request is served alone")
        found.ClearField("version_policy")
    return found, said
