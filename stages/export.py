"""Export the trained models as one variant in ONNX and check their parity.

Reads   artifacts/models/*.keras, artifacts/data/test.npz
Writes  artifacts/onnx/<variant>/<export>.onnx
        reports/onnx/<variant>.json: parity, accuracy and size of each export
Run     PYTHONHASHSEED=0 python stages/export.py fp32
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx

import variants
from analysis.parity import largest_difference, onnx_answer, onnx_session
from models import CLASSIFIER
from parameters.schema import Params, load_params
from runtime.arrays import read_split
from runtime.files import replacing_directory, write_json
from runtime.paths import ARRAYS, MODELS, ONNX, PARITY
from runtime.process import StageError, argument, run_stage
from runtime.quiet import quiet_tensorflow

with quiet_tensorflow():
    import keras

# ONNX Runtime 1.19, the native backend of Triton 24.10, reads nothing newer.
NEWEST_OPSET, NEWEST_IR_VERSION = 21, 10


def check_portable(model: onnx.ModelProto, name: str) -> None:
    """Raise StageError if a target server could not load `model` with any batch size."""
    onnx.checker.check_model(model, full_check=True)
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset > NEWEST_OPSET or model.ir_version > NEWEST_IR_VERSION:
        raise StageError(
            f"{name}.onnx has opset {opset} and IR version {model.ir_version}; "
            f"Triton 24.10 reads at most {NEWEST_OPSET} and {NEWEST_IR_VERSION}"
        )
    for tensor in (*model.graph.input, *model.graph.output):
        batch, *rest = tensor.type.tensor_type.shape.dim
        if batch.HasField("dim_value") or not all(axis.HasField("dim_value") for axis in rest):
            raise StageError(f"{name}.onnx: {tensor.name} must have a free batch axis and no other free axis")


def compare(trained: keras.Model, exported: bytes, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest difference between both models' answers to `x`, and the exported one's."""
    answer = onnx_answer(onnx_session(exported), x)
    return largest_difference(trained.predict(x, verbose=0), answer), answer


def export(variant: str, params: Params, folder: Path) -> dict[str, Any]:
    """Write every trained model to `folder` and return what was measured of each."""
    x, y = read_split(ARRAYS / "test.npz")
    measured = {}
    for path in sorted(MODELS.glob("*.keras")):
        model = variants.get(variant).export(path, params.onnx.opset)
        check_portable(model, path.stem)
        content = model.SerializeToString()
        difference, answer = compare(keras.models.load_model(path), content, x)
        (folder / f"{path.stem}.onnx").write_bytes(content)
        measured[path.stem] = {"parity": difference, "file_bytes": len(content), "opset": params.onnx.opset}
        if path.stem == CLASSIFIER:
            measured[path.stem]["test_correct"] = int(np.sum(answer.argmax(axis=1) == y))
            measured[path.stem]["test_examples"] = len(y)
        print(f"{path.stem} as {variant}: parity {difference:.2g}, {len(content):,} bytes")
    return measured


def check_parity(variant: str, measured: dict[str, Any], limit: float) -> None:
    """Raise StageError if an export strays from the trained model beyond the limit."""
    for name, each in measured.items():
        if each["parity"] > limit:
            raise StageError(
                f"{name} as {variant}: outputs differ from the trained model's by up to {each['parity']:.3g}, "
                f"beyond onnx.parity_limit.{variant} = {limit:g}"
            )


def main() -> None:
    params = load_params()
    variant = argument(params.onnx.variants)
    with replacing_directory(ONNX / variant) as folder:
        measured = export(variant, params, folder)
        # Written in any case: the gate tells from it why there are no models.
        write_json(PARITY / f"{variant}.json", measured)
        check_parity(variant, measured, params.onnx.parity_limit[variant])


if __name__ == "__main__":
    run_stage(main)
