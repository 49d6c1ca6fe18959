"""A model of somebody else's: what is seen in its file, what it is asked, and what is refused before it is tracked."""

import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import own_models
import pytest
from conftest import errors
from onnx import TensorProto, helper
from ruamel.yaml import YAML

from assay.ground.process import StageError
from assay.ground.quoting import quoted
from assay.ground.records.prepared import UNKNOWN
from assay.learning.bringing.description import (
    description,
    next_steps,
    of_file,
    option_for_windows,
    options_for_batches,
    options_left_over,
    readers,
)
from assay.learning.bringing.evidence import ASKED, check_what_it_says
from assay.learning.bringing.fitting import (
    check_batch_safe,
    check_configured,
    check_fits,
    options_without_owner,
)
from assay.learning.bringing.folder import INPUTS, LINES, MODEL, SAMPLES, Brought
from assay.learning.bringing.judging import Examples, Judged, judge
from assay.learning.bringing.limits import check_limits
from assay.learning.bringing.loading import open_model
from assay.learning.bringing.made import complete, in_shape, make
from assay.learning.bringing.params_file import with_inputs
from assay.learning.bringing.samples import check_classes, read_labels, read_samples, write_samples
from assay.learning.bringing.told import merged, told_inputs
from assay.learning.models import get
from assay.params.made_inputs import MadeInput, parse_shape, parse_values
from assay.params.perf import Perf, Slo
from assay.tensors.batch_safety import batch_safety
from assay.tensors.named import each_alone
from assay.tensors.parity import onnx_answers
from assay.tensors.releases import first_to_read
from assay.tensors.signature import Signature
from assay.validation.schema import validate

X = np.random.default_rng(0).normal(0, 1, (6, 4)).astype(np.float32)


TOLD = [
    MadeInput(name="ids", sizes=[7], values="integers 0 49"),
    MadeInput(name="mask:0", sizes=[7], values="constant 1"),
]


def signature(model: onnx.ModelProto) -> Signature:
    return Signature.of(model)


def nowhere(name: str) -> Path:
    """No text was brought."""
    raise StageError(f"{name} is missing")


def samples(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no model", r"model\.onnx is no ONNX file"),
        (b"", r"model\.onnx is no ONNX file with a model in it: it computes nothing"),
    ],
)
def test_what_is_no_model_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    """Whatever somebody called model.onnx."""
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(StageError, match=said):
        open_model(tmp_path / "model.onnx")


def test_what_onnx_runtime_cannot_read_is_said_in_its_words(tmp_path: Path) -> None:
    """An operator that nobody knows, a set of operators to come, a format to come: without places in its source."""
    unknown, later, newer = own_models.dense(), own_models.dense(), own_models.dense()
    unknown.graph.node[0].op_type = "MatMultiply"
    later.opset_import[0].version, newer.ir_version = 99, 99
    for name, model, said in (
        ("a", unknown, r"cannot read a\.onnx: .*No Op registered for MatMultiply"),
        ("b", later, r"cannot read b\.onnx: ONNX Runtime only .*Opset 99 is under development"),
        ("c", newer, r"cannot read c\.onnx: Unsupported model IR version: 99"),
    ):
        with pytest.raises(StageError, match=said):
            open_model(own_models.save(tmp_path / f"{name}.onnx", model))


def test_weights_beside_a_model_are_its_files(tmp_path: Path) -> None:
    """Where they are missing, or elsewhere, that is said before ONNX Runtime looks for them."""
    path = own_models.save(tmp_path / "in" / "model.onnx", own_models.dense(), external=True)
    assert [each.name for each in open_model(path).files] == ["model.onnx", "model.weights"]
    (path.parent / "model.weights").rename(tmp_path / "model.weights")
    with pytest.raises(StageError, match=r"keeps weights in 'model\.weights', and they are not beside it"):
        open_model(path)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "../model.weights"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(StageError, match=r"keeps weights in '\.\./model\.weights', outside of its own folder"):
        open_model(path)


@pytest.mark.parametrize("name", ["", "w\n.bin", "w" * 5000])
def test_a_name_that_no_file_should_have_is_refused(tmp_path: Path, name: str) -> None:
    """It is not said to be elsewhere, and cut where it would fill the screen."""
    model = onnx.load(own_models.save(tmp_path / "m.onnx", own_models.dense(), external=True), load_external_data=False)
    for each in model.graph.initializer[0].external_data:
        each.value = name if each.key == "location" else each.value
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(StageError, match=r"a name that is empty, has more than 255 bytes, or characters") as raised:
        open_model(tmp_path / "m.onnx")
    assert quoted(name) in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_sequence_is_no_tensor(tmp_path: Path) -> None:
    """The way out is said with it."""
    model = own_models.dense()
    model.graph.output.append(helper.make_tensor_sequence_value_info("labels", TensorProto.INT64, None))
    with pytest.raises(StageError, match=r"labels: Triton has no type for .*zipmap"):
        open_model(own_models.save(tmp_path / "model.onnx", model))


def test_floats_of_a_fixed_size_go_without_saying() -> None:
    """Of all others the tool says what it must be told, and why."""
    assert complete(signature(own_models.dense()), []) == [MadeInput(name="x")]
    with pytest.raises(StageError) as raised:
        complete(signature(own_models.stateful()), [])
    said = str(raised.value).splitlines()
    assert said[0].startswith("inputs can be made, or brought with `--inputs samples.npz`")
    assert [line.split("   ")[0].strip() for line in said[1:]] == [
        "--set 'x[SIZE]=normal'",
        "--set 'state[SIZE]=normal'",
        "--set 'rate=constant VALUE'",
    ]
    assert "a number that the model does not know is an error, or answered as another" in said[3]


