"""config.pbtxt: what is written, and what is refused before a server starts."""

from pathlib import Path

import onnx
import pytest
from conftest import linear_model
from google.protobuf import text_format
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2 as schema

from assay.ground.process import StageError
from assay.params.cells import Cell
from assay.serving.ensemble import ensemble_config, label_config
from assay.serving.model_config import (
    ModelShape,
    disagreements,
    effective_differences,
    read_config,
    render,
    serving_config,
)

GOLDEN = Path(__file__).parent / "golden"
SHAPE = ModelShape.of(linear_model())


@pytest.mark.parametrize(
    "cell",
    [
        Cell("fp32", 1, 64, "off"),
        Cell("fp32", 2, 8, "delay_0us"),
        Cell("fp32", 1, 16, "delay_500us_preferred_4_8"),
    ],
    ids=lambda cell: cell.name,
)
def test_configuration_is_the_golden_file(cell: Cell) -> None:
    """Each kind of cell gives exactly the reviewed config.pbtxt."""
    config = serving_config(
        cell.name,
        SHAPE,
        threads=2,
        instances=cell.instances,
        max_batch_size=cell.max_batch_size,
        batching=cell.batching,
    )
    assert render(config) == (GOLDEN / f"{cell.name}.pbtxt").read_text()


def test_an_ensemble_is_the_golden_file() -> None:
    """A classifier's scores go through the label step, and its largest batch is theirs."""
    classifier = serving_config("classifier-fp32", SHAPE, threads=2, max_batch_size=16)
    written = [label_config(("no", "yes"), 2, 16), ensemble_config("fp32", classifier, 2)]
    for config in written:
        assert render(config) == (GOLDEN / f"{config.name}.pbtxt").read_text()


def test_a_written_configuration_reads_back_the_same(tmp_path: Path) -> None:
    """Reading what was rendered loses nothing."""
    config = serving_config("linear", SHAPE, threads=1)
    path = tmp_path / "config.pbtxt"
    path.write_text(render(config))
    assert read_config(path) == config


def test_a_file_that_is_no_configuration_is_named(tmp_path: Path) -> None:
    """A typing error in config.pbtxt is reported with its place."""
    path = tmp_path / "config.pbtxt"
    path.write_text('nme: "linear"')
    with pytest.raises(StageError, match=r"config\.pbtxt is damaged: it cannot be read as a model configuration \(1:1"):
        read_config(path)


def test_disagreement_with_the_onnx_file_is_told_in_words() -> None:
    """A wrong tensor name, data type or shape is found before the server starts."""
    config = serving_config("linear", SHAPE, threads=1)
    assert disagreements(config, SHAPE) == []
    config.output[0].name = "label"
    config.input[0].dims[0] = 32
    assert sorted(disagreements(config, SHAPE)) == [
        "input image TYPE_FP32 [28, 28, 1] is only in model.onnx",
        "input image TYPE_FP32 [32, 28, 1] is only in config.pbtxt",
        "output label TYPE_FP32 [10] is only in config.pbtxt",
        "output logits TYPE_FP32 [10] is only in model.onnx",
    ]


def test_a_damaged_onnx_file_is_named(tmp_path: Path) -> None:
    """A truncated or foreign model file is one sentence, before the server sees it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(linear_model().SerializeToString()[:-100])
    with pytest.raises(StageError, match=r"model\.onnx is damaged: it cannot be read as an ONNX model"):
        ModelShape.read(path)


def test_a_fixed_first_axis_is_no_batch() -> None:
    """Triton could not batch such a model: all of its axes are its own, and a larger batch does not fit."""
    model = linear_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    shape = ModelShape.of(model)
    assert shape.unbatchable == "the first axis of input image is fixed at 1"
    assert [each.dims for each in (*shape.inputs, *shape.outputs)] == [(1, 28, 28, 1), (-1, 10)]
    assert disagreements(serving_config("fixed", shape, threads=1, max_batch_size=0), shape) == []
    assert disagreements(serving_config("fixed", shape, threads=1, max_batch_size=4), shape) == [
        "max_batch_size is 4, and the model takes no batches: the first axis of input image is fixed at 1"
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TensorProto.UINT16, "TYPE_UINT16"),
        (TensorProto.UINT32, "TYPE_UINT32"),
        (TensorProto.UINT64, "TYPE_UINT64"),
        (TensorProto.INT16, "TYPE_INT16"),
        (TensorProto.BFLOAT16, "TYPE_BF16"),
    ],
)
def test_every_type_that_triton_has_is_written(kind: int, name: str) -> None:
    """Whatever a model of somebody else's takes."""
    model = linear_model()
    model.graph.input[0].type.tensor_type.elem_type = kind
    assert schema.DataType.Name(ModelShape.of(model).inputs[0].data_type) == name


def test_what_triton_has_no_type_for_is_one_sentence() -> None:
    """Complex numbers, and sequences of tensors, are named with the tensor."""
    model = linear_model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.COMPLEX64
    with pytest.raises(StageError, match="image: Triton has no type for what the ONNX file calls COMPLEX64"):
        ModelShape.of(model)
    sequence = helper.make_tensor_sequence_value_info("labels", TensorProto.INT64, ["batch"])
    model.graph.input[0].CopyFrom(sequence)
    with pytest.raises(
        StageError,
        match=r"labels: Triton has no type for what the ONNX file calls a sequence: .*options=\{'zipmap': False\}",
    ):
        ModelShape.of(model)


def test_a_scalar_has_no_batch_axis() -> None:
    """Triton has no empty dims: it is one value to it."""
    model = linear_model()
    del model.graph.input[0].type.tensor_type.shape.dim[:]
    shape = ModelShape.of(model)
    assert (shape.unbatchable, shape.inputs[0].dims) == ("input image is a scalar", (1,))


def test_what_has_no_axis_but_the_batch_is_reshaped() -> None:
    """As the label of each example is, in the models of skl2onnx: [N] to the model, [N, 1] to Triton."""
    model = linear_model()
    del model.graph.output[0].type.tensor_type.shape.dim[1:]
    config = serving_config("labels", ModelShape.of(model), threads=1)
    assert (list(config.output[0].dims), list(config.output[0].reshape.shape)) == ([1], [])
    assert config.output[0].HasField("reshape")
    assert disagreements(text_format.Parse(render(config), schema.ModelConfig()), ModelShape.of(model)) == []


def test_a_tensor_of_which_no_shape_is_told_is_refused() -> None:
    """Triton must know how many axes there are, and the way to write that down is said."""
    model = linear_model()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(StageError, match=r"image: the ONNX file does not say how many axes .*infer_shapes"):
        ModelShape.of(model)


def test_weights_listed_as_inputs_are_not_inputs() -> None:
    """Old exporters list weights among the graph's inputs; clients do not send them."""
    model = linear_model()
    model.graph.input.append(helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [784, 10]))
    assert [tensor.name for tensor in ModelShape.of(model).inputs] == ["image"]


def test_a_batcher_that_nobody_asked_for_is_a_difference() -> None:
    """A server that adds dynamic batching, or changes the instances, does not pass unnoticed."""
    written = serving_config("linear", SHAPE, threads=1)
    effective = serving_config("linear", SHAPE, threads=1)
    effective.instance_group[0].count = 2
    effective.dynamic_batching.SetInParent()
    assert effective_differences(written, written) == []
    found = effective_differences(written, effective)
    assert [difference.split(":")[0] for difference in found] == ["instance_group", "dynamic_batching"]
