"""Write, read and check config.pbtxt through Triton's own protobuf schema."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as schema
from tritonclient.utils import triton_to_np_dtype

from assay.ground.files import reading
from assay.ground.process import StageError
from assay.params.cells import DynamicBatching
from assay.params.triton import BACKEND
from assay.tensors.signature import Signature, Tensor

PYTHON_BACKEND = "python"
# The parameter of a configuration, for ONNX Runtime.
THREADS = "intra_op_thread_count"


@dataclass(frozen=True)
class TensorShape:
    """One input or output: its name, Triton's data type, and dims without the batch axis.

    Triton has no empty dims: a tensor with none is [1] to it, and `has_no_dims` where it also has a batch axis.
    """

    name: str
    data_type: int
    dims: tuple[int, ...]
    has_no_dims: bool = False

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type of what it holds; text is objects."""
        name = schema.DataType.Name(self.data_type).removeprefix("TYPE_")
        return np.dtype(triton_to_np_dtype("BYTES" if name == "STRING" else name))


@dataclass(frozen=True)
class ModelShape:
    """What a model takes and gives, and why it takes no batches, where it does not: dims then have every axis."""

    inputs: tuple[TensorShape, ...]
    outputs: tuple[TensorShape, ...]
    unbatchable: str | None = None

    @classmethod
    def configured(cls, config: schema.ModelConfig) -> "ModelShape":
        """Return the shape that a configuration states."""
        inputs, outputs = (tuple(map(_stated, tensors)) for tensors in (config.input, config.output))
        return cls(inputs, outputs)

    @classmethod
    def read(cls, path: Path) -> "ModelShape":
        """Read the shape of an ONNX file; raises StageError as `of` does, or if the file is damaged."""
        return cls.of_signature(Signature.read(path))

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "ModelShape":
        """Read the shape of an ONNX model.

        Raises StageError if the file does not say how many axes a tensor has, or Triton has no type for what is in it.
        """
        return cls.of_signature(Signature.of(model))

    @classmethod
    def of_signature(cls, signature: Signature) -> "ModelShape":
        """Return the shape that a signature says; raises StageError as `of` does."""
        why = signature.unbatchable
        inputs, outputs = (
            tuple(_shape(tensor, batched=why is None) for tensor in tensors)
            for tensors in (signature.inputs, signature.outputs)
        )
        return cls(inputs, outputs, why)


def _stated(tensor: Any) -> TensorShape:
    """Return an input or output of a configuration."""
    return TensorShape(tensor.name, tensor.data_type, tuple(tensor.dims), tensor.HasField("reshape"))


def _shape(tensor: Tensor, *, batched: bool) -> TensorShape:
    if tensor.axes is None:
        raise StageError(
            f"{tensor.name}: the ONNX file does not say how many axes it has, which Triton must know; "
            "save it again with onnx.shape_inference.infer_shapes"
        )
    axes = tensor.axes[1:] if batched else tensor.axes
    name = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    dims = tuple(axis if isinstance(axis, int) else -1 for axis in axes)
    return TensorShape(tensor.name, schema.DataType.Value(f"TYPE_{name}"), dims or (1,), batched and not dims)


def serving_config(
    name: str,
    shape: ModelShape,
    *,
    threads: int | None,
    instances: int = 1,
    max_batch_size: int = 64,
    batching: DynamicBatching | None = None,
    accelerator: str | None = None,
) -> schema.ModelConfig:
    """Return a complete configuration: nothing is left for Triton to fill in.

    An omitted instance count would mean two on a processor; an omitted tensor
    would turn dynamic batching on. `threads` are ONNX Runtime's, for each instance;
    None leaves their number to it: one for each physical core of the machine. `accelerator`
    computes in place of ONNX Runtime's own kernels.
    """
    config = schema.ModelConfig(name=name, backend=BACKEND, max_batch_size=max_batch_size)
    for tensors, stated in ((shape.inputs, config.input), (shape.outputs, config.output)):
        for tensor in tensors:
            added = stated.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            if tensor.has_no_dims:
                added.reshape.SetInParent()  # to no dims
    config.instance_group.add(kind=schema.ModelInstanceGroup.KIND_CPU, count=instances)
    if batching is not None:
        config.dynamic_batching.max_queue_delay_microseconds = batching.delay_us
        # Without preferred sizes Triton prefers the largest; written out, it is no surprise.
        config.dynamic_batching.preferred_batch_size.extend(batching.preferred or (max_batch_size,))
    if threads is not None:
        config.parameters[THREADS].string_value = str(threads)
        config.parameters["inter_op_thread_count"].string_value = "1"
    if accelerator is not None:
        config.optimization.execution_accelerators.cpu_execution_accelerator.add(name=accelerator)
    return config