def test_what_is_told_is_understood_whatever_tensors_are_called() -> None:
    """Colons, dots, brackets and a name that begins with another's."""
    model = own_models.tokens()
    told, texts = told_inputs(["mask:0[7]=constant 1", "ids[7]=integers 0 49"], signature(model))
    assert told == [
        MadeInput(name="mask:0", sizes=[7], values="constant 1"),
        MadeInput(name="ids", sizes=[7], values="integers 0 49"),
    ]
    assert (texts, merged([], told, signature(model), nowhere)) == ({}, [told[1], told[0]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("other=normal", "begins with the name of no input"),
        ("ids", "--set 'ids' has no =VALUES; "),
        ("ids[7]=anything", "'anything' are no values; write normal, uniform, zeros"),
        ("ids[7]=integers 9 0", "its smallest value after its largest"),
        ("ids[seven]=zeros", "--set ids: "),
        ("ids[0]=zeros", "sizes are whole numbers from 1"),
        ("ids[7=zeros", "'[7=zeros' follows the name"),
        ("ids[7]=lines no such file", "'no such file' is no file whose lines"),
    ],
)
def test_what_cannot_be_understood_is_said_with_the_syntax(text: str, said: str) -> None:
    """Before anything is copied."""
    with pytest.raises(StageError, match=said.replace("[", r"\[")):
        told_inputs([text], signature(own_models.tokens()))


def test_a_tensor_is_told_of_once() -> None:
    """Two answers to one question are none."""
    with pytest.raises(StageError, match="tells of 'ids' twice"):
        told_inputs(["ids[7]=zeros", "ids[8]=zeros"], signature(own_models.tokens()))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (MadeInput(name="ids", values="integers 0 9"), "ids has 1 free axis beside the batch, and 0 sizes were told"),
        (MadeInput(name="ids", sizes=[7]), "ids holds INT64, and `normal` makes floats"),
        (MadeInput(name="ids", sizes=[7], values="constant 0.5"), "ids holds INT64, and 0.5 is none"),
        (MadeInput(name="ids", sizes=[7], values=f"integers 0 {2**63}"), "ids holds INT64, and 9223372036854775808"),
        (MadeInput(name="nobody"), "the model has no input 'nobody'; it has 'ids', 'mask:0'"),
    ],
)
def test_what_does_not_fit_an_input_is_said(told: MadeInput, said: str) -> None:
    """By its name, and what it holds."""
    others = [
        MadeInput(name="mask:0", sizes=[7], values="constant 1"),
        MadeInput(name="ids", sizes=[7], values="zeros"),
    ]
    with pytest.raises(StageError, match=said):
        complete(signature(own_models.tokens()), [*(each for each in others if each.name != told.name), told])


def test_made_inputs_are_as_told_and_the_same_again() -> None:
    """An input's values hang on its name and the seed; as many as fit."""
    told = [
        MadeInput(name="ids", sizes=[7], values="integers 3 9"),
        MadeInput(name="mask:0", sizes=[7], values="constant 1"),
    ]
    made, again, other = (make(signature(own_models.tokens()), told, nowhere, seed=seed) for seed in (1, 1, 2))
    assert (made["ids"].shape, made["ids"].dtype, made["mask:0"].shape) == ((256, 7), np.int64, (256, 7))
    assert (made["ids"].min(), made["ids"].max(), set(made["mask:0"].ravel())) == (3, 9, {1})
    assert np.array_equal(made["ids"], again["ids"])
    assert not np.array_equal(made["ids"], other["ids"])
    large = make(
        signature(own_models.tokens()),
        [each.model_copy(update={"sizes": [2**19]}) for each in told],
        nowhere,
        1,
    )
    assert len(large["ids"]) == 4


def test_lines_of_a_file_are_text(tmp_path: Path) -> None:
    """Four different ones at least, in UTF-8."""
    text, told = Brought(tmp_path).text, [MadeInput(name="text", values="lines words.txt")]
    (tmp_path / SAMPLES / LINES).mkdir(parents=True)
    with pytest.raises(StageError, match=r"words\.txt is missing"):
        make(signature(own_models.words()), told, text, 1)
    (tmp_path / SAMPLES / LINES / "words.txt").write_text("größer\n\n日本\n")
    with pytest.raises(StageError, match=r"words\.txt has 2 different lines, and 4 are needed"):
        make(signature(own_models.words()), told, text, 1)
    (tmp_path / SAMPLES / LINES / "words.txt").write_text("größer\n\n日本\nc\nd\ne\n")
    made = make(signature(own_models.words()), told, text, 1)["text"]
    assert (made.shape, made[0].tolist(), made[2].tolist()) == (
        (256, 2, 1),
        [["größer"], ["日本"]],
        [["e"], ["größer"]],
    )
    (tmp_path / SAMPLES / LINES / "words.txt").write_bytes(b"\xff\n")
    with pytest.raises(StageError, match=r"words\.txt is no text in UTF-8"):
        make(signature(own_models.words()), told, text, 1)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": X}, "has the arrays 'y', and the model the inputs 'x': 'y' is no input of it, and 'x' is missing"),
        ({"x": X, "y": X}, "'y' is no input of it; each input needs an array of its name"),
        ({"x": X.astype(np.float64)}, r"x is float64, and the model takes float32; save it with \.astype\('float32'\)"),
        ({"x": X.astype(str)}, "x is text, and the model takes float32"),
        ({"x": X[:, :3]}, r"x has the shape \[6, 3\], and the model takes \[examples, 4\]"),
        ({"x": X[0]}, r"x has the shape \[4\], and the model takes \[examples, 4\]"),
        ({"x": X[:1]}, "has 1 example, and 4 are needed"),
        ({"x": np.where(X > 2, np.nan, X[:1] * np.nan)}, r"x holds values that are no numbers \(NaN\)"),
        ({"x": np.array([None])}, r"holds Python objects, which are not loaded; save text with \.astype\(str\)"),
    ],
)
def test_samples_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    """By the array, what it is, and what the model takes."""
    with pytest.raises(StageError, match=said):
        read_samples(samples(tmp_path / "samples.npz", **arrays), signature(own_models.dense()))


