"""Export the trained models as one variant in ONNX and check their parity.

Reads   artifacts/models/, artifacts/data/
Writes  artifacts/onnx/<variant>/<export>.onnx, and test inputs where they are not the dataset's examples
        reports/onnx/<variant>.json: parity, accuracy, size and batch safety of each export
Run     PYTHONHASHSEED=0 python stages/export.py fp32
"""

from assay.ground.stage import argument, run_stage

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from assay.exporting import variants
from assay.exporting.source import Source
from assay.ground.files import replacing_directory, write_json
from assay.ground.paths import ARRAYS, MODELS, ONNX, PARITY
from assay.ground.process import StageError
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER
from assay.tensors.arrays import INPUTS_SUFFIX, read_inputs, read_split
from assay.tensors.batch_safety import batch_safety
from assay.tensors.onnx_costs import costs
from assay.tensors.parity import answers_alone, largest_difference, onnx_answer, onnx_session
from assay.tensors.releases import TARGET
from assay.validation.schema import Params, load_params


def check_portable(model: onnx.ModelProto, name: str) -> None:
    """Raise StageError if a target server could not load `model` with any batch size."""
    onnx.checker.check_model(model, full_check=True)
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
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


def check_takes(model: onnx.ModelProto, x: np.ndarray, name: str) -> None:
    """Raise StageError if a model takes another type than the inputs that it will be asked."""
    taken = onnx.helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    if taken != x.dtype:
        raise StageError(
            f"{name}.onnx takes {taken} and will be asked {x.dtype}, as examples are stored: "
            "give the model's input that type and let its first layer convert"
        )


def sources(variant: str, params: Params) -> list[Source]:
    """Return the trained models that a variant is exported of."""
    names = "*" if variants.get(variant).every_export else CLASSIFIER
    paths = sorted(path for path in MODELS.glob(f"{names}.*") if path.suffix != INPUTS_SUFFIX)
    return [Source(path, params.onnx.opset, params.settings(variant), params.seed) for path in paths]


def export(variant: str, params: Params, folder: Path) -> dict[str, Any]:
    """Write trained models to `folder` and return what was measured of each."""
    measured = {}
    for source in sources(variant, params):
        name = source.path.stem
        model = variants.get(variant).export(source)
        content, x = model.SerializeToString(), read_inputs(source.path)
        check_portable(model, name)
        check_takes(model, x, name)
        session = onnx_session(content)
        ask = partial(onnx_answer, session)
        answer = answers_alone(ask, x)
        if not np.isfinite(answer).all():
            raise StageError(f"{name} as {variant} gives answers that are no numbers; was a learning rate too high?")
        expected = source.framework.answer(source.trained, x)
        if answer.shape != expected.shape:
            raise StageError(
                f"{name} as {variant} answers {len(x)} examples with {list(answer.shape)} values, "
                f"the trained model with {list(expected.shape)}"
            )
        difference = largest_difference(expected, answer)
        (folder / f"{name}.onnx").write_bytes(content)
        measured[name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "parity": difference,
            "file_bytes": len(content),
            "opset": params.onnx.opset,
            "accelerator": variants.get(variant).accelerator,
            "batch": batch_safety(ask, x, answer, f"{name} as {variant}"),
            **costs(model),
        }
        if name == CLASSIFIER:
            _, y = read_split(ARRAYS / "test.npz")
            wrong = np.flatnonzero(answer.argmax(axis=1) != y)
            measured[name] |= {
                "test_correct": len(y) - len(wrong),
                "test_examples": len(y),
                "test_wrong": " ".join(map(str, wrong)),
            }
        print(f"{name} as {variant}: parity {difference:.2g}, {len(content):,} bytes")
    for path in MODELS.glob(f"*{INPUTS_SUFFIX}"):
        shutil.copyfile(path, folder / path.name)
    return measured


def check_parity(variant: str, measured: dict[str, Any], limit: float | None) -> None:
    """Raise StageError if an export strays from the trained model beyond the limit, if there is one."""
    for name, each in measured.items():
        if limit is not None and each["parity"] > limit:
            raise StageError(
                f"{name} as {variant}: outputs differ from the trained model's by up to {each['parity']:.3g}, "
                f"beyond variants.{variant}.parity_limit = {limit:g}"
            )


def main() -> None:
    params = load_params()
    variant = argument(params.onnx.variants)
    with machine_shared(), replacing_directory(ONNX / variant) as folder:
        measured = export(variant, params, folder)
        # Written in any case: the gate tells from it why there are no models.
        write_json(PARITY / f"{variant}.json", measured)
        check_parity(variant, measured, params.settings(variant).parity_limit)


if __name__ == "__main__":
    run_stage(main)
