"""Variants of a trained network: smaller, quantised, or computed by something else, and what they cost."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import exported, linear_model, remade, taking_bytes
from measured import level, summarised
from onnx import TensorProto, numpy_helper

from assay.exporting import variants
from assay.exporting.portable import check_portable
from assay.exporting.source import Source
from assay.ground.process import StageError
from assay.params import plugins
from assay.profiling.model_alone import ModelAlone
from assay.servers.embedded import serve
from assay.serving.answers import check_answers, check_effective_config
from assay.serving.model_config import ModelShape, read_config, render, serving_config
from assay.telling.variants_table import variant_row
from assay.tensors.parity import largest_difference, onnx_answer, onnx_session
from assay.validation.schema import validate

slow = pytest.mark.slow
CHANCE = np.random.default_rng(0)
ONE_IMAGE = {"image": (1, 28, 28, 1)}


def test_what_has_no_layers_of_weights_is_not_compressed(content: dict[str, Any]) -> None:
    """A forest is served as it is; every other variant of it is refused, all at once and with the reason."""
    content |= {"dataset": "iris", "model": "random_forest"}
    assert validate(content)
    names = plugins.names(variants)
    content["onnx"]["variants"] = names
    with pytest.raises(StageError) as refused:
        validate(content)
    for name in set(names) - {"fp32"}:
        assert f"{name} cannot be made of model random_forest: it has no layers of weights" in str(refused.value)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small network with every kind of layer that can be pruned on three shades of grey; return its folder."""
    import keras
    from keras import layers

    from assay.tensors.arrays import write_split

    folder = tmp_path_factory.mktemp("network")
    keras.utils.set_random_seed(1)
    for name, size in (("train", 60), ("validation", 30), ("test", 30)):
        y = np.arange(size) % 3
        x = (CHANCE.random((size, 12, 12, 3)) * 60 + 60 * y.reshape(-1, 1, 1, 1)).astype(np.uint8)
        write_split(folder / f"{name}.npz", x, y)
    image = keras.Input((12, 12, 3), dtype="uint8", name="image")
    x = layers.Rescaling([0.004, 0.008, 0.012], [0.0, -1.0, 0.5])(image)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    x = layers.SpatialDropout2D(0.1)(layers.Conv2D(6, 3)(x))
    features = keras.Input((4, 4, 6))
    head = keras.Model(features, layers.Dense(10, activation="relu")(layers.Flatten()(features)), name="head")
    logits = layers.Identity(name="logits")(layers.Dense(3)(layers.Dropout(0.1)(head(x))))
    keras.Model(image, logits).save(folder / "classifier.keras")
    return folder


@pytest.fixture(scope="module")
def fp32_model(network: Path) -> onnx.ModelProto:
    """Convert the network, once for all variants that begin with that."""
    return exported("fp32", Source(network / "classifier.keras", 17, None))