def test_what_is_no_file_of_arrays_is_said(tmp_path: Path) -> None:
    """With the call that writes one; and labels that are none, whatever they begin with."""
    for content in (b"PK no labels", b"\x93NUMPY\x01\x00\x10\x00 damaged header", b"text"):
        (tmp_path / "labels.npy").write_bytes(content)
        with pytest.raises(StageError, match=r"labels\.npy is no \.npy file of numbers"):
            read_labels(tmp_path / "labels.npy", 6)
    (tmp_path / "samples.npz").write_text("hi")
    with pytest.raises(StageError, match=r"samples\.npz cannot be read: it is no \.npz file of arrays; np\.savez"):
        read_samples(tmp_path / "samples.npz", signature(own_models.dense()))
    (tmp_path / "samples.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(StageError, match=r"samples\.npz cannot be read: it is no \.npz file .*np\.savez"):
        read_samples(tmp_path / "samples.npz", signature(own_models.dense()))


def test_tensors_hold_as_many_examples_as_each_other(tmp_path: Path) -> None:
    """A model that takes no batches has whole requests along the first axis."""
    x, state, rate = np.ones((3, 1, 4), np.float32), np.zeros((3, 2, 1, 4), np.float32), np.array([1, 2, 3])
    found = read_samples(samples(tmp_path / "s.npz", x=x, state=state, rate=rate), signature(own_models.stateful()))
    assert {name: array.shape for name, array in found.items()} == {"x": (3, 1, 4), "state": (3, 2, 1, 4), "rate": (3,)}
    with pytest.raises(StageError, match="every tensor must hold as many examples as the others"):
        read_samples(samples(tmp_path / "t.npz", x=x, state=state, rate=rate[:2]), signature(own_models.stateful()))


@pytest.mark.parametrize("name", ["config.pbtxt", "model.json", "model.textproto"])
def test_a_file_is_read_as_onnx_whatever_its_name(tmp_path: Path, name: str) -> None:
    """The library would take the end of a name for another format, and fail in its own way."""
    (tmp_path / name).write_text('{"name": "mine"}')
    with pytest.raises(StageError, match=f"{name} is no ONNX file"):
        open_model(tmp_path / name)


def test_arrays_that_would_be_taken_for_one_another_are_refused(tmp_path: Path) -> None:
    """NumPy gives what is called `y` to who asks for `y.npy`."""
    one = np.zeros((2, 1), np.float32)
    with pytest.raises(StageError, match=r"y and y.npy cannot be told apart in an .npz file: rename one of them"):
        write_samples(tmp_path / "answers.npz", {"y.npy": one, "y": one})


def test_text_comes_as_text(tmp_path: Path) -> None:
    """Characters, or bytes in UTF-8."""
    texts = np.array([[["a"], ["größer"]], [["b"], ["日本"]]])
    for given in (texts, np.char.encode(texts, "utf-8")):
        found = read_samples(samples(tmp_path / "s.npz", text=given), signature(own_models.words()))
        assert found["text"].dtype == object
        assert found["text"].tolist() == texts.tolist()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.arange(5), "has 5 labels, and there are 6 examples"),
        (np.arange(6) / 2, r"holds float64 \[6\], and labels are whole numbers"),
        (np.zeros((6, 2), int), r"holds int64 \[6, 2\]"),
        (np.arange(6) - 1, "has the label -1; labels count classes from 0, to 2,147,483,647 at most"),
        (np.arange(6) + 2**31, "has the label 2,147,483,648; labels count classes from 0, to 2,147,483,647 at most"),
        (np.arange(6).astype(np.uint64) + 2**63, "has the label 9,223,372,036,854,775,808; "),
        (np.full(6, 148), "has the label 148 alone, and whoever answers that is always right; bring examples of"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: np.ndarray, said: str) -> None:
    """By what is in the file."""
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(StageError, match=said):
        read_labels(tmp_path / "labels.npy", 6)


def test_a_label_beyond_the_scores_is_refused() -> None:
    """The file of another model's labels, or one that counts from 1."""
    with pytest.raises(StageError, match="the labels go up to 3, and the model scores 3 classes"):
        check_classes(np.array([1, 3]), np.zeros((2, 3)))


def asked(tmp_path: Path, model: onnx.ModelProto, **inputs: np.ndarray) -> None:
    opened = open_model(own_models.save(tmp_path / "model.onnx", model))
    check_what_it_says(partial(onnx_answers, opened.session), opened.signature, inputs)


