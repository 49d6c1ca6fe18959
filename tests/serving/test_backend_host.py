"""Every path of our ONNX Runtime backend, under the address and undefined-behaviour sanitizers, without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from native_host import (
    LIBRARIES,
    NUMBERS,
    NUMPY,
    Host,
    arrays,
    build,
    config,
    identity,
    model,
    request,
    same,
    tensor,
)
from onnx import TensorProto, helper, numpy_helper
from tritonclient.grpc import model_config_pb2 as schema

pytestmark = pytest.mark.slow
ONNX = {
    "BOOL": TensorProto.BOOL,
    **{f"{sign}INT{bits}": getattr(TensorProto, f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)},
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
    "BF16": TensorProto.BFLOAT16,
}
ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)
TEXTS = np.array([["", "plain"], ["Grüße, 世界 🌍", "x" * 300]], object)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host with the backend, built once; any warning of the compiler's ends it."""
    return build(tmp_path_factory.mktemp("host"))


@pytest.fixture
def host(program: Path, tmp_path: Path) -> Host:
    return Host(program, tmp_path)


def sum_and_difference() -> onnx.ModelProto:
    """Return a, b [N, 3] -> sum, difference, equal."""
    tensors = [("a", TensorProto.FLOAT, ["n", 3]), ("b", TensorProto.FLOAT, ["n", 3])]
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Sub", ["a", "b"], ["difference"]),
        helper.make_node("Equal", ["a", "b"], ["equal"]),
    ]
    outputs = [("sum", TensorProto.FLOAT, ["n", 3]), ("difference", TensorProto.FLOAT, ["n", 3])]
    return model(nodes, tensors, [*outputs, ("equal", TensorProto.BOOL, ["n", 3])])


SUM_AND_DIFFERENCE = config(
    {"a": ("FP32", [3]), "b": ("FP32", [3])},
    {"sum": ("FP32", [3]), "difference": ("FP32", [3]), "equal": ("BOOL", [3])},
)


def total() -> onnx.ModelProto:
    """Return x [N, M] -> y [N], the sums of rows: a small answer to a large input."""
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)]
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    return model(nodes, [("x", TensorProto.FLOAT, ["n", "m"])], [("y", TensorProto.FLOAT, ["n"])], initializer=[axes])


def total_config(max_batch_size: int = 8) -> schema.ModelConfig:
    made = config({"x": ("FP32", [-1])}, {"y": ("FP32", [1])}, max_batch_size)
    made.output[0].reshape.SetInParent()  # no axis beside the batch's
    return made


def with_parameter(key: str, value: str, **base: Any) -> schema.ModelConfig:
    made = same(**base)
    made.parameters[key].string_value = value
    return made


@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_every_shared_type_passes_both_ways(host: Host, kind: str) -> None:
    """A batch of two requests, one of them in pieces, comes back divided as it came, in every type that both know."""
    first = TEXTS if kind == "BYTES" else np.array([[0, 1], [1, 0]]).astype(NUMPY[kind])
    second = first[1:]
    found = host.answers(
        identity(ONNX[kind], ("batch", 2)),
        same(kind, (2,)),
        request(tensor("x", first, kind=kind)),
        request(tensor("x", second, kind=kind, pieces=3)),
    )
    assert found["batch_sizes"] == [3]
    for sent, got in zip((first, second), found["requests"], strict=True):
        answer = arrays(got)["y"]
        expected = np.vectorize(str.encode, otypes=[object])(sent) if kind == "BYTES" else sent
        np.testing.assert_array_equal(answer, expected)
        assert (got["answered"], got["successes"], got["times_in_order"], got["error"]) == (1, 1, True, "")


def test_a_request_gets_the_outputs_that_it_asks_for(host: Host) -> None:
    """Of several outputs each request of a batch gets its own choice, an unknown name being nobody's."""
    a, b = ROWS, ROWS[::-1].copy()
    found = host.answers(
        sum_and_difference(),
        SUM_AND_DIFFERENCE,
        request(tensor("b", b), tensor("a", a), outputs=["equal", "difference"]),
        request(tensor("a", a), tensor("b", a), outputs=["sum", "else"]),
        request(tensor("a", a[:1]), tensor("b", b[:1]), outputs=[]),
    )
    first, second, third = (arrays(each) for each in found["requests"])
    assert [sorted(each) for each in (first, second, third)] == [["difference", "equal"], ["sum"], []]
    np.testing.assert_array_equal(first["difference"], a - b)
    np.testing.assert_array_equal(first["equal"], a == b)
    np.testing.assert_array_equal(second["sum"], a + a)
    assert found["batch_sizes"] == [5]


