"""Export the trained models, or the one that was brought, as one variant in ONNX and check their parity.

Reads   artifacts/models/, artifacts/data/
Writes  artifacts/onnx/<variant>/<export>.onnx, and test inputs where they are not the dataset's examples
        reports/onnx/<variant>.json: parity, accuracy or agreement, size and batch safety of each export
Run     PYTHONHASHSEED=0 python stages/export.py fp32
"""

from assay.ground.stage import argument, run_stage

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assay.exporting import variants
from assay.exporting.portable import check_portable, opset_of
from assay.exporting.quality import check_answers, quality
from assay.exporting.source import Source
from assay.ground.files import replacing_directory, sha256_of, write_json
from assay.ground.numerals import beside
from assay.ground.paths import FOUND, MODELS, ONNX, PARITY
from assay.ground.process import StageError
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import MEASURED, Found
from assay.learning import frameworks
from assay.machine.lock import machine_shared
from assay.tensors.arrays import INPUTS_SUFFIX, read_inputs
from assay.tensors.batch_safety import batch_safety
from assay.tensors.external_data import external_files
from assay.tensors.named import Tensors, each_alone, examples_in, one, part, with_room
from assay.tensors.onnx_costs import costs
from assay.tensors.parity import largest_difference, onnx_answers, onnx_session
from assay.tensors.rows import scored
from assay.tensors.signature import Signature
from assay.validation.schema import Params, load_params


def check_takes(signature: Signature, inputs: Tensors, name: str) -> None:
    """Raise StageError if a model takes another type than the inputs that it will be asked."""
    for tensor in signature.inputs:
        if tensor.dtype != inputs[tensor.name].dtype:
            raise StageError(
                f"{name}.onnx takes {tensor.dtype} and will be asked {inputs[tensor.name].dtype}, as examples are "
                "stored: give the model's input that type and let its first layer convert"
            )


def sources(variant: str, params: Params) -> list[Source]:
    """Return the models that a variant is exported of."""
    names = ("*",) if variants.get(variant).every_export else MEASURED
    found = sorted(path for name in names for path in MODELS.glob(f"{name}.*") if frameworks.saves(path))
    return [Source(path, params.onnx.opset, params.settings(variant), params.seed) for path in found]


def export(variant: str, params: Params, folder: Path) -> dict[str, Any]:
    """Write models to `folder` and return what was measured of each."""
    measured = {}
    for source in sources(variant, params):
        name, called = source.path.stem, f"{source.path.stem} as {variant}"
        path = folder / f"{name}.onnx"
        variants.get(variant).export(source, path)
        if source.framework.asked_when_brought:
            measured[name] = read_record(source.path / FOUND, Found)["measured"]
            print(f"{called}: taken as its owner configured it")
            continue
        if not source.framework.as_it_came:
            check_portable(path)
        signature, files = Signature.read(path), [path, *(folder / beside for beside in external_files(path))]
        inputs = read_inputs(source.path, [each.name for each in signature.inputs])
        check_takes(signature, inputs, name)
        # One after the other, before there is a session that stays: of a large model, each takes its share of memory.
        counted = costs(path, {each: array.shape for each, array in one(inputs, 0, batched=signature.batched).items()})
        if source.framework.as_it_came and source.test_labels() is None:
            answer = source.framework.answer(source.trained, part(inputs, 0, 1))
            inputs = part(inputs, 0, with_room(answer, examples_in(inputs)))
        expected = source.framework.answer(source.trained, inputs)
        ask, scores = partial(onnx_answers, onnx_session(str(path))), scored(signature)
        answers = each_alone(ask, inputs, batched=signature.batched)
        check_answers(called, expected, answers)
        differences = [largest_difference(each, answers[output]) for output, each in expected.items()]
        # A text that is another has no distance: it counts as the largest of a share.
        difference = max(1.0 if np.isinf(each) else each for each in differences)
        measured[name] = {
            "sha256": sha256_of(*files),
            "parity": difference,
            "file_bytes": sum(each.stat().st_size for each in files),
            "opset": opset_of(path),
            "accelerator": variants.get(variant).accelerator,
            **counted,
        }
        if signature.batched:
            measured[name]["batch"] = batch_safety(ask, inputs, answers, scores, called)
        else:
            measured[name] |= {"batch": None, "unbatchable": signature.unbatchable}
        if name in MEASURED:
            measured[name] |= quality(source, expected, answers, scores)
        print(f"{called}: parity {difference:.2g}, {measured[name]['file_bytes']:,} bytes")
    for path in MODELS.glob(f"*{INPUTS_SUFFIX}"):
        shutil.copyfile(path, folder / path.name)
    return measured


def check_parity(variant: str, measured: dict[str, Any], limit: float | None) -> None:
    """Raise StageError if an export strays from the trained model beyond the limit, if there is one."""
    for name, parity in ((name, each["parity"]) for name, each in measured.items()):
        if limit is not None and parity > limit:
            raise StageError(
                f"{name} as {variant}: outputs differ from those of the model that it was made of by up to "
                f"{beside(f'{parity:.3g}', parity, limit)}, beyond variants.{variant}.parity_limit = {limit:g}"
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