def test_a_model_that_is_what_it_says_passes(tmp_path: Path) -> None:
    """And is asked batches; one that takes none passes, too, and is asked none."""
    dense = of_file(open_model(own_models.save(tmp_path / "dense.onnx", own_models.dense())))
    batch = judge(dense, Examples({"x": X}, np.array([0, 1, 2, 0, 1, 2]), None), ASKED).batch
    assert batch == {"examples": 6, "safe": True, "difference": pytest.approx(0, abs=1e-6), "other_class": 0, "rows": 6}
    stateful = of_file(open_model(own_models.save(tmp_path / "stateful.onnx", own_models.stateful())))
    chance = np.random.default_rng(0).normal(0, 1, (3, 2, 1, 4)).astype(np.float32)
    examples = {"x": chance[:, 0], "state": chance, "rate": np.array([1, 2, 3])}
    assert judge(stateful, Examples(examples, None, None), ASKED).batch is None


def test_an_answer_of_another_type_is_refused() -> None:
    """Whoever reads it by what is declared reads other values."""
    dense = signature(own_models.dense())
    with pytest.raises(StageError, match="output scores is declared as float32 and answers with float64"):
        check_what_it_says(lambda example: {"scores": example["x"][:, :3].astype(np.float64)}, dense, {"x": X})


def test_an_answer_that_never_changes_is_no_answer(tmp_path: Path) -> None:
    """As of integers that a model does not know; and an input that comes out again is none."""
    with pytest.raises(StageError, match="answers the same in 'scores' to 6 examples: they are alike to it"):
        asked(tmp_path, own_models.dense(), x=np.ones((6, 4), np.float32))
    echo = own_models.dense()
    echo.graph.node.append(helper.make_node("Identity", ["x"], ["again"]))
    echo.graph.output.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, ["batch", 4]))
    constant = onnx.ModelProto.FromString(echo.SerializeToString())
    constant.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.zeros((4, 3), np.float32), "w"))
    asked(tmp_path, echo, x=X)
    with pytest.raises(StageError, match="answers the same in 'scores'"):
        asked(tmp_path, constant, x=X)
    del constant.graph.output[0]
    with pytest.raises(StageError, match="every output is an input again"):
        asked(tmp_path, constant, x=X)


def test_answers_that_rounding_explains_are_the_same_and_later_ones_may_tell(tmp_path: Path) -> None:
    """As of noise to a model that finds no text in it; one example of many that it knows is enough."""
    x = np.ones((12, 4), np.float32)
    x[1:] += np.float32(1e-6)
    with pytest.raises(StageError, match="answers the same in 'scores' to 12 examples"):
        asked(tmp_path, own_models.dense(), x=x)
    x[11] = 2
    asked(tmp_path, own_models.dense(), x=x)


def test_no_more_answers_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of twelve bytes each: too large for four is refused, and of more examples as many are asked as fit."""
    dense = of_file(open_model(own_models.save(tmp_path / "dense.onnx", own_models.dense())))
    monkeypatch.setattr("assay.tensors.named.LARGEST_ANSWERS", 60)
    assert judge(dense, Examples({"x": X}, None, None)).answers["scores"].shape == (5, 3)
    with pytest.raises(StageError, match="answers to 6 examples are too large to be compared, and those to 5 are not"):
        each_alone(dense.ask, {"x": X})
    monkeypatch.setattr("assay.tensors.named.LARGEST_ANSWERS", 47)
    with pytest.raises(StageError, match="one example is answered with 0 MB, and answers to 4 of them"):
        judge(dense, Examples({"x": X}, None, None))


def test_too_little_memory_is_no_fault_of_the_models_axes() -> None:
    """ONNX Runtime's words for it are told as what they are."""

    def failing(*_: object) -> None:
        raise RuntimeError("Non-zero status code. Status Message: Failed to allocate memory for requested buffer")

    session: Any = SimpleNamespace(get_outputs=list, run=failing)
    with pytest.raises(
        StageError, match=r"^there is too little memory \(the model is asked x \[6, 4\]: Failed to alloc"
    ):
        onnx_answers(session, {"x": X})


def test_a_model_that_fails_on_what_it_is_asked_says_so(tmp_path: Path) -> None:
    """In ONNX Runtime's words, with the shapes."""
    ids = np.full((6, 7), 50)
    with pytest.raises(StageError, match=r"fails on ids \[1, 7\], .*indices element out of data bounds"):
        asked(tmp_path, own_models.tokens(), **{"ids": ids, "mask:0": np.ones_like(ids)})


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """As a mask of random numbers gives."""
    model = own_models.dense()
    model.graph.node[0].output[0] = "raw"
    model.graph.node.append(helper.make_node("Log", ["raw"], ["scores"]))
    with pytest.raises(StageError, match="output scores of example 0 holds values that are no numbers"):
        asked(tmp_path, model, x=-np.abs(X))


def test_answers_of_another_shape_than_declared_are_refused(tmp_path: Path) -> None:
    """A server would refuse each of them."""
    model = own_models.tokens()
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 4
    with pytest.raises(
        StageError, match=r"cannot read|is declared as \[batch, 4\] and answers one example with \[1, 3\]"
    ):
        asked(tmp_path, model, **{"ids": np.arange(12).reshape(6, 2), "mask:0": np.ones((6, 2), np.int64)})


def test_a_matrix_that_batches_what_takes_no_batches_is_refused() -> None:
    """With the options that do not; and the other way round."""
    stateful, dense = signature(own_models.stateful()), signature(own_models.dense())
    with pytest.raises(StageError, match=r"input state is fixed at 2: `dvc exp run` it with .*max_batch_size=\[0\]"):
        check_fits(stateful.unbatchable, Perf(), sampled=False)
    check_fits(stateful.unbatchable, Perf(max_batch_size=[0], dynamic_batching=["off"]), sampled=False)
    with pytest.raises(StageError, match="is 0, which is for models that take no batches, and this one does"):
        check_fits(dense.unbatchable, Perf(max_batch_size=[0], dynamic_batching=["off"]), sampled=False)


