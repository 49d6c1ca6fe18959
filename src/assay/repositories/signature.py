"""What a configured model takes and gives, as clients see it."""

from typing import Any

from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from assay.ground.process import StageError
from assay.tensors.signature import Signature, Tensor


def signature_of(config: ModelConfig) -> Signature:
    """Return the signature that a configuration states; raises StageError if it states none."""
    if not (config.input and config.output):
        raise StageError(
            f"{config.name}: the server completes no inputs and outputs of this model: write them into its config.pbtxt"
        )
    batched = config.max_batch_size > 0
    return Signature(
        inputs=tuple(_tensor(each, batched=batched) for each in config.input),
        outputs=tuple(_tensor(each, batched=batched) for each in config.output),
        without_batches=None if batched else "its configuration has max_batch_size 0",
    )


def _tensor(stated: Any, *, batched: bool) -> Tensor:
    name = DataType.Name(stated.data_type).removeprefix("TYPE_")
    if name == "INVALID":
        raise StageError(f"{stated.name}: its config.pbtxt names no data_type")
    axes = tuple(size if size > 0 else "" for size in stated.dims)
    return Tensor(stated.name, "BYTES" if name == "STRING" else name, ("batch", *axes) if batched else axes)
