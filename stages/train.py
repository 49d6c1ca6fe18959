"""Train the chosen model family, or take the model that was brought, and measure it where there are labels.

Reads   artifacts/data/{train,validation,test}.npz
Writes  artifacts/models/<export>.*, one for each model the family exports
        reports/training.json: scores on the validation and test splits; none without labels
        reports/predictions.csv: actual and predicted class of each test example
        reports/curves/: loss and accuracy by epoch; roc.csv, each class against the rest on the test split
Run     python stages/train.py
"""

from assay.ground.stage import run_stage

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from assay.ground.files import replacing, replacing_directory, write_json
from assay.ground.paths import ARRAYS, CURVES, MODELS, PREDICTIONS, ROC, TRAINING
from assay.ground.process import StageError
from assay.learning import frameworks, models
from assay.learning.bringing.evidence import check_what_it_says
from assay.learning.bringing.folder import ANSWERS, brought_here
from assay.learning.bringing.loading import open_model
from assay.learning.bringing.samples import check_classes
from assay.learning.models import Trained
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER
from assay.scoring.classification import Judged, class_scores, judged
from assay.tensors.arrays import SPLITS, read_named, read_split, write_inputs
from assay.tensors.named import only
from assay.tensors.parity import onnx_answers
from assay.tensors.rows import scored
from assay.validation.schema import Params, load_params

MEASURED = ("validation", "test")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV."""
    with replacing(path) as partial:
        table.to_csv(partial, index=False, float_format="%.6g")


def learned(params: Params, curves: Path) -> tuple[Trained, Judged]:
    """Train a family on its dataset's splits and judge its classifier."""
    dataset, family = params.raw_data, models.get(params.model)
    framework = frameworks.get(family.framework)
    splits = {name: read_split(ARRAYS / f"{name}.npz") for name in SPLITS}
    framework.make_deterministic(params.seed)
    trained = family.train(splits, dataset, params.hyperparameters, curves)
    scores = {name: only(framework.answer(trained.exports[CLASSIFIER], {"x": splits[name][0]})) for name in MEASURED}
    if not all(np.isfinite(each).all() for each in scores.values()):
        raise StageError(f"training diverged: answers are no numbers; lower a learning rate in models.{params.model}")
    return trained, judged(scores, {name: splits[name][1] for name in MEASURED}, dataset.classes, trained.scores)


def taken_over(params: Params, curves: Path) -> tuple[Trained, Judged]:
    """Take a model that was brought, see that it is what its file says, and judge it where there are labels."""
    family = models.get(params.model)
    trained = family.train({}, params.raw_data, params.hyperparameters, curves)
    (path,) = trained.exports.values()
    framework, (inputs, labels) = frameworks.of(path), read_named(ARRAYS / "test.npz")
    signature = brought_here().signature
    if not framework.asked_when_brought:
        opened = open_model(path)
        for asked in (inputs, *(read_named(path)[0] for path in sorted((ARRAYS / "shapes").glob("*.npz")))):
            check_what_it_says(partial(onnx_answers, opened.session), signature, asked)
    if labels is None:
        return trained, judged({}, {}, ())
    answers = read_named(path / ANSWERS)[0] if framework.asked_when_brought else framework.answer(path, inputs)
    scores = class_scores(answers, scored(signature))
    check_classes(labels, scores)
    return trained, judged({"test": scores}, {"test": labels}, tuple(map(str, range(scores.shape[1]))))


def main() -> None:
    params = load_params()
    family = models.get(params.model)
    with machine_shared():
        with replacing_directory(CURVES) as curves:
            trained, found = (taken_over if family.brought else learned)(params, curves)
        with replacing_directory(MODELS) as folder:
            for name, model in trained.exports.items():
                framework = frameworks.of(model) if family.brought else frameworks.get(family.framework)
                framework.save(model, folder / f"{name}{framework.suffix}")
            for name, inputs in trained.inputs.items():
                write_inputs(folder / name, inputs)
    write_table(PREDICTIONS, found.predictions)
    write_table(ROC, found.curves)
    write_json(TRAINING, found.scores)
    said = "  ".join(f"{name} {value:.4f}" for name, value in found.scores.get("test", {}).items())
    print(f"test: {said}" if said else "taken as it came; without labels, variants are compared with it")


if __name__ == "__main__":
    run_stage(main)
