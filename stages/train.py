"""Train the chosen model family and measure it on the validation and test splits.

Reads   artifacts/data/{train,validation,test}.npz
Writes  artifacts/models/<export>.*, one for each model the family exports
        reports/training.json: scores on the validation and test splits
        reports/predictions.csv: actual and predicted class of each test example
        reports/curves/: loss and accuracy by epoch; roc.csv, each class against the rest on the test split
Run     python stages/train.py
"""

from assay.ground.stage import run_stage

from pathlib import Path

import numpy as np
import pandas as pd

from assay.ground.files import replacing, replacing_directory, write_json
from assay.ground.paths import ARRAYS, CURVES, MODELS, PREDICTIONS, ROC, TRAINING
from assay.ground.process import StageError
from assay.learning import frameworks, models
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER
from assay.scoring.classification import classification_scores, roc_curves
from assay.tensors.arrays import SPLITS, read_split, write_inputs
from assay.validation.schema import load_params

MEASURED = ("validation", "test")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV."""
    with replacing(path) as partial:
        table.to_csv(partial, index=False, float_format="%.6g")


def main() -> None:
    params = load_params()
    dataset, family = params.raw_data, models.get(params.model)
    framework = frameworks.get(family.framework)
    with machine_shared():
        splits = {name: read_split(ARRAYS / f"{name}.npz") for name in SPLITS}
        framework.make_deterministic(params.seed)
        with replacing_directory(CURVES) as curves:
            trained = family.train(splits, dataset, params.hyperparameters, curves)

        with replacing_directory(MODELS) as folder:
            for name, model in trained.exports.items():
                framework.save(model, folder / f"{name}{framework.suffix}")
            for name, inputs in trained.inputs.items():
                write_inputs(folder / name, inputs)
        answers = {name: framework.answer(trained.exports[CLASSIFIER], splits[name][0]) for name in MEASURED}
    if not all(np.isfinite(answer).all() for answer in answers.values()):
        raise StageError(f"training diverged: answers are no numbers; lower a learning rate in models.{params.model}")
    scores = {
        name: {**classification_scores(splits[name][1], answer.argmax(axis=1)), **trained.scores.get(name, {})}
        for name, answer in answers.items()
    }
    actual, answer = splits["test"][1], answers["test"]
    predicted = {
        "actual": np.take(dataset.classes, actual),
        "predicted": np.take(dataset.classes, answer.argmax(axis=1)),
    }
    write_table(PREDICTIONS, pd.DataFrame(predicted))
    write_table(ROC, roc_curves(actual, answer, dataset.classes))
    write_json(TRAINING, scores)
    print("test: " + "  ".join(f"{name} {value:.4f}" for name, value in scores["test"].items()))


if __name__ == "__main__":
    run_stage(main)