def number_and_text() -> onnx.ModelProto:
    """Return x [N, 2] -> negated, the same with the other sign; text, what it looks like; small, in a byte."""
    nodes = [
        helper.make_node("Neg", ["x"], ["negated"]),
        helper.make_node("Cast", ["x"], ["text"], to=TensorProto.STRING),
        helper.make_node("Cast", ["x"], ["small"], to=TensorProto.INT8),
    ]
    kinds = {"negated": TensorProto.FLOAT, "text": TensorProto.STRING, "small": TensorProto.INT8}
    outputs = [(name, kind, ["n", 2]) for name, kind in kinds.items()]
    return model(nodes, [("x", TensorProto.FLOAT, ["n", 2])], outputs)


@pytest.mark.parametrize("max_batch_size", [0, 8])
@pytest.mark.parametrize("order", [["text", "small", "negated"], ["small", "text"], ["text"]])
def test_outputs_are_known_by_their_names(host: Host, order: list[str], max_batch_size: int) -> None:
    """A configuration may have them in another order than the model, and leave some out."""
    kinds = {"text": "BYTES", "small": "INT8", "negated": "FP32"}
    dims = [2] if max_batch_size else [-1, 2]
    stated = config({"x": ("FP32", dims)}, {name: (kinds[name], dims) for name in order}, max_batch_size)
    x = np.array([[1, -2], [3, 4]], np.float32)
    right: dict[str, Any] = {"text": [[b"1", b"-2"], [b"3", b"4"]], "small": x.astype(np.int8), "negated": -x}
    wanted = [order, *([name] for name in order)]
    found = host.answers(number_and_text(), stated, *(request(tensor("x", x), outputs=names) for names in wanted))
    for names, got in zip(wanted, found["requests"], strict=True):
        answer = arrays(got)
        assert (sorted(answer), got["error"]) == (sorted(names), "")
        for name in names:
            np.testing.assert_array_equal(answer[name], right[name])


def test_a_lone_contiguous_tensor_is_not_copied(host: Host) -> None:
    """It is handed to ONNX Runtime as it lies; in two pieces, in a batch or off its alignment it is gathered."""
    large = np.arange(2 * 50_000, dtype=np.float32).reshape(2, -1)

    def batch(*requests: dict[str, Any]) -> dict[str, Any]:
        return {"requests": requests, "faults": []}

    one = request(tensor("x", large))
    found = host.run(
        [
            host.entry(
                total(),
                total_config(),
                batch(one),
                batch(request(tensor("x", large, pieces=2))),
                batch(request(tensor("x", large, offset=1))),
                batch(one, one),
            )
        ]
    )
    batches = found["models"][0]["batches"]
    for each in (got for of_batch in batches for got in of_batch["requests"]):
        np.testing.assert_allclose(arrays(each)["y"], large.sum(axis=1), rtol=1e-5)
    allocated = [each["largest_allocation"] for each in batches]
    assert allocated[0] < large.nbytes / 10
    assert allocated[1] >= large.nbytes
    assert allocated[3] >= 2 * large.nbytes


def test_a_model_that_does_not_batch_answers_one_by_one(host: Host) -> None:
    """With max_batch_size 0 shapes may differ from request to request, and each is an execution of its own."""
    made = config({"x": ("FP32", [-1, -1])}, {"y": ("FP32", [-1])}, max_batch_size=0)
    shapes = [(1, 2), (3, 5)]
    sent = [np.ones(shape, np.float32) for shape in shapes]
    found = host.answers(total(), made, *(request(tensor("x", each)) for each in sent))
    for each, got in zip(sent, found["requests"], strict=True):
        np.testing.assert_array_equal(arrays(got)["y"], each.sum(axis=1))
    assert found["batch_sizes"] == [1, 1]


