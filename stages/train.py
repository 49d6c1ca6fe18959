"""Train the chosen model family and measure it on the validation and test splits.

Reads   artifacts/data/{train,validation,test}.npz
Writes  artifacts/models/<export>.keras, one for each model the family exports
        reports/training.json: scores on the validation and test splits
        reports/predictions.csv: actual and predicted class of each test example
        reports/curves/: loss and accuracy by epoch
Run     python stages/train.py
"""

import numpy as np
import pandas as pd

import models
from models import CLASSIFIER
from parameters.schema import load_params
from runtime.arrays import SPLITS, read_split
from runtime.files import replacing, replacing_directory, write_json
from runtime.paths import ARRAYS, CURVES, MODELS, PREDICTIONS, TRAINING
from runtime.process import run_stage
from runtime.quiet import quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf


def make_deterministic(seed: int) -> None:
    """Make training give the same weights for the same seed on one machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def predictions(classifier: keras.Model, x: np.ndarray, y: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return the actual and predicted class names, a row an example."""
    predicted = np.argmax(classifier.predict(x, verbose=0), axis=1)
    return pd.DataFrame({"actual": np.take(classes, y), "predicted": np.take(classes, predicted)})


def main() -> None:
    params = load_params()
    dataset = params.raw_data
    splits = {name: read_split(ARRAYS / f"{name}.npz") for name in SPLITS}
    make_deterministic(params.seed)
    trained = models.get(params.model).train(splits, dataset, params.hyperparameters, CURVES)

    with replacing_directory(MODELS) as folder:
        for name, model in trained.exports.items():
            model.save(folder / f"{name}.keras")
    with replacing(PREDICTIONS) as partial:
        table = predictions(trained.exports[CLASSIFIER], *splits["test"], dataset.classes)
        table.to_csv(partial, index=False)
    write_json(TRAINING, trained.metrics)
    print("test: " + "  ".join(f"{name} {value:.4f}" for name, value in trained.metrics["test"].items()))


if __name__ == "__main__":
    run_stage(main)