def threads_for(instances: int, cores: int) -> int:
    """Return the threads of each instance: each brings its own pool, and together they fill the cores once."""
    return max(1, cores // instances)


def threads_in(config: schema.ModelConfig) -> int:
    """Return the threads of each instance that a configuration states, 0 where it leaves them to ONNX Runtime."""
    # Asking the map itself would write the key into it.
    return int(config.parameters[THREADS].string_value or 0) if THREADS in config.parameters else 0


def render(config: schema.ModelConfig) -> str:
    """Return the text of config.pbtxt."""
    return str(text_format.MessageToString(config))


def read_config(path: Path) -> schema.ModelConfig:
    """Return a parsed config.pbtxt; raises StageError if it is not one."""
    with reading(path, "a model configuration"):
        config: schema.ModelConfig = text_format.Parse(path.read_text(encoding="utf-8"), schema.ModelConfig())
    return config


def input_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the inputs of a model's folder."""
    return tuple(str(each.name) for each in read_config(folder / "config.pbtxt").input)


def disagreements(config: schema.ModelConfig, shape: ModelShape) -> list[str]:
    """Return in words where a configuration and an ONNX file do not belong together."""
    found, configured = [], ModelShape.configured(config)
    for kind, stated, actual in (
        ("input", configured.inputs, shape.inputs),
        ("output", configured.outputs, shape.outputs),
    ):
        for tensor in sorted(set(stated).symmetric_difference(actual), key=lambda tensor: tensor.name):
            source = "config.pbtxt" if tensor in stated else "model.onnx"
            type_name = schema.DataType.Name(tensor.data_type)
            found.append(f"{kind} {tensor.name} {type_name} {list(tensor.dims)} is only in {source}")
    if config.max_batch_size and shape.unbatchable:
        found.append(f"max_batch_size is {config.max_batch_size}, and the model takes no batches: {shape.unbatchable}")
    if config.dynamic_batching.preferred_batch_size:
        largest = max(config.dynamic_batching.preferred_batch_size)
        if largest > config.max_batch_size:
            found.append(f"preferred batch size {largest} is larger than max_batch_size {config.max_batch_size}")
    return found


def effective_differences(written: schema.ModelConfig, effective: schema.ModelConfig) -> list[str]:
    """Return the fields of a written configuration that a live server changed.

    What the server adds with its defaults elsewhere is no difference, except a
    dynamic batcher that nobody asked for.
    """
    found = []
    for field, value in written.ListFields():
        stated, served = _essence(field.name, value), _essence(field.name, getattr(effective, field.name))
        if stated != served:
            found.append(f"{field.name}: config.pbtxt says {stated or 'nothing of it'}, the server {served}")
    if effective.HasField("dynamic_batching") and not written.HasField("dynamic_batching"):
        found.append("dynamic_batching: the server batches though config.pbtxt does not say so")
    return found


def _essence(field: str, value: Any) -> Any:
    """Return the part of a field that the server must keep; it fills in the rest."""
    if field == "instance_group":
        return [(group.kind, group.count) for group in value]
    if field in ("input", "output"):
        return [_stated(tensor) for tensor in value]
    if field == "optimization":
        return [*(each.name for each in value.execution_accelerators.cpu_execution_accelerator), value.graph.level]
    return value