def test_scalars_are_one_element_for_triton(host: Host) -> None:
    """A scalar goes in as [1] and comes out with the dims of the configuration."""
    made = model(
        [helper.make_node("Neg", ["x"], ["y"])], [("x", TensorProto.FLOAT, [])], [("y", TensorProto.FLOAT, [])]
    )
    found = host.answers(made, same(dims=(1,), max_batch_size=0), request(tensor("x", np.array([2.5], np.float32))))
    answer = arrays(found["requests"][0])["y"]
    assert (answer.shape, answer.item()) == ((1,), -2.5)
    two = host.answers(made, same(dims=(1,), max_batch_size=0), request(tensor("x", np.ones(2, np.float32))))
    assert "its shape is [2], the model takes []" in two["requests"][0]["error"]
    assert "is a scalar in the model: write dims: [ 1 ]" in host.refusal(made, same(dims=(2,), max_batch_size=0))


def test_an_empty_tensor_is_answered(host: Host) -> None:
    """No element is no special case, of numbers or of strings."""
    for kind in ("FP32", "BYTES"):
        empty = np.zeros((2, 0), object if kind == "BYTES" else np.float32)
        made = identity(ONNX[kind], ("batch", "length"))
        found = host.answers(made, same(kind, (-1,)), request(tensor("x", empty, kind=kind)))
        assert arrays(found["requests"][0])["y"].shape == (2, 0)


def test_an_optional_input_may_be_left_out(host: Host) -> None:
    """An initializer that is an input, too, is replaced by the request that brings it."""
    made = model(
        [helper.make_node("Add", ["x", "bias"], ["y"])],
        [("x", TensorProto.FLOAT, [3]), ("bias", TensorProto.FLOAT, [3])],
        [("y", TensorProto.FLOAT, [3])],
        initializer=[numpy_helper.from_array(np.full(3, 10, np.float32), "bias")],
    )
    stated = config({"x": ("FP32", [3]), "bias": ("FP32", [3])}, {"y": ("FP32", [3])}, max_batch_size=0)
    stated.input[1].optional = True
    row = ROWS[0]
    found = host.answers(made, stated, request(tensor("x", row)), request(tensor("x", row), tensor("bias", row)))
    without, given = (arrays(each)["y"] for each in found["requests"])
    np.testing.assert_array_equal(without, row + 10)
    np.testing.assert_array_equal(given, row + row)
    stated.max_batch_size = 4
    assert "optional input 'bias' needs max_batch_size: 0" in host.refusal(made, stated)