def test_shapes_are_of_an_axis_or_of_an_input() -> None:
    """Wherever the axis is; the inputs of each are made anew. Samples have the shape they have."""
    told = [
        MadeInput(name="ids", sizes=[7], values="integers 0 49"),
        MadeInput(name="mask:0", sizes=[7], values="zeros"),
    ]
    tokens = signature(own_models.tokens())
    longer = in_shape(tokens, told, "sequence_9")
    assert [each.sizes for each in longer] == [[9], [9]]
    assert make(tokens, longer, nowhere, 1)["mask:0"].shape == (256, 9)
    assert [each.sizes for each in in_shape(tokens, told, "ids_9")] == [[9], [7]]
    for wrong in ("ids_9x9", "batch_9", "nobody_9"):
        with pytest.raises(
            StageError, match=r"names no free axis, and no input .*ids \[sequence\]; mask:0 \[sequence\]"
        ):
            in_shape(tokens, told, wrong)
    perf = Perf(shapes=["sequence_9"])
    check_fits(tokens.unbatchable, perf, sampled=False)
    with pytest.raises(StageError, match="samples were brought: they have the shape they have"):
        check_fits(tokens.unbatchable, perf, sampled=True)


def test_a_shape_is_written_as_a_name_and_sizes(content: dict[str, Any]) -> None:
    """What else stands there is refused with the syntax; a model that is trained has one."""
    assert (parse_shape("sequence_128"), parse_shape("p2o.Axis.1_64x32")) == (
        ("sequence", (128,)),
        ("p2o.Axis.1", (64, 32)),
    )
    for wrong in ("sequence", "128", "sequence_0", "a/b_1", "x_1x", "x_9999999"):
        with pytest.raises(ValueError, match="is no shape; write AXIS_SIZE"):
            parse_shape(wrong)
    content["model"], content["perf"]["shapes"] = "own", ["sequence_8", "sequence_9"]
    params = validate(content)
    assert [cell.name for cell in params.every_cell][len(params.cells) :][:2] == [
        "fp32-1-64-off-sequence_8",
        "fp32-1-64-off-sequence_9",
    ]
    assert params.every_cell[-1].configuration == params.cells[-1].name
    content["model"] = "mlp"
    assert "shapes are those of a model that was brought, and mlp takes one" in "\n".join(errors(content))


@pytest.mark.parametrize(
    ("model", "limit", "said"),
    [
        (own_models.dense(), "accuracy", r"perf\.slo\.accuracy needs labels.*perf\.slo\.agreement"),
        (
            own_models.number(),
            "agreement",
            r"perf\.slo\.agreement needs an output .* only 'y', .*perf\.slo\.difference",
        ),
        (own_models.labelled(), "difference", r"perf\.slo\.difference needs an output of floats, .* only 'label'"),
    ],
)
def test_a_limit_that_nothing_can_be_judged_by_is_refused(model: onnx.ModelProto, limit: str, said: str) -> None:
    """It would count as met; and it is what `bring` takes back where a model before was asked it."""
    of, slo = signature(model), Slo.model_validate({limit: 0.9})
    with pytest.raises(StageError, match=said):
        check_limits(slo, of, labelled=False)
    assert options_left_over(of, None, Perf(slo=slo), labelled=False) == [f"-S perf.slo.{limit}=null"]


def test_a_limit_that_can_be_judged_is_taken() -> None:
    """By labels, by rows of scores or of text, by floats."""
    check_limits(Slo(accuracy=0.9), signature(own_models.dense()), labelled=True)
    check_limits(Slo(agreement=0.9, difference=0.1), signature(own_models.dense()), labelled=False)
    check_limits(Slo(agreement=0.9), signature(own_models.labelled()), labelled=False)
    check_limits(Slo(difference=0.1), signature(own_models.number()), labelled=False)


def test_what_is_not_batch_safe_is_batched_only_where_that_is_allowed() -> None:
    """Of a model that was brought; ours are measured, and the report says what it changes."""
    unsafe: Any = {"examples": 4, "safe": False, "difference": 0.02, "other_class": 3, "rows": 100}
    section = get("own").hyperparameters
    with pytest.raises(
        StageError, match=r"fp32 is not batch-safe: .*3 of 100 answers.*models\.own\.allow_batching=true"
    ):
        check_batch_safe("fp32", unsafe, Perf(), section(), "own")
    check_batch_safe("fp32", unsafe, Perf(), section.model_validate({"allow_batching": True}), "own")
    with pytest.raises(StageError, match=r"fp32 is not known to be batch-safe: several requests could not be asked so"):
        check_batch_safe("fp32", UNKNOWN, Perf(), section(), "own")
    check_batch_safe("fp32", unsafe, Perf(dynamic_batching=["off"]), section(), "own")
    check_batch_safe("fp32", unsafe | {"safe": True}, Perf(), section(), "own")
    check_batch_safe("fp32", None, Perf(), section(), "own")
    check_batch_safe("fp32", unsafe, Perf(), get("mlp").hyperparameters(), "mlp")


