"""Every model family: trained on a few examples, exported, and told apart from what it cannot take."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Edit, clone, ran, read_params, run
from export import check_takes

from assay.exporting import variants
from assay.exporting.portable import check_portable
from assay.exporting.source import Source
from assay.ground.process import StageError
from assay.learning import datasets, frameworks, models
from assay.learning.datasets import Dataset
from assay.learning.models import Splits
from assay.params import plugins
from assay.scoring.classification import classification_scores, roc_curves
from assay.tensors.named import only
from assay.tensors.parity import largest_difference, onnx_answers, onnx_session
from assay.tensors.signature import Signature
from assay.validation.schema import validate

slow = pytest.mark.slow
CLASSES = ("a", "b", "c")
SHAPES = {
    "autoencoder": (28, 28, 1),
    "cnn": (16, 20, 3),
    "cifar_cnn": (8, 9, 3),
    "mlp": (2, 3, 1),
    "random_forest": (4,),
}
QUICK = {
    "autoencoder": {
        "hidden_width": 8,
        "reconstruction": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
        "head": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
    },
    "cnn": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "momentum": 0.5, "dropout": 0.1},
    "cifar_cnn": {"epochs": 1, "width": 2, "dense_width": 4, "shift": 1},
    "mlp": {"epochs": 1},
}


def examples(shape: tuple[int, ...]) -> Splits:
    """Return made-up splits of three classes that differ in their mean."""
    chance = np.random.default_rng(0)

    def split(size: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(size) % len(CLASSES)
        x = (chance.random((size, *shape)) + y.reshape(-1, *[1] * len(shape))) / 3
        return (255 * x).astype(np.uint8) if len(shape) == 3 else x.astype(np.float32), y

    return {"train": split(24), "validation": split(9), "test": split(9)}


def test_every_family_is_tried_here() -> None:
    """A new family gets its line."""
    assert set(SHAPES) == {name for name in plugins.names(models) if not models.get(name).brought}


@slow
@pytest.mark.parametrize("name", SHAPES)
def test_a_family_trains_and_is_exported_as_it_answers(name: str, tmp_path: Path, content: dict[str, Any]) -> None:
    """Shapes of its own, any batch size, bytes of images, every export equal to the trained model within rounding."""
    family, shape = models.get(name), SHAPES[name]
    framework = frameworks.get(family.framework)
    hyperparameters = family.hyperparameters.model_validate(content["models"][name] | QUICK.get(name, {}))
    splits = examples(shape)
    framework.make_deterministic(1)
    trained = family.train(splits, Dataset("made_up", shape, CLASSES, ()), hyperparameters, tmp_path / "curves")
    for export, model in trained.exports.items():
        path = tmp_path / f"{export}{framework.suffix}"
        framework.save(model, path)
        assert frameworks.of(path) is framework
        x = trained.inputs.get(export, splits["test"][0])
        variants.get("fp32").export(Source(path, 17, None), converted := tmp_path / f"{export}.onnx")
        check_portable(converted)
        signature = Signature.read(converted)
        (taken,) = signature.inputs
        check_takes(signature, {taken.name: x}, export)
        answers = onnx_answers(onnx_session(str(converted)), {taken.name: x})
        expected = framework.answer(model, {"x": x})
        assert set(expected) == set(answers)
        answer = only(answers)
        assert largest_difference(only(expected), answer) < 1e-4
    assert answer.shape[0] == 9
    x, _ = splits["test"]
    assert x.dtype == (np.uint8 if len(shape) == 3 else np.float32)
    assert only(framework.answer(trained.exports["classifier"], {"x": x})).shape == (9, len(CLASSES))


@pytest.mark.parametrize(
    ("model", "dataset", "reason"),
    [
        ("random_forest", "digits", "it takes rows of features and an example there has the shape 28x28x1"),
        ("cnn", "iris", "it takes images of at least 16x16 and an example there has the shape 4"),
        ("cifar_cnn", "iris", "it takes images of at least 8x8 and an example there has the shape 4"),
        ("autoencoder", "cifar10", "it takes 28x28x1 images and an example there has the shape 32x32x3"),
    ],
)
def test_an_impossible_pair_is_refused_with_its_reason(
    content: dict[str, Any], model: str, dataset: str, reason: str
) -> None:
    """Before any work, with the shape that is there."""
    content |= {"model": model, "dataset": dataset}
    with pytest.raises(StageError, match=f"model: {model} cannot be trained on dataset {dataset}: {reason}"):
        validate(content)


def test_every_other_pair_is_allowed(content: dict[str, Any]) -> None:
    """Rows of features for the forest, images for the convolutions, anything for the baseline."""
    for model, dataset in [("mlp", "iris"), ("mlp", "cifar10"), ("cnn", "cifar10"), ("random_forest", "iris")]:
        assert validate(content | {"model": model, "dataset": dataset}).model == model


@slow
def test_augmented_batches_hold_every_image_once_and_moved() -> None:
    """Each is one of its nine shifts, or that mirrored; another epoch has another order."""
    from assay.learning.training.augment import FlippedAndCropped

    x = np.random.default_rng(0).integers(0, 256, (10, 6, 6, 1), np.uint8)
    batches = FlippedAndCropped(x, np.arange(10), batch_size=4, shift=1, seed=1)
    found = [batches[index] for index in range(len(batches))]
    assert [len(labels) for _, labels in found] == [4, 4, 2]
    images, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    assert sorted(labels) == list(range(10))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    for image, label in zip(images, labels, strict=True):
        moved = [padded[label, row : row + 6, column : column + 6] for row in range(3) for column in range(3)]
        assert any(np.array_equal(image, each) or np.array_equal(image, each[:, ::-1]) for each in moved)
    batches.on_epoch_end()
    assert not np.array_equal(np.concatenate([batches[index][1] for index in range(3)]), labels)


@slow
def test_a_channel_that_never_changes_is_only_shifted() -> None:
    """Standardising divides by no zero."""
    from assay.learning.training.standardised import standardised

    x = np.stack([np.full(8, 3.0), np.arange(8.0)], axis=1).astype(np.float32)
    found = np.asarray(standardised(x)(x))
    assert np.allclose(found[:, 0], 0)
    assert found[:, 1].mean() == pytest.approx(0, abs=1e-6)
    assert found[:, 1].std() == pytest.approx(1, abs=1e-6)


@slow
@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_are_standardised_as_fractions_are(channels: int) -> None:
    """Whether pixels go from 0 to 255 or from 0 to 1, each channel has mean 0 and deviation 1 in the end."""
    from assay.learning.training.pixels import scaled
    from assay.learning.training.standardised import standardised

    x = np.random.default_rng(0).integers(0, 100 + 50 * np.arange(channels), (20, 5, 6, channels)).astype(np.uint8)
    found = np.asarray(standardised(x)(x))
    assert np.allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    assert np.allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-5)
    assert np.allclose(found, standardised(scaled(x))(scaled(x)), atol=1e-5)


def test_scores_of_each_class_count_the_same() -> None:
    """Macro averages do not let a large class hide a small one."""
    scores = classification_scores(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
    assert scores == pytest.approx({"accuracy": 0.75, "macro_f1": 3 / 7, "macro_precision": 0.375, "macro_recall": 0.5})


def test_a_perfect_class_has_the_whole_area_below_its_curve() -> None:
    """One against the rest, each class a curve from corner to corner, never more than 200 points."""
    chance = np.random.default_rng(0)
    actual = np.repeat([0, 1], 2000)
    scores = np.stack([1.0 - actual, chance.random(4000)], axis=1)
    curves = roc_curves(actual, scores, ("first", "second"))
    areas = curves.groupby("class")["area"].first()
    assert areas["first"] == 1
    assert areas["second"] == pytest.approx(0.5, abs=0.05)
    assert curves.groupby("class").size().max() <= 200
    last: pd.DataFrame = curves.groupby("class").last()
    assert (last[["false_positive_rate", "true_positive_rate"]] == 1).all(axis=None)


NEW_DATASET = '''
"""Four rows of one number."""
import numpy as np
from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.published import RawFile

def load(folder):
    x = np.loadtxt(folder / "rows.csv", dtype=np.float32).reshape(-1, 1)
    return Examples(x, (x[:, 0] > 0).astype(np.int64))

FILE = RawFile("rows.csv", {size}, "{sha256}")
DATASET = Dataset("thrown_away", (1,), ("negative", "positive"), (Edition("made up", (FILE,), load),))
'''
NEW_FAMILY = '''
"""Logistic regression."""
from assay.params.cells import CLASSIFIER
from assay.learning.models import Family, Trained
from assay.params.section import Section

class Hyperparameters(Section):
    """models.thrown_away in params.yaml."""
    strength: float = 1.0

def train(splits, dataset, hyperparameters, curves):
    """Fit."""
    from sklearn.linear_model import LogisticRegression
    return Trained({CLASSIFIER: LogisticRegression(C=hyperparameters.strength).fit(*splits["train"])})

FAMILY = Family("scikit_learn", Hyperparameters, lambda _: None, train)
'''
NEW_VARIANT = '''
"""As fp32, and says so."""
import onnx
from assay.exporting.variants import Variant

def export(source, path):
    """Convert the trained model."""
    source.convert(path)
    model = onnx.load(path)
    model.doc_string = "thrown away"
    onnx.save(model, path)

VARIANT = Variant(export)
'''


@slow
def test_a_dataset_a_family_and_a_variant_are_one_file_each(tmp_path: Path) -> None:
    """With a line in params.yaml where there is something to set; nothing else knows them, and all of it is served."""
    rows = "".join(f"{value}\n" for value in np.linspace(-2, 2, 41))

    def choose(params: dict[str, Any]) -> None:
        params |= {"dataset": "thrown_away", "model": "thrown_away"}
        params["models"]["thrown_away"] = {"strength": 1.0}
        params["variants"]["thrown_away"] = {"parity_limit": 1e-4}
        params["onnx"]["variants"] = ["thrown_away"]
        params["labels"]["top_k"] = 1

    edit: Edit = choose
    folder = clone(tmp_path / "clone", edit)
    raw = folder / "datasets" / "thrown_away" / "rows.csv"
    raw.parent.mkdir()
    raw.write_text(rows)
    digest = hashlib.sha256(rows.encode()).hexdigest()
    for package, text in (
        ("learning/datasets", NEW_DATASET.format(size=len(rows), sha256=digest)),
        ("learning/models", NEW_FAMILY),
        ("exporting/variants", NEW_VARIANT),
    ):
        (folder / "src" / "assay" / package / "thrown_away.py").write_text(text)
    run("dvc", "add", "--quiet", "datasets/thrown_away", cwd=folder)
    output = run("dvc", "repro", "serving", cwd=folder).stdout
    assert ran(output)[-1] == "serving@thrown_away"
    assert "classifier-thrown_away: answers over HTTP and gRPC equal ONNX Runtime's" in output
    assert "labelled-thrown_away: labels over HTTP and gRPC are the likeliest classes" in output
    assert "thrown_away" not in plugins.names(datasets)
    assert "thrown_away" not in read_params()["models"]