def test_a_run_that_fails_is_every_requests_answer(host: Host) -> None:
    """ONNX Runtime's message goes to the whole batch and into the log, and a failure is counted; the next one runs."""
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"])]
    made = model(
        nodes,
        [("x", TensorProto.INT64, ["n", 1])],
        [("y", TensorProto.FLOAT, ["n", 1])],
        initializer=[numpy_helper.from_array(np.arange(4, dtype=np.float32), "table")],
    )
    stated = config({"x": ("INT64", [1])}, {"y": ("FP32", [1])})
    good, bad = (request(tensor("x", np.array([[index]]))) for index in (3, 9))
    found = host.run([host.entry(made, stated, {"requests": [good, bad], "faults": []}, {"requests": [good]})])
    failed, answered = found["models"][0]["batches"]
    for each in failed["requests"]:
        assert each["error"].startswith("onnx runtime error")
        assert "indices element out of data bounds" in each["error"]
        assert (each["failures"], each["answered"], each["outputs"]) == (1, 1, [])
    assert failed["batch_sizes"] == []
    assert any(line.startswith("E ONNX Runtime: ") and "Gather" in line for line in found["log"])
    assert arrays(answered["requests"][0])["y"].item() == 3


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (tensor("x", ROWS.astype(np.float64)), "input 'x': it is TYPE_FP64 and must be TYPE_FP32"),
        (tensor("x", ROWS[0]), r"input 'x': its shape is [3], the model takes [-1,3]"),
        (tensor("x", ROWS) | {"shape": (3, 3)}, "input 'x': it has 24 bytes, its shape [3,3] takes 36"),
        (tensor("x", ROWS) | {"shape": (-1, 3)}, "no tensor has the shape [-1,3]"),
        (tensor("x", ROWS) | {"shape": (2**62, 2**62)}, "no tensor has the shape"),
        (tensor("x", ROWS[:, :0]) | {"shape": (1, 2**62)}, "no tensor has the shape"),
        (tensor("x", ROWS, memory=2), "input 'x': it lies in a GPU's memory"),
        (tensor("x", np.ones((2, 4), np.float32)), "its inputs have other shapes than the rest of the batch"),
        (tensor("else", ROWS), "input 'x': there is no such input"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_alone(host: Host, sent: dict[str, Any], why: str) -> None:
    """The rest of its batch is answered."""
    good = request(tensor("x", ROWS))
    found = host.answers(identity(shape=("batch", "m")), same(dims=(-1,)), good, request(sent), good)
    before, refused, after = found["requests"]
    assert why.replace(",3]", ",-1]") in refused["error"].replace(",3]", ",-1]")
    assert (refused["failures"], refused["answered"], found["batch_sizes"]) == (1, 1, [4])
    for each in (before, after):
        np.testing.assert_array_equal(arrays(each)["y"], ROWS)


@pytest.mark.parametrize(
    ("content", "shape", "why"),
    [
        ("0100000041", (2, 1), "it has 1 strings; its shape takes 2"),
        ("0100000041" * 3, (2, 1), "it has 3 strings; its shape takes 2"),
        ("010000004100", (2, 1), "its last string is cut short"),
        ("0100000041ff00000041", (2, 1), "its last string is cut short"),
        ("03000000410042", (1, 1), "a string holds a NUL byte"),
    ],
)
def test_text_that_is_none_is_refused(host: Host, content: str, shape: Sequence[int], why: str) -> None:
    """Lengths that do not add up and a byte that would cut a string short are that request's error."""
    sent = tensor("x", TEXTS[:, :1]) | {"pieces": [content], "shape": shape}
    found = host.answers(identity(TensorProto.STRING, ("n", 1)), same("BYTES", (1,)), request(sent))
    assert found["requests"][0]["error"] == f"input 'x': {why}"


def test_inputs_of_different_batch_sizes_are_refused(host: Host) -> None:
    """All inputs of a request carry the same number of examples."""
    found = host.answers(
        sum_and_difference(), SUM_AND_DIFFERENCE, request(tensor("a", ROWS), tensor("b", ROWS[:1]), outputs=["sum"])
    )
    assert "input 'b': its batch is of another size than that of 'a'" in found["requests"][0]["error"]


def test_an_output_that_is_no_batch_is_an_error(host: Host) -> None:
    """A model that answers with another number of rows than it was asked cannot be divided among requests."""
    nodes = [helper.make_node("Concat", ["x", "x"], ["y"], axis=0)]
    doubling = model(nodes, [("x", TensorProto.FLOAT, ["n", 3])], [("y", TensorProto.FLOAT, ["m", 3])])
    found = host.answers(doubling, same(), request(tensor("x", ROWS)))
    assert found["requests"][0]["error"] == "output 'y' has the shape [4,3] for a batch of 2"


@pytest.mark.parametrize(
    "function",
    [
        "TRITONBACKEND_InputBuffer",
        "TRITONBACKEND_ResponseOutput",
        "TRITONBACKEND_OutputBuffer",
        "TRITONBACKEND_ResponseNew",
        "TRITONBACKEND_ResponseSend",
        "TRITONBACKEND_ModelInstanceReportStatistics",
        "memory of a GPU",
    ],
)
def test_whatever_the_server_refuses_requests_are_released_once(host: Host, function: str) -> None:
    """None is answered twice or kept, and the log has what nobody else could be told."""
    sent = request(tensor("x", ROWS))
    entry = host.entry(identity(), same(), {"requests": [sent, sent], "faults": [function]}, {"requests": [sent]})
    found = host.run([entry])
    failed, answered = found["models"][0]["batches"]
    assert failed["execute"] is None
    for each in failed["requests"]:
        assert each["released"] == 1
        assert each["answered"] == (0 if function.endswith("ResponseNew") else 1)
    assert arrays(answered["requests"][0])["y"].tolist() == ROWS.tolist()
    told = [each["error"] for each in failed["requests"]] + found["log"]
    assert any(function in line or "in a GPU's memory" in line for line in told)


def test_who_has_no_room_for_an_answer_is_refused_alone(host: Host) -> None:
    """A client whose memory for outputs is too small does not spoil the batch for strangers."""
    good = request(tensor("x", ROWS))
    found = host.answers(identity(), same(), good, good | {"takes_no_outputs": True}, good)
    before, refused, after = found["requests"]
    assert (refused["error"], refused["failures"], refused["answered"]) == ("no room for an output", 1, 1)
    for each in (before, after):
        assert (each["error"], each["successes"]) == ("", 1)
        np.testing.assert_array_equal(arrays(each)["y"], ROWS)


@pytest.mark.parametrize("max_batch_size", [0, 8])
def test_an_answer_without_the_axes_that_it_should_have_is_an_error(host: Host, max_batch_size: int) -> None:
    """A model that says [3] and gives one number is not read beyond that number."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "one", "zero"], ["first"]),
        helper.make_node("Reshape", ["first", "to"], ["y"]),
    ]
    made = model(
        nodes,
        [("x", TensorProto.FLOAT, ["n"]), ("to", TensorProto.INT64, ["m"])],
        [("y", TensorProto.FLOAT, ["n"])],
        initializer=[
            numpy_helper.from_array(np.array([value], np.int64), name) for name, value in (("zero", 0), ("one", 1))
        ],
    )
    shape = [-1] if max_batch_size == 0 else [1]
    stated = config({"x": ("FP32", shape), "to": ("INT64", shape)}, {"y": ("FP32", shape)}, max_batch_size)
    if max_batch_size:
        for each in (*stated.input, *stated.output):
            each.reshape.SetInParent()
    sent = [tensor("x", np.ones(max_batch_size, np.float32)), tensor("to", np.ones(max_batch_size, np.int64))]
    to_nothing = tensor("to", np.zeros(0, np.int64))
    if max_batch_size == 0:
        found = host.answers(made, stated, request(tensor("x", np.ones(3, np.float32)), to_nothing))
        assert found["requests"][0]["error"] == "output 'y' has the shape [] for a batch of 1"
    else:
        found = host.answers(made, stated, request(*sent))
        assert "output 'y' has the shape [1" in found["requests"][0]["error"]


def test_without_a_state_the_server_keeps_its_requests(host: Host) -> None:
    """An error of Execute itself leaves them to the server, none released."""
    entry = host.entry(
        identity(),
        same(),
        {"requests": [request(tensor("x", ROWS))], "faults": ["TRITONBACKEND_ModelInstanceState"]},
    )
    (batch,) = host.run([entry])["models"][0]["batches"]
    assert batch["execute"] == "TRITONBACKEND_ModelInstanceState failed"
    assert batch["requests"][0]["released"] == 0


def edited(edit: str) -> schema.ModelConfig:
    """Return the configuration of `identity` after a line of Python."""
    made = same()
    exec(edit, {"c": made})  # noqa: S102  the lines below
    return made


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("c.input[0].data_type = 'TYPE_INT32'", "input 'x' is TYPE_INT32 in config.pbtxt and TYPE_FP32 in the model"),
        ("c.input[0].dims[0] = 4", r"input 'x' has dims [4] in config.pbtxt and [3] in the model"),
        ("c.output[0].dims[0] = -1", r"output 'y' has dims [-1] in config.pbtxt and [3] in the model"),
        ("c.input[0].dims.append(1)", r"input 'x' has dims [3,1] in config.pbtxt and [3] in the model"),
        ("c.input[0].name = 'z'", "the model has no input 'z'"),
        ("c.output[0].name = 'z'", "the model has no output 'z'"),
        ("c.ClearField('output')", "config.pbtxt has no output: write it down"),
        ("c.ClearField('input')", "config.pbtxt has no input: write it down"),
        ("c.output.add().CopyFrom(c.output[0])", "config.pbtxt has output 'y' twice"),
        ("c.input.add().CopyFrom(c.input[0])", "config.pbtxt has input 'x' twice"),
        ("c.input.add(name='z', data_type=11, dims=[3])", "the model has no input 'z'"),
        ("c.input[0].allow_ragged_batch = True", "input 'x' has allow_ragged_batch, which is not supported"),
        ("c.sequence_batching.max_sequence_idle_microseconds = 1", "config.pbtxt asks for sequence batching"),
        ("c.batch_input.add(target_name=['x'])", "config.pbtxt asks for batch inputs"),
        ("c.batch_output.add(target_name=['y'])", "config.pbtxt asks for batch outputs"),
        ("c.instance_group[0].kind = 1", "instance_group asks for KIND_GPU"),
        ("c.parameters['intra_op_thread_count'].string_value = 'two'", "'two' is not an integer"),
        ("c.parameters['intra_op_thread_count'].string_value = ''", "'' is not an integer"),
        ("c.parameters['inter_op_thread_count'].string_value = '9999999999'", "is not a number of threads"),
        (
            "c.parameters['intra_op_thread_count'].string_value = '4097'",
            "parameter intra_op_thread_count: '4097' is not a number of threads",
        ),
        ("c.parameters['execution_mode'].string_value = '2'", "parameter execution_mode: '2' is neither 0 nor 1"),
        (
            "c.parameters['enable_mem_arena'].string_value = 'no'",
            "parameter enable_mem_arena: 'no' is neither true nor false",
        ),
        (
            "c.optimization.execution_accelerators.cpu_execution_accelerator.add(name='x')",
            "unknown Execution Accelerator",
        ),
        ("c.model_operations.op_library_filename.append('/no/such.so')", "onnx runtime error"),
        ("c.default_model_filename = 'else.onnx'", "there is no file"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(host: Host, edit: str, why: str) -> None:
    """The reason names what does not fit, and nothing is left behind."""
    assert why in host.refusal(identity(), edited(edit))


def sequence() -> onnx.ModelProto:
    """Return x -> a sequence of it."""
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 3])
    value = helper.make_value_info("y", helper.make_sequence_type_proto(kind))
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [value],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def external() -> onnx.ModelProto:
    """Return a model whose weights lie in a file that is not there."""
    made = model(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [("x", TensorProto.FLOAT, ["n", 3])],
        [("y", TensorProto.FLOAT, ["n", 3])],
        initializer=[numpy_helper.from_array(ROWS[0], "w")],
    )
    weights = made.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    return made


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (identity().SerializeToString()[:40], "Protobuf parsing failed"),
        (b"", "onnx runtime error"),
        (model([helper.make_node("Nonsense", ["x"], ["y"])], [("x", 1, ["n", 3])], [("y", 1, ["n", 3])]), "Nonsense"),
        (external(), "weights.bin"),
        (sequence(), "'y' is a sequence, a map or optional; only tensors can be served"),
        (
            identity(shape=(1, 3)),
            r"input 'x' is [1,3] in the model: its first axis must be free for max_batch_size > 0",
        ),
        (identity(shape=()), r"input 'x' is [] in the model: its first axis must be free for max_batch_size > 0"),
        (identity(TensorProto.COMPLEX64), "onnx runtime error"),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(host: Host, made: Any, why: str) -> None:
    """A damaged, foreign or fixed model is refused with ONNX Runtime's reason or ours."""
    assert why in host.refusal(made, same())


def test_every_input_that_a_model_needs_is_written_down(host: Host) -> None:
    """One that is left out could not be given."""
    stated = config({"a": ("FP32", [3])}, {"sum": ("FP32", [3])})
    assert host.refusal(sum_and_difference(), stated) == "config.pbtxt has 1 inputs, the model 2"


@pytest.mark.parametrize(
    "broken", ["", "{", '{"name": }', '{"name" "m"}', "[1, 2", '{"a": "\\q"}', '"open', '"\\u12', "[" * 99, "{} {}"]
)
def test_a_configuration_that_is_no_json_is_refused(host: Host, broken: str) -> None:
    """Whatever the server hands over, nothing is read beyond its end."""
    assert "a configuration is not JSON" in host.refusal(identity(), broken)


def test_names_are_read_with_all_their_signs(host: Host) -> None:
    """Escapes in a configuration's strings, pairs of halves included, name the tensors that they mean."""
    name = 'x/1:0 "\\\t ü 世 🌍'
    made = model([helper.make_node("Identity", [name], ["y"])], [(name, 1, ["n", 3])], [("y", 1, ["n", 3])])
    stated = config({name: ("FP32", [3])}, {"y": ("FP32", [3])})
    found = host.answers(made, stated, request(tensor(name, ROWS)))
    np.testing.assert_array_equal(arrays(found["requests"][0])["y"], ROWS)


@pytest.mark.parametrize(
    ("edit", "warnings"),
    [
        ("c.parameters['gpu_mem_limit'].string_value = '1'", ["parameter gpu_mem_limit has no effect"]),
        ("c.parameters['learned_from'].string_value = '{}'", []),
        (
            "c.optimization.execution_accelerators.gpu_execution_accelerator.add(name='tensorrt')",
            ["accelerator tensorrt has no effect: this backend computes on the processor"],
        ),
        (
            "a = c.optimization.execution_accelerators.cpu_execution_accelerator.add(name='openvino');"
            "a.parameters['num_streams'] = '2'; c.optimization.graph.level = 1",
            [
                "parameter num_streams of accelerator openvino has no effect",
                "inter_op_thread_count, execution_mode, enable_mem_arena, enable_mem_pattern, the graph level and "
                "libraries of operators have no effect with accelerator openvino",
            ],
        ),
        ("c.optimization.graph.level = -1", []),
        ("c.optimization.graph.level = 1", []),
        ("c.optimization.graph.level = 2", []),
        (
            "p = c.parameters; p['intra_op_thread_count'].string_value = '2';"
            "p['inter_op_thread_count'].string_value = '2'; p['execution_mode'].string_value = '1';"
            "p['enable_mem_arena'].string_value = 'false'; p['enable_mem_pattern'].string_value = '0'",
            [],
        ),
        ("c.parameters['enable_mem_arena'].string_value = 'true'", []),
        ("c.parameters['enable_mem_pattern'].string_value = 'On'", []),
        ("c.parameters['intra_op_thread_count'].string_value = '-1'", []),
        ("c.instance_group[0].kind = 3", []),  # KIND_MODEL
    ],
)
def test_settings_are_honoured_or_named(host: Host, edit: str, warnings: list[str]) -> None:
    """A model with them is served, and what has no effect here is in the log."""
    found = host.answers(identity(), edited(edit), request(tensor("x", ROWS)))
    np.testing.assert_array_equal(arrays(found["requests"][0])["y"], ROWS)
    assert found["log"] == [f"W model 'm': {warning}" for warning in warnings]


def test_a_folder_means_the_model_in_it(host: Host) -> None:
    """A file name in the configuration may be that of a folder with model.onnx in it."""
    stated = same()
    stated.default_model_filename = "folder"
    entry = host.entry(b"", stated, {"requests": [request(tensor("x", ROWS))], "faults": []})
    folder = Path(entry["folder"]) / "1" / "folder"
    folder.mkdir()
    onnx.save(identity(), folder / "model.onnx")
    (batch,) = host.run([entry])["models"][0]["batches"]
    assert batch["batch_sizes"] == [2]


def openvino(stated: schema.ModelConfig) -> schema.ModelConfig:
    stated.optimization.execution_accelerators.cpu_execution_accelerator.add(name="openvino")
    stated.parameters["intra_op_thread_count"].string_value = "1"
    return stated


def test_openvino_answers_alike(host: Host) -> None:
    """Several inputs and outputs, batched, through OpenVINO's own runtime."""
    stated = schema.ModelConfig()
    stated.CopyFrom(SUM_AND_DIFFERENCE)
    a, b = ROWS, ROWS[::-1].copy()
    found = host.answers(
        sum_and_difference(),
        openvino(stated),
        request(tensor("a", a), tensor("b", b), outputs=["sum", "equal"]),
        request(tensor("a", b), tensor("b", b), outputs=["difference"]),
    )
    first, second = (arrays(each) for each in found["requests"])
    np.testing.assert_array_equal(first["sum"], a + b)
    np.testing.assert_array_equal(first["equal"], a == b)
    np.testing.assert_array_equal(second["difference"], b - b)


@pytest.mark.parametrize("kind", ["INT64", "UINT64"])
def test_openvino_computes_no_number_that_it_would_change(host: Host, kind: str) -> None:
    """It has 32 bits for an integer of 64: what fits them is computed and what does not is refused; the log says so."""
    made, stated = identity(ONNX[kind], ("batch", 2)), openvino(same(kind, (2,)))
    fits = np.array([[7, 2**31 - 1]], NUMPY[kind])
    found = host.answers(made, stated, request(tensor("x", fits, kind=kind)))
    np.testing.assert_array_equal(arrays(found["requests"][0])["y"], fits)
    assert found["log"] == [f"W model 'm': OpenVINO computes '{name}', TYPE_{kind}, in 32 bits" for name in "xy"]
    found = host.answers(made, stated, request(tensor("x", fits + 1, kind=kind)))
    assert found["requests"][0]["error"] == "input 'x': OpenVINO computes in 32 bits, which 2147483648 does not fit"


def test_openvino_gives_a_scalar(host: Host) -> None:
    """One number without an axis, of which OpenVINO does not say a shape, is answered as [1]."""
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)]
    made = model(nodes, [("x", TensorProto.FLOAT, ["n"])], [("y", TensorProto.FLOAT, [])])
    stated = openvino(config({"x": ("FP32", [-1])}, {"y": ("FP32", [1])}, 0))
    found = host.answers(made, stated, request(tensor("x", np.array([1, 2, 4], np.float32))))
    assert arrays(found["requests"][0])["y"].tolist() == [7]