def test_only_the_inputs_of_params_yaml_are_written(tmp_path: Path) -> None:
    """Every comment, quote and blank stays; what a person wrote as a block gives way as a whole."""
    path = tmp_path / "params.yaml"
    told = [MadeInput(name="mask:0", sizes=[7], values="constant 1"), MadeInput(name="a, b")]
    written = "[{name: \"mask:0\", sizes: [7], values: constant 1}, {name: 'a, b', sizes: [], values: normal}]"
    text = 'a: "1"  # one\nmodels:\n  own:  # a model\n    inputs: {}# made\n    # more\n    more:   null\n'
    block = "# made\n    # more\n    - name: x\n      sizes: [1]\n    - name: y\n"
    for old, new in (("[] ", " "), ("[{name: x}] ", " "), (block, " ")):
        path.write_text(text.replace("{}# made\n    # more\n" if old is block else "{}", old))
        path.write_text(with_inputs(path, "own", told))
        assert path.read_text() == text.replace("{}", f"{written}{new}"), old
        assert YAML(typ="safe").load(path.read_text())["models"]["own"]["inputs"] == [
            each.model_dump() for each in told
        ]
    with pytest.raises(StageError, match=r"no models\.other\.inputs; add the line"):
        with_inputs(path, "other", told)


def test_values_are_parsed() -> None:
    """Kinds, and what is said of them."""
    assert parse_values("constant -1.5e3") == ("constant", {"value": "-1.5e3"})
    assert parse_values("lines a file.txt") == ("lines", {"file": "a file.txt"})
    for wrong in ("constant", "lines ../x", "Normal", "integers 1", "integers 1.5 2"):
        with pytest.raises(ValueError, match="are no values; write normal"):
            parse_values(wrong)


def test_weights_have_no_models_name(tmp_path: Path) -> None:
    """Here the file of a model is the one that is called so."""
    onnx.save(own_models.dense(), tmp_path / "m.pb", save_as_external_data=True, location="m.onnx", size_threshold=0)
    with pytest.raises(StageError, match=r"m\.pb keeps weights in 'm\.onnx', a name that only models have here"):
        open_model(tmp_path / "m.pb")


def test_a_link_to_a_model_is_followed_to_its_weights(tmp_path: Path) -> None:
    """They lie beside the file that it leads to."""
    path = own_models.save(tmp_path / "in" / "model.onnx", own_models.dense(), external=True)
    (tmp_path / "link.onnx").symlink_to(path)
    assert [each.parent.name for each in open_model(tmp_path / "link.onnx").files] == ["in", "in"]


def test_an_axis_of_no_size_is_refused(tmp_path: Path) -> None:
    """Minus one, and zero, as some exporters call what is free."""
    for size in (-1, 0):
        model = own_models.dense()
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
        with pytest.raises(StageError, match=f"x has an axis of the size {size}, which is none"):
            open_model(own_models.save(tmp_path / "m.onnx", model))


def test_what_was_told_of_an_earlier_model_is_taken_where_it_fits() -> None:
    """Where it does not, it is as if nothing were told; a file of lines that is gone is no longer there."""
    dense = signature(own_models.dense())
    whole = MadeInput(name="x", values="integers 0 9")
    assert merged([], [whole], dense, nowhere) == [whole]
    assert merged([MadeInput(name="x", values="uniform")], [whole], dense, nowhere)[0].values == "uniform"
    for other in (MadeInput(name="x", sizes=[3]), MadeInput(name="x", values="lines gone.txt"), MadeInput(name="y")):
        assert merged([], [other], dense, nowhere) == []
    assert merged([], [MadeInput(name="x", values=f"integers 0 {2**64 - 1}")], dense, nowhere) == []
    assert merged([], [MadeInput(name="text", values="lines gone.txt")], signature(own_models.words()), nowhere) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("constant 1e300", "x holds FP32, and 1e300 is none"),
        ("integers 0 99999999999999999999999", "has bounds that no tensor holds"),
        (f"integers 0 {2**63}", r"input x: whole numbers for floats are below 2\^63, and 9223372036854775808 is not"),
    ],
)
def test_numbers_that_a_tensor_does_not_hold_are_refused(values: str, said: str) -> None:
    """By the bound, before NumPy makes infinity of it."""
    with pytest.raises((StageError, ValueError), match=said):
        complete(signature(own_models.dense()), [MadeInput(name="x", values=values)])


def test_the_largest_whole_numbers_are_some() -> None:
    """They are no floats, in which they would be one more."""
    model = own_models.tokens()
    ids = MadeInput(name="ids", sizes=[3], values=f"integers {2**63 - 1} {2**63 - 1}")
    made = make(
        signature(model), [ids, MadeInput(name="mask:0", sizes=[3], values=f"constant {2**63 - 1}")], nowhere, 1
    )
    assert {int(value) for array in made.values() for value in array.ravel()} == {2**63 - 1}


def test_an_example_may_not_fill_the_memory() -> None:
    """Each size may be large; their product may not."""
    told = [
        MadeInput(name="ids", sizes=[2**20], values="zeros"),
        MadeInput(name="mask:0", sizes=[2**20], values="zeros"),
    ]
    make(signature(own_models.tokens()), told, nowhere, 1)
    model = own_models.dense()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**29
    with pytest.raises(StageError, match=r"one example would have 2\.00 GiB, and 0\.5 GiB are made at most"):
        make(signature(model), [], nowhere, 1)


def test_a_model_that_draws_random_numbers_is_refused(tmp_path: Path) -> None:
    """Neighbours are not what changes its answers."""
    model = own_models.dense()
    model.graph.node.append(helper.make_node("RandomNormalLike", ["scores"], ["noise"]))
    model.graph.output.append(helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["batch", 3]))
    with pytest.raises(StageError, match="output 'noise' is another one when the same example is asked again"):
        asked(tmp_path, model, x=X)


