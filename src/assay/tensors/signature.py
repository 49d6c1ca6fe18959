"""A model's signature: name, type and axes of every tensor that it takes and gives, as its ONNX file says."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from tritonclient.utils import triton_to_np_dtype

from assay.ground.files import reading
from assay.ground.process import StageError

# The types that ONNX and Triton share, as the KServe protocol names them
# (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md).
_DATATYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "FP32",
    onnx.TensorProto.FLOAT16: "FP16",
    onnx.TensorProto.DOUBLE: "FP64",
    onnx.TensorProto.BFLOAT16: "BF16",
    onnx.TensorProto.INT64: "INT64",
    onnx.TensorProto.INT32: "INT32",
    onnx.TensorProto.INT16: "INT16",
    onnx.TensorProto.INT8: "INT8",
    onnx.TensorProto.UINT64: "UINT64",
    onnx.TensorProto.UINT32: "UINT32",
    onnx.TensorProto.UINT16: "UINT16",
    onnx.TensorProto.UINT8: "UINT8",
    onnx.TensorProto.BOOL: "BOOL",
    onnx.TensorProto.STRING: "BYTES",
}
# What is no tensor, and how a model comes to give it.
_WAY_OUT = (
    "a server answers with tensors alone; export the model without it (for a classifier of skl2onnx's: "
    "options={'zipmap': False}), or remove it from the graph's outputs"
)


@dataclass(frozen=True)
class Tensor:
    """One input or output.

    `datatype` is the KServe protocol's name, as FP32 or BYTES. An axis is its size, or, where that is free, its name,
    which may be empty; None in place of axes means that the file does not even say how many there are.
    """

    name: str
    datatype: str
    axes: tuple[int | str, ...] | None

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type of what it holds; text is objects, and a bfloat16 is asked as a 32-bit float."""
        return np.dtype(triton_to_np_dtype(self.datatype))


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives; `without_batches` is why it takes none, where its axes do not say that."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    without_batches: str | None = None

    @property
    def unbatchable(self) -> str | None:
        """Why the model takes no batches, None if it does: a free first axis of every tensor, which is the batch."""
        if self.without_batches:
            return self.without_batches
        for kind, tensors in (("input", self.inputs), ("output", self.outputs)):
            for tensor in tensors:
                if tensor.axes == ():
                    return f"{kind} {tensor.name} is a scalar"
                if tensor.axes and isinstance(size := tensor.axes[0], int):
                    return f"the first axis of {kind} {tensor.name} is fixed at {size}"
        return None

    @property
    def batched(self) -> bool:
        """Whether it takes batches."""
        return self.unbatchable is None

    @classmethod
    def read(cls, path: Path) -> "Signature":
        """Read it from an ONNX file, and no weights kept beside that; raises StageError if it is damaged."""
        with reading(path, "an ONNX model"):
            model = onnx.load(path, load_external_data=False)
            if not model.graph.output:
                raise ValueError("it gives nothing")
        return cls.of(model)

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "Signature":
        """Read it from a model; raises StageError if Triton has no type for what a tensor holds.

        Weights that old exporters list among the inputs are none: clients do not send them.
        """
        weights = {tensor.name for tensor in model.graph.initializer}
        return cls(
            inputs=tuple(_tensor(value) for value in model.graph.input if value.name not in weights),
            outputs=tuple(_tensor(value) for value in model.graph.output),
        )


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    kind = value.type.WhichOneof("value")
    datatype = _DATATYPES.get(value.type.tensor_type.elem_type)
    if datatype is None:
        no_tensor = kind in ("sequence_type", "map_type", "optional_type")
        way_out = f": {_WAY_OUT}" if no_tensor else ""
        what = f"a {kind.removesuffix('_type')}" if no_tensor else onnx.helper.printable_type(value.type) or "nothing"
        raise StageError(f"{value.name}: Triton has no type for what the ONNX file calls {what}{way_out}")
    shape = value.type.tensor_type
    axes = tuple(axis.dim_value if axis.HasField("dim_value") else axis.dim_param for axis in shape.shape.dim)
    return Tensor(value.name, datatype, axes if shape.HasField("shape") else None)
