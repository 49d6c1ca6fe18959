"""What an export of ours must be, so that a target server loads it with any batch size."""

from pathlib import Path

import onnx

from assay.ground.process import StageError
from assay.tensors.releases import TARGET


def opset_of(path: Path) -> int:
    """Return the version of ONNX's own operators that a file is written in, 0 if it has none of them."""
    return _opset(onnx.load(path, load_external_data=False))


def _opset(model: onnx.ModelProto) -> int:
    return max((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def check_portable(path: Path) -> None:
    """Raise StageError if a target server could not load a model with any batch size."""
    model, name = onnx.load(path), path.stem
    onnx.checker.check_model(model, full_check=True)
    opset = _opset(model)
    if opset > TARGET.opset or model.ir_version > TARGET.ir_version:
        raise StageError(
            f"{name}.onnx has opset {opset} and IR version {model.ir_version}; "
            f"Triton {TARGET.triton} (ONNX Runtime {TARGET.onnxruntime}) reads at most {TARGET.opset} and "
            f"{TARGET.ir_version}"
        )
    for tensor in (*model.graph.input, *model.graph.output):
        free = [not axis.HasField("dim_value") for axis in tensor.type.tensor_type.shape.dim]
        if free[:1] != [True] or any(free[1:]):
            raise StageError(f"{name}.onnx: {tensor.name} must have a free batch axis and no other free axis")