@pytest.fixture
def source(network: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> Any:
    """Return a function that gives the network as the source of a variant."""
    monkeypatch.setattr("assay.exporting.source.ARRAYS", network)
    params = validate(content)
    return lambda variant: Source(network / "classifier.keras", 17, params.settings(variant), seed=1)


@slow
def test_pruning_removes_the_weakest_channels_of_every_layer_but_the_last(network: Path) -> None:
    """Half of the channels are gone, and with them the inputs of the next layer; nothing removed, nothing changed."""
    import keras

    from assay.exporting.compression.prune import pruned, strongest

    model = keras.models.load_model(network / "classifier.keras")
    half = pruned(model, 0.5)
    weights = [each.shape for each in half.get_weights() if len(each.shape) > 1]
    assert weights == [(3, 3, 3, 4), (3, 3, 4, 3), (4 * 4 * 3, 5), (5, 3)]
    assert (half.output_names, half.input.name, half.input.dtype) == (["logits"], "image", "uint8")
    x = CHANCE.integers(0, 256, (4, 12, 12, 3), np.uint8)
    whole = pruned(model, 1e-9)
    assert np.allclose(whole.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert strongest(np.array([[1.0, -3.0, 0.5, 2.0]]), 0.5).tolist() == [1, 3]


@slow
def test_a_pruned_network_is_the_network_with_dead_channels(network: Path) -> None:
    """Where the weakest channels give nothing, taking them out changes no answer."""
    import keras

    from assay.exporting.compression.prune import chain, pruned, strongest

    model = keras.models.load_model(network / "classifier.keras")
    for layer in chain(model)[:-2]:  # all but the last with weights, and what names its output
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            kernel, *bias = layer.get_weights()
            dead = np.setdiff1d(np.arange(kernel.shape[-1]), strongest(kernel, 0.5))
            kernel[..., dead] = 0
            layer.set_weights([kernel, *(np.where(np.isin(np.arange(len(each)), dead), 0, each) for each in bias)])
    x = CHANCE.integers(0, 256, (4, 12, 12, 3), np.uint8)
    smaller = pruned(model, 0.5)
    assert smaller.count_params() < model.count_params() / 2
    assert np.allclose(smaller.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@slow
def test_the_default_model_can_be_pruned() -> None:
    """Models inside a model, each of which names its output: the parts become one chain."""
    import keras
    from keras import layers

    from assay.exporting.compression.prune import pruned
    from assay.learning.models.autoencoder import build_encoder

    encoder, latent = build_encoder(16), keras.Input((16,))
    head = keras.Model(latent, layers.Identity(name="logits")(layers.Dense(10)(latent)), name="head")
    model = keras.Model(encoder.input, layers.Identity(name="logits")(head(encoder(encoder.input))))
    smaller = pruned(model, 0.5)
    assert (smaller.output_names, smaller.output_shape) == (["logits"], (None, 10))
    x = CHANCE.integers(0, 256, (2, 28, 28, 1), np.uint8)
    assert np.allclose(pruned(model, 1e-9).predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert smaller.count_params() < model.count_params() / 2


@slow
def test_a_layer_that_is_used_twice_is_not_pruned() -> None:
    """It would be lost the second time."""
    import keras
    from keras import layers

    from assay.exporting.compression.prune import pruned

    image, activation = keras.Input((8, 8, 3)), layers.ReLU(name="again")
    x = activation(layers.Conv2D(4, 3)(activation(layers.Conv2D(4, 3)(image))))
    with pytest.raises(StageError, match="again has several inputs or uses"):
        pruned(keras.Model(image, layers.Dense(2)(layers.Flatten()(x))), 0.5)


@slow
@pytest.mark.parametrize("quantise", ["static", "dynamic"])
def test_eight_bits_lose_little_on_any_processor(quantise: str, caplog: pytest.LogCaptureFixture) -> None:
    """Large products are not cut off, as whole 8-bit weights would be without the newest instructions."""
    from assay.exporting.compression import quantise as tools

    model, x = taking_bytes(linear_model(scale=1.0)), CHANCE.integers(0, 256, (50, 28, 28, 1), np.uint8)
    smaller = remade(tools.static, model, {"image": x}) if quantise == "static" else remade(tools.dynamic, model)
    whole, quantised = (onnx_answer(onnx_session(each.SerializeToString()), x) for each in (model, smaller))
    assert largest_difference(whole, quantised) < 0.05
    assert not caplog.records  # the tools have no advice


@pytest.mark.parametrize("quantise", ["static", "dynamic"])
def test_what_would_stay_as_it_is_is_no_variant(quantise: str) -> None:
    """Products of 64-bit floats are not had in 8 bits: another name for the same model would be compared with it."""
    from assay.exporting.compression import quantise as tools

    model, inputs = linear_model(), {"image": np.zeros((2, 28, 28, 1), np.float64)}
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.elem_type = TensorProto.DOUBLE
    for each in model.graph.initializer:
        if each.data_type == TensorProto.FLOAT:
            each.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(each).astype(np.float64), each.name))
    examples = [inputs] if quantise == "static" else []
    with pytest.raises(StageError, match=r"cannot quantise this model: it has no .* would stay as it is; leave the va"):
        remade(getattr(tools, quantise), model, *examples)


@slow
def test_bytes_lose_no_more_in_eight_bits_than_fractions_do() -> None:
    """What scales them stays in floats: calibrated on the same images, both answer the same."""
    from assay.exporting.compression import quantise as tools

    x = CHANCE.integers(0, 256, (50, 28, 28, 1), np.uint8)
    fractions = x.astype(np.float32) / np.float32(255)
    of_bytes = remade(tools.static, taking_bytes(linear_model()), {"image": x})
    of_fractions = remade(tools.static, linear_model(), {"image": fractions})
    of_the_bytes, of_the_fractions = (
        onnx_answer(onnx_session(model.SerializeToString()), examples)
        for model, examples in ((of_bytes, x), (of_fractions, fractions))
    )
    assert largest_difference(of_the_bytes, of_the_fractions) < 1e-6
    assert [node.op_type for node in of_bytes.graph.node if "image" in node.input or "cast" in node.input] == [
        "Cast",
        "Mul",
    ]
    (product,) = [node for node in of_bytes.graph.node if node.op_type == "MatMul"]
    assert all("Dequantize" in name for name in product.input)


@slow
def test_what_is_no_chain_or_not_known_is_not_pruned() -> None:
    """A branch, or a layer that mixes channels in another way, is named."""
    import keras
    from keras import layers

    from assay.exporting.compression.prune import pruned

    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3)(image)
    for last, problem in (
        (layers.Add(name="sum")([x, x]), "sum has several inputs or uses"),
        (layers.LayerNormalization(name="norm")(x), "norm is a LayerNormalization, which pruning does not know"),
    ):
        model = keras.Model(image, layers.Dense(2)(layers.Flatten()(last)))
        with pytest.raises(StageError, match=problem):
            pruned(model, 0.5)


def weights_bytes(model: onnx.ModelProto) -> int:
    """Return how many bytes a model's weights take."""
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


@slow
@pytest.mark.parametrize("name", plugins.names(variants))
def test_a_variant_is_portable_smaller_or_equal_and_the_same_twice(
    name: str, source: Any, fp32_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Any batch size, plain operators, equal bytes for the same source; compressed weights take two thirds or less."""
    monkeypatch.setattr(Source, "convert", lambda _, path: onnx.save(fp32_model, path))
    model, again = (exported(name, source(name)) for _ in range(2))
    onnx.save(model, tmp_path / f"{name}.onnx")
    check_portable(tmp_path / f"{name}.onnx")
    assert model.SerializeToString() == again.SerializeToString()
    assert {each.domain for each in model.opset_import} <= {"", "ai.onnx.ml"}
    x, _ = source(name).split("test")
    answer, fp32_answer = (onnx_answer(onnx_session(each.SerializeToString()), x[:5]) for each in (model, fp32_model))
    assert answer.shape == (5, 3)
    if name in ("fp32", "openvino"):
        assert largest_difference(fp32_answer, answer) == 0
    else:
        # Of so small a model, the nodes that 8 bits add outweigh the file's weights.
        assert model.ByteSize() < fp32_model.ByteSize() * 1.5
        assert weights_bytes(model) < weights_bytes(fp32_model) * 2 / 3
        # Rounding moves the outputs by a few percent of the largest; removing channels makes another model.
        assert 0 < largest_difference(fp32_answer, answer) < (1 if "pruned" in name else 0.1)


@slow
def test_static_quantisation_is_in_8_bits_throughout(
    source: Any, fp32_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights are stored as 8-bit integers, and pairs of quantising and dequantising surround every product."""
    monkeypatch.setattr(Source, "convert", lambda _, path: onnx.save(fp32_model, path))
    model = exported("int8_static", source("int8_static"))
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) > 1]
    assert {tensor.data_type for tensor in weights} == {TensorProto.INT8}
    assert [node.op_type for node in model.graph.node].count("QuantizeLinear") >= 4


