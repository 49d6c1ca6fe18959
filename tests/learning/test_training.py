"""Training and export: the default system's shape, repeatability and parity."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import linear_model, taking_bytes
from onnx import helper

from assay.exporting import source
from assay.exporting.portable import check_portable
from assay.ground.files import read_json
from assay.ground.process import StageError
from assay.learning.datasets.digits import DATASET as DIGITS
from assay.tensors.named import only
from assay.tensors.signature import Signature

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    sizes = {"train": 64, "validation": 20, "test": 20}
    return {
        name: (random.integers(0, 256, (size, 28, 28, 1), np.uint8), np.arange(size) % 10)
        for name, size in sizes.items()
    }


def hyperparameters(hidden_width: int = 8) -> Any:
    from assay.learning.models.autoencoder import Fit, HeadFit, Hyperparameters

    fit: dict[str, Any] = {"epochs": 2, "batch_size": 32, "learning_rate": 0.01}
    return Hyperparameters(hidden_width=hidden_width, reconstruction=Fit(**fit), head=HeadFit(**fit))


def test_encoder_and_decoder_have_the_described_sizes() -> None:
    """At width 32: 6,208 and 6,509 parameters, 28x28 to 32 numbers and back."""
    from assay.learning.models.autoencoder import build_decoder, build_encoder

    encoder, decoder = build_encoder(32), build_decoder(32)
    assert (encoder.count_params(), decoder.count_params()) == (6208, 6509)
    assert encoder.output_shape == (None, 32)
    assert decoder.output_shape == (None, 28, 28, 1)


def test_a_width_that_eight_does_not_divide_is_rounded_up() -> None:
    """Any width gives a model that fits together."""
    from assay.learning.models.autoencoder import build_decoder, build_encoder

    assert build_decoder(9)(build_encoder(9)(np.zeros((2, 28, 28, 1), np.uint8))).shape == (2, 28, 28, 1)


def trained(splits: Any, seed: int, folder: Path) -> Any:
    from assay.learning import models
    from assay.learning.frameworks.keras_model import make_deterministic

    make_deterministic(seed)
    return models.get("autoencoder").train(splits, DIGITS, hyperparameters(), folder)


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curves")


@pytest.fixture(scope="module")
def result(splits: Any, curves: Path) -> Any:
    """Return what training with seed 1 gives."""
    return trained(splits, 1, curves)


def test_the_same_seed_gives_the_same_weights_and_scores(result: Any, splits: Any, tmp_path: Path) -> None:
    """Trained twice with one seed, every weight and every score is equal; another seed differs."""

    def weights(result: Any) -> list[np.ndarray]:
        return [array for model in result.exports.values() for array in model.get_weights()]

    again, other = trained(splits, 1, tmp_path), trained(splits, 2, tmp_path)
    assert result.scores == again.scores
    assert all(np.array_equal(a, b) for a, b in zip(weights(result), weights(again), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(weights(result), weights(other), strict=True))


def test_the_head_learns_on_a_frozen_encoder(result: Any, splits: Any, curves: Path) -> None:
    """The classifier and the autoencoder share one encoder, which the head's training left alone."""
    import keras

    classifier, autoencoder = result.exports["classifier"], result.exports["autoencoder"]
    assert classifier.get_layer("encoder") is autoencoder.get_layer("encoder")
    x = splits["test"][0]
    mse = float(np.mean((autoencoder.predict(x, verbose=0) - x / 255) ** 2))
    assert result.scores["test"]["reconstruction_mse"] == pytest.approx(mse)
    assert isinstance(classifier, keras.Model)
    written = sorted(path.relative_to(curves).as_posix() for path in curves.rglob("*.tsv"))
    assert "reconstruction/plots/metrics/eval/loss.tsv" in written
    assert "classifier/plots/metrics/train/accuracy.tsv" in written


def test_an_export_beyond_its_parity_limit_fails_the_stage(
    splits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]
) -> None:
    """When it answers otherwise than the trained one: both numbers are named, the parity is kept, no model is."""
    import export
    import keras

    from assay.learning.training.pixels import scaling
    from assay.tensors import arrays
    from assay.tensors.arrays import write_split
    from assay.validation.schema import validate

    image = keras.Input((28, 28, 1), dtype="uint8", name="image")
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(scaling()(image)))
    (tmp_path / "models").mkdir()
    keras.Model(image, logits).save(tmp_path / "models" / "classifier.keras")
    write_split(tmp_path / "test.npz", *splits["test"])
    for module in (source, arrays):
        monkeypatch.setattr(module, "ARRAYS", tmp_path)
    for name, folder in (("MODELS", "models"), ("ONNX", "onnx"), ("PARITY", "parity")):
        monkeypatch.setattr(export, name, tmp_path / folder)
    monkeypatch.setattr(export, "load_params", lambda: validate(content))
    monkeypatch.setattr(sys, "argv", ["export.py", "fp32"])
    content["variants"]["fp32"]["parity_limit"] = 1e-12
    with pytest.raises(StageError, match=r"beyond variants\.fp32\.parity_limit = 1e-12"):
        export.main()
    assert not list(tmp_path.rglob("*.onnx"))
    assert 0 < read_json(tmp_path / "parity" / "fp32.json")["classifier"]["parity"] <= 1e-4
    content["variants"]["fp32"]["parity_limit"] = 1e-4
    export.main()
    assert (tmp_path / "onnx" / "fp32" / "classifier.onnx").exists()
    content["variants"]["fp32"]["parity_limit"] = None
    monkeypatch.setattr(export, "onnx_answers", lambda _, inputs: {"logits": np.zeros((len(only(inputs)), 1))})
    with pytest.raises(StageError, match=r"with \[20, 1\] values, the model that it was made of with \[20, 10\]"):
        export.main()
    monkeypatch.setattr(export, "onnx_answers", lambda _, inputs: {"logits": np.full((len(only(inputs)), 10), np.nan)})
    with pytest.raises(
        StageError, match=r"values of logits are no numbers .* leave that variant out of onnx\.variants"
    ):
        export.main()


def test_a_model_that_takes_another_type_than_examples_have_is_refused() -> None:
    """Whoever wrote its family forgot the type of its input; ONNX Runtime would say so in its own words."""
    from export import check_takes

    asked = {"image": np.zeros((1, 28, 28, 1), np.uint8)}
    check_takes(Signature.of(taking_bytes(linear_model())), asked, "classifier")
    with pytest.raises(StageError, match=r"classifier\.onnx takes float32 and will be asked uint8"):
        check_takes(Signature.of(linear_model()), asked, "classifier")


def test_models_that_a_target_server_could_not_load_are_refused(tmp_path: Path) -> None:
    """A new opset, a fixed batch axis or a second free axis is named."""

    def portable(model: onnx.ModelProto) -> None:
        onnx.save(model, tmp_path / "classifier.onnx")
        check_portable(tmp_path / "classifier.onnx")

    model = linear_model()
    portable(model)
    newer = helper.make_model(model.graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    with pytest.raises(StageError, match=r"classifier\.onnx has opset 22"):
        portable(newer)
    fixed = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in (fixed.graph.input[0], fixed.graph.output[0]):
        tensor.type.tensor_type.shape.dim[0].dim_value = 4
    scalar = linear_model()
    scalar.graph.input.append(helper.make_tensor_value_info("threshold", onnx.TensorProto.FLOAT, []))
    for refused, name in ((fixed, "image"), (scalar, "threshold")):
        with pytest.raises(StageError, match=f"{name} must have a free batch axis"):
            portable(refused)