def test_openvino_names_what_has_no_effect(host: Host) -> None:
    """What is told to ONNX Runtime alone is in the log."""
    stated = openvino(same())
    stated.parameters["inter_op_thread_count"].string_value = "2"
    stated.model_operations.op_library_filename.append("/no/such/library.so")
    found = host.answers(identity(), stated, request(tensor("x", ROWS)))
    assert [line[:40] for line in found["log"]] == ["W model 'm': inter_op_thread_count, exec"]


def test_openvino_takes_an_empty_tensor(host: Host) -> None:
    """No element lies somewhere, too."""
    made = identity(shape=("batch", "length"))
    empty = np.zeros((2, 0), np.float32)
    found = host.answers(made, openvino(same(dims=(-1,))), request(tensor("x", empty)), request(tensor("x", empty)))
    assert [each["error"] for each in found["requests"]] == ["", ""]


@pytest.mark.parametrize(
    ("made", "stated", "why"),
    [
        (b"no model", same(), "openvino error"),
        (identity(TensorProto.DOUBLE), same("FP64"), "'x' is TYPE_FP64, which OpenVINO computes in 32 bits: leave out"),
        (identity(), config({"z": ("FP32", [3])}, {"y": ("FP32", [3])}), "openvino error"),
        (sum_and_difference(), same(), "the model has 2 inputs, config.pbtxt 1"),
        (identity(TensorProto.STRING), same("BYTES"), "is TYPE_STRING in config.pbtxt and TYPE_INVALID in the model"),
    ],
)
def test_openvino_refuses_in_its_own_words(host: Host, made: Any, stated: schema.ModelConfig, why: str) -> None:
    """What OpenVINO cannot load is named, and strings are not for it."""
    changed = schema.ModelConfig()
    changed.CopyFrom(stated)
    host.detects_leaks = False  # it loses 8 bytes itself, in a reader that it has closed again by the end
    assert why in host.refusal(made, openvino(changed))