@slow
def test_openvino_serves_what_it_is_asked_to(tmp_path: Path) -> None:
    """The accelerator stands in config.pbtxt, its answers are ONNX Runtime's, and an unknown one is an error."""
    model, x = taking_bytes(linear_model()), CHANCE.integers(0, 256, (9, 28, 28, 1), np.uint8)

    def write(accelerator: str) -> Path:
        folder = tmp_path / accelerator
        (folder / "1").mkdir(parents=True)
        onnx.save(model, folder / "1" / "model.onnx")
        config = serving_config(accelerator, ModelShape.of(model), threads=1, max_batch_size=8, accelerator=accelerator)
        (folder / "config.pbtxt").write_text(render(config))
        return folder

    folder = write("openvino")
    (named,) = read_config(folder / "config.pbtxt").optimization.execution_accelerators.cpu_execution_accelerator
    assert named.name == "openvino"
    with serve([folder], 60) as server:
        check_effective_config(server, folder)
        check_answers(server, folder, {"image": x})
    assert ModelAlone(folder, {"image": x}).single()["p95"] > 0
    with (
        pytest.raises(StageError, match="unknown Execution Accelerator 'tensorrt'"),
        serve([write("tensorrt")], 60),
    ):
        pass


def test_a_change_of_accuracy_counts_the_examples_on_which_two_differ() -> None:
    """10 of 1,000 more are right: plus one point, give or take; the first variant is compared with nothing."""
    first: dict[str, Any] = {"test_correct": 980, "test_examples": 1000, "test_wrong": " ".join(map(str, range(20)))}
    better = first | {"test_correct": 990, "test_wrong": " ".join(map(str, range(10)))}
    exports = [{"classifier": each} for each in (first, better)]
    served = summarised(level([1.0] * 12, 8))
    cell = {"single_alone_us": None}
    assert variant_row("first", exports[0], exports[0], cell, served).accuracy_change is None
    row = variant_row("better", exports[1], exports[0], cell, served)
    assert row.accuracy == pytest.approx(0.99)
    assert row.accuracy_change
    assert row.accuracy_change.value == pytest.approx(0.01)
    assert 0 < row.accuracy_change.low < row.accuracy_change.value