def test_a_batch_that_is_baked_in_is_said(tmp_path: Path) -> None:
    """With the command that makes such a file one without batches."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["raw"]),
        helper.make_node("Reshape", ["raw", "shape"], ["scores"]),
    ]
    constants = {"w": own_models.weights(4, 3), "shape": np.array([1, 3], np.int64)}
    inputs: Any = [("x", TensorProto.FLOAT, ["batch", 4])]
    model = own_models.model(nodes, inputs, [("scores", TensorProto.FLOAT, ["batch", 3])], constants)
    session = open_model(own_models.save(tmp_path / "m.onnx", model)).session
    alone = each_alone(partial(onnx_answers, session), {"x": X})
    with pytest.raises(StageError, match=r"answers each example alone and no 4 together .*make_dynamic_shape_fixed"):
        batch_safety(partial(onnx_answers, session), {"x": X}, alone, ("scores",), "m.onnx")


def test_answers_of_other_sizes_for_other_examples_are_refused(tmp_path: Path) -> None:
    """As of a detector that gives as many boxes as it finds."""
    nodes = [helper.make_node("NonZero", ["x"], ["places"])]
    inputs: Any = [("x", TensorProto.FLOAT, [4])]
    model = own_models.model(nodes, inputs, [("places", TensorProto.INT64, [1, "found"])])
    session = open_model(own_models.save(tmp_path / "m.onnx", model)).session
    sparse = np.array([[1, 0, 0, 0], [1, 1, 0, 0]], np.float32)
    with pytest.raises(
        StageError, match=r"output places has the shape \[1, 1\] for one example and \[1, 2\] for another"
    ):
        each_alone(partial(onnx_answers, session), {"x": sparse}, batched=False)


def test_names_of_tensors_cannot_break_the_table(tmp_path: Path) -> None:
    """A line break, and what a terminal obeys, are shown and not sent."""
    made = own_models.dense()
    made.graph.input[0].name = made.graph.node[0].input[0] = "a\nb\x1b[2J"
    opened = open_model(own_models.save(tmp_path / "m.onnx", made))
    lines = list(description(of_file(opened), Examples({"x": X}, None, None), Judged({}, None, 0.001)))
    assert [line for line in lines if not line.isprintable()] == []
    assert any("a\\nb\\x1b[2J" in line for line in lines)


def test_releases_that_read_a_file_are_known() -> None:
    """From the first that does; none is made up for what is newer than all that are known."""
    found = [first_to_read(opset, 0, ir) for opset, ir in ((17, 8), (21, 10), (21, 8), (23, 11))]
    assert [each.triton if each else None for each in found] == ["24.04", "24.05", "24.05", "25.08"]
    assert first_to_read(99, 0, 8) is None


def test_a_model_is_described(tmp_path: Path) -> None:
    """A table of what is in it, and the lines to type next."""
    opened = open_model(own_models.save(tmp_path / "tokens.onnx", own_models.tokens()))
    batch: Any = {"examples": 4, "safe": True, "difference": 0.0, "other_class": 0, "rows": 8}
    examples = Examples({"ids": np.zeros((8, 7))}, None, TOLD)
    lines = list(description(of_file(opened), examples, Judged({}, batch, 0.0123)))
    assert lines[0] == "tokens.onnx: 0.0 MB, opset ai.onnx 17, IR version 8"
    assert lines[1:4] == [
        "  input   ids     INT64  [batch, sequence]",
        "  input   mask:0  INT64  [batch, sequence]",
        "  output  logits  FP32   [batch, 3]         taken for scores of classes",
    ]
    assert "batch-safe" in lines[4]
    assert lines[5] == "  read by  the embedded server; NVIDIA's image 24.04 and later"
    assert lines[7:] == ["           ids[7]: integers 0 49", "           mask:0[7]: constant 1"]
    assert lines[6] == "  asked    8 examples made; one takes 12.3 ms in this process"


def typed_next(model: onnx.ModelProto, *, safe: bool = True, alone_s: float = 0.001, **perf: Any) -> str:
    """Return the options of the second command."""
    batch: Any = {"examples": 4, "safe": safe, "difference": 0.0, "other_class": 0, "rows": 8}
    said, asked_for = signature(model), Perf(**perf)
    options = [*options_for_batches(said, batch, asked_for), *option_for_windows(alone_s, asked_for)]
    steps = next_steps("own", options, params_changed=True)
    assert "git add brought params.yaml" in steps[1]
    return steps[-1].strip().removeprefix("dvc exp run -S model=own").strip()


def test_the_line_to_type_next_has_what_the_model_needs() -> None:
    """Where params.yaml asks for something else: batches, none, or longer windows."""
    none: dict[str, Any] = {"max_batch_size": [0], "dynamic_batching": ["off"]}
    assert typed_next(own_models.dense()) == ""
    again = "-S 'perf.max_batch_size=[64]' -S 'perf.dynamic_batching=[off,delay_0us,delay_500us]'"
    assert typed_next(own_models.dense(), **none) == again
    assert typed_next(own_models.dense(), safe=False, **none) == "-S 'perf.max_batch_size=[64]'"
    assert typed_next(own_models.dense(), safe=False) == "-S 'perf.dynamic_batching=[off]'"
    assert typed_next(own_models.dense(), safe=False, dynamic_batching=["off"]) == ""
    stateful = own_models.stateful()
    assert typed_next(stateful) == "-S 'perf.max_batch_size=[0]' -S 'perf.dynamic_batching=[off]'"
    assert typed_next(stateful, **none) == ""
    assert typed_next(own_models.dense(), alone_s=0.373, concurrency=[1]) == "-S perf.window_ms=1200"
    assert typed_next(own_models.dense(), alone_s=0.0052, concurrency=[1, 8]) == "-S perf.window_ms=100"
    assert typed_next(own_models.dense(), alone_s=0.0052, concurrency=[1]) == ""


def test_what_the_model_before_was_asked_is_taken_back() -> None:
    """Shapes of axes that this one does not have, a limit on accuracy without labels; what fits it stays."""
    model, fitting = signature(own_models.tokens()), Perf(shapes=["sequence_9", "ids_3"])
    assert options_left_over(model, TOLD, fitting, labelled=False) == []
    shapes = ["-S 'perf.shapes=[]'"]
    assert options_left_over(model, TOLD, Perf(shapes=["sequence_9", "height_3"]), labelled=False) == shapes
    assert options_left_over(model, None, fitting, labelled=False) == shapes
    limited = Perf.model_validate({"slo": {"accuracy": 0.9}})
    assert options_left_over(model, TOLD, limited, labelled=False) == ["-S perf.slo.accuracy=null"]
    assert options_left_over(model, TOLD, limited, labelled=True) == []


def test_a_file_is_nobodys_configuration() -> None:
    """What was asked of a repository's model before is refused of a file, with the option that takes it back."""
    section = get("own").hyperparameters
    before, never = section.model_validate({"as_configured": True}), section.model_validate({})
    assert options_without_owner(before, "own") == ["-S models.own.as_configured=false"]
    assert options_without_owner(never, "own") == []
    check_configured(never, "own")
    with pytest.raises(StageError, match=r"ONNX file was brought: `dvc .* with -S models\.own\.as_configured=false"):
        check_configured(before, "own")