def test_openvino_is_opened_only_when_asked_for(host: Host) -> None:
    """A missing library of OpenVINO's is the error of the model that needs it, and of no other."""
    plain, accelerated = host.entry(identity(), same()), host.entry(identity(), openvino(same()))
    host.settings["openvino-library"] = "/no/such/library.so"
    served, refused = host.run([plain, accelerated])["models"]
    assert (served["instance"], refused["model"]) == (None, None)
    assert refused["instance"].startswith("cannot be opened: /no/such/library.so")
    del host.settings["openvino-library"]
    (refused,) = host.run([accelerated])["models"]
    assert "accelerator openvino needs --backend-config=onnxruntime,openvino-library=" in refused["instance"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("{}", "name ONNX Runtime's library: --backend-config=onnxruntime,onnxruntime-library="),
        ("{", "a configuration is not JSON"),
        ('{"cmdline": {"onnxruntime-library": "/no/such.so"}}', "cannot be opened: /no/such.so"),
        (
            f'{{"cmdline": {{"onnxruntime-library": "{LIBRARIES["openvino-library"]}"}}}}',
            "has no function OrtGetApiBase",
        ),
    ],
)
def test_a_backend_without_onnx_runtime_says_so(host: Host, settings: str, why: str) -> None:
    """Initialize fails with the reason, and Finalize bears that."""
    found = host.run([], settings=settings)
    assert why in found["initialize"]
    assert found["finalize"] is None


def test_an_older_server_is_refused(host: Host) -> None:
    """The interface that this backend was written for is checked first."""
    for version in ([1, 18], [2, 0]):
        said = host.run([], api=version)["initialize"]
        assert (
            said == f"this backend needs Triton 24.10 or later: backend interface 1.19, not {version[0]}.{version[1]}"
        )
    assert host.run([], api=[1, 34])["initialize"] is None


def test_unknown_settings_are_named(host: Host) -> None:
    """Those of Triton itself are not ours to comment on, any other is in the log."""
    host.settings |= {"default-max-batch-size": "4", "enable-global-threadpool": "1"}
    found = host.run([])
    assert found["log"] == ["W --backend-config=onnxruntime,enable-global-threadpool has no effect"]


def test_a_model_that_is_in_no_folder_is_refused(host: Host) -> None:
    """Only models in the file system are loaded."""
    entry = host.entry(identity(), same())
    (found,) = host.run([entry | {"artifact_type": 1}])["models"]
    assert found["model"] == "the model is not in a folder"