def test_a_path_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """ONNX Runtime takes no other, and says so in words about Python."""
    path = own_models.save(tmp_path / os.fsdecode(b"\xff") / "m.onnx", own_models.dense())
    with pytest.raises(StageError, match=r"the path .*\\xff/m\.onnx is not in UTF-8.*rename it"):
        open_model(path)


def test_what_only_the_newest_reads_is_said(tmp_path: Path) -> None:
    """An opset that some release of NVIDIA's image does not have."""
    made = own_models.dense()
    made.opset_import[0].version, made.ir_version = 23, 11
    assert readers(open_model(own_models.save(tmp_path / "m.onnx", made))).startswith(
        "NVIDIA's image 25.08 and later, not"
    )
    made.opset_import[0].version, made.ir_version = 25, 13
    assert readers(open_model(own_models.save(tmp_path / "m.onnx", made))).startswith(
        "no release of NVIDIA's image that is"
    )


def test_what_needs_a_dataset_or_training_is_refused_with_a_model_of_ones_own(content: dict[str, Any]) -> None:
    """Names of classes, and variants that are trained on; and limits of agreement with a model that is trained."""
    content.update(model="own", labels={"top_k": 1})
    content["onnx"]["variants"] = ["fp32", "pruned"]
    said = "\n".join(errors(content))
    assert "pruned cannot be made of model own: it would be trained on, and it was brought as it is" in said
    assert "top_k names classes of a dataset, and model own was brought without one" in said
    content.update(model="mlp", labels={"top_k": None})
    content["onnx"]["variants"] = ["fp32"]
    content["perf"]["slo"]["agreement"] = 0.9
    assert "compare with a model that was brought, and mlp is trained" in "\n".join(errors(content))
    content["perf"]["slo"]["agreement"] = None
    content["perf"]["max_batch_size"] = [0]
    content["perf"]["dynamic_batching"] = ["off"]
    assert "max_batch_size 0 is for models that take no batches, and mlp does" in "\n".join(errors(content))


def test_inputs_in_params_yaml_are_checked(content: dict[str, Any]) -> None:
    """Their values, their sizes, and that each has one entry."""
    content["models"]["own"]["inputs"] = [{"name": "x", "sizes": [0], "values": "no such"}]
    said = errors(content)
    assert any("models.own.inputs[0].sizes[0]: " in each for each in said)
    assert any("models.own.inputs[0].values: 'no such' are no values; write normal, uniform" in each for each in said)
    content["models"]["own"]["inputs"] = [{"name": "x"}, {"name": "x"}]
    assert any("each value may stand here once; repeated: x" in each for each in errors(content))
    content["models"]["own"]["inputs"] = [{"name": "x"}]
    assert validate(content).models.own.inputs == [MadeInput(name="x")]


def test_a_folder_that_lacks_its_model_says_how_one_is_brought(tmp_path: Path) -> None:
    """Or how DVC brings it back."""
    with pytest.raises(StageError, match=r"holds no model; bring one with `python -m assay\.bring MODEL`"):
        _ = Brought(tmp_path / "model").model
    (tmp_path / "model.dvc").touch()
    with pytest.raises(StageError, match=r"holds no model; run `dvc pull .*model\.dvc`, or bring one"):
        _ = Brought(tmp_path / "model").model
    own_models.save(tmp_path / "model" / MODEL / "any.onnx", own_models.dense())
    brought = Brought(tmp_path / "model")
    assert (brought.model.name, brought.inputs, brought.labels) == ("any.onnx", None, None)
    assert [each.name for each in brought.files()] == ["onnx/any.onnx"]
    (tmp_path / "model" / SAMPLES).mkdir()
    samples(tmp_path / "model" / SAMPLES / INPUTS, x=X)
    assert brought.inputs is not None
