"""Models of several tensors, of other types than 32-bit floats: asked by name, over both protocols and under load."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.load.input_data import write_input_data
from assay.measuring.windows import Windows
from assay.profiling.model_alone import ModelAlone
from assay.servers.embedded import serve
from assay.serving.answers import batches, check_answers, check_effective_config
from assay.serving.client import PROTOCOLS
from assay.tensors.named import batch_of, examples_in, message_bytes, part, values_in
from assay.tensors.parity import onnx_answers, onnx_session

Folder = Callable[..., Path]
EXAMPLES = {
    "ids": np.arange(15, dtype=np.int64).reshape(5, 3),
    "mask:0": np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 0]], np.int64),
    "text": np.array([["a"], ["größer"], [""], ["日本"], ["e e"]], object),
    "half.precision": np.linspace(-1, 1, 10, dtype=np.float16).reshape(5, 2),
}


def model_of_four() -> onnx.ModelProto:
    """Return ids and mask:0 [N, S], text [N, 1], half.precision [N, 2] -> kept [N, S], said [N, 1], twice [N, 2]."""
    tensors: dict[str, tuple[int, str | int]] = {
        "ids": (TensorProto.INT64, "sequence"),
        "mask:0": (TensorProto.INT64, "sequence"),
        "text": (TensorProto.STRING, 1),
        "half.precision": (TensorProto.FLOAT16, 2),
        "kept": (TensorProto.INT64, "sequence"),
        "said": (TensorProto.STRING, 1),
        "twice": (TensorProto.FLOAT16, 2),
    }
    described = [helper.make_tensor_value_info(name, of, ["batch", axis]) for name, (of, axis) in tensors.items()]
    nodes = [
        helper.make_node("Mul", ["ids", "mask:0"], ["kept"]),
        helper.make_node("Identity", ["text"], ["said"]),
        helper.make_node("Add", ["half.precision", "half.precision"], ["twice"]),
    ]
    graph = helper.make_graph(nodes, "four", described[:4], described[4:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_every_output_of_a_batch_is_compared_by_name(model_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Integers with a free axis, text that is not ASCII, and halves; over HTTP and gRPC, in batches of 1, 3 and 4.

    Or of as many as have answers that are not too large.
    """
    folder = model_folder("four", model_of_four(), max_batch_size=4)
    with serve([folder], timeout_s=60) as server:
        check_effective_config(server, folder)
        assert check_answers(server, folder, EXAMPLES) == {name: {"1": 0, "3": 0, "4": 0} for name in PROTOCOLS}
        size = message_bytes(onnx_answers(onnx_session(model_of_four().SerializeToString()), part(EXAMPLES, 0, 1)))
        monkeypatch.setattr("assay.serving.answers.LARGEST_ANSWER_BYTES", 2 * size)
        assert check_answers(server, folder, EXAMPLES) == {name: {"1": 0, "2": 0} for name in PROTOCOLS}
        for protocol in PROTOCOLS:
            said = server.infer("four", part(EXAMPLES, 1, 3), ["twice", "said"], protocol)
            assert {name: each.tolist() for name, each in said.items()} == {
                "twice": (2 * EXAMPLES["half.precision"][1:3]).tolist(),
                "said": [["größer".encode()], [b""]],
            }
            with pytest.raises(StageError, match="did not answer a batch of 5 for four"):
                server.infer("four", EXAMPLES, ["kept"], protocol)
        onnx.save(_of_other_text(), folder / "1" / "model.onnx")
        with pytest.raises(StageError, match=r"in said that differ from ONNX Runtime's \[1, 1\] by up to inf"):
            check_answers(server, folder, EXAMPLES)


def test_answers_are_compared_with_those_of_as_many_threads(
    model_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where values are quantised as they come, another order of sums is another step: a difference that is none."""
    folder, asked = model_folder("four", model_of_four(), max_batch_size=4), []

    def session(path: str, threads: int) -> object:
        asked.append(threads)
        return onnx_session(path, threads)

    monkeypatch.setattr("assay.serving.answers.onnx_session", session)
    with serve([folder], timeout_s=60) as server:
        check_answers(server, folder, EXAMPLES)
    assert asked == [1]


def _of_other_text() -> onnx.ModelProto:
    """Return the same with every text twice in a row."""
    model = model_of_four()
    model.graph.node[1].CopyFrom(helper.make_node("StringConcat", ["text", "text"], ["said"]))
    model.opset_import[0].version = 20
    return model


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_load_generator_sends_every_tensor(model_folder: Folder, tmp_path: Path, protocol: str) -> None:
    """perf_analyzer reads types, free axes and text as they were written: no request fails, all are answered."""
    folder, requests = model_folder("four", model_of_four(), max_batch_size=4), tmp_path / "requests.json"
    write_input_data(requests, EXAMPLES)
    with serve([folder], timeout_s=60) as server:
        windows = Windows(server, {"four": requests}, tmp_path, protocol, 50)  # type: ignore[arg-type]  # one of them
        row = windows.measure("four", 2)["perf_analyzer"]
    assert row["Inferences/Second"] > 0
    assert [each["ids"]["shape"] for each in json.loads(requests.read_text())["data"]] == [[3]] * 5


def test_a_model_of_several_tensors_is_timed_alone(model_folder: Folder) -> None:
    """As many of the examples as the batch asks for, over and over."""
    assert ModelAlone(model_folder("four", model_of_four()), EXAMPLES).microseconds(12) > 0


def test_examples_are_taken_from_every_tensor_alike() -> None:
    """A batch that is larger than what there is starts over; sizes count what a message holds."""
    answers = onnx_answers(onnx_session(model_of_four().SerializeToString()), batch_of(EXAMPLES, 7))
    assert {name: (each.dtype.str, each.shape) for name, each in answers.items()} == {
        "kept": ("<i8", (7, 3)),
        "said": ("|O", (7, 1)),
        "twice": ("<f2", (7, 2)),
    }
    assert answers["said"][5:].tolist() == [["a"], ["größer"]]
    first = part(EXAMPLES, 0, 1)
    assert (examples_in(EXAMPLES), message_bytes(first), values_in(EXAMPLES)) == (5, 24 + 24 + 5 + 4, 9)
    with pytest.raises(ValueError, match="as many examples as the others"):
        examples_in({**EXAMPLES, "ids": EXAMPLES["ids"][:2]})


def test_a_batch_of_large_examples_is_no_larger_than_memory_bears() -> None:
    """64 images of a megapixel would be computed at once, by this process and the server."""
    config = ModelConfig(max_batch_size=64)
    images = {"x": np.zeros((4, 3, 1024, 1024), np.float32)}
    assert [(size, len(batch["x"])) for size, batch in batches(config, images)] == [(1, 1), (3, 3), (5, 5)]
    small = {"x": np.zeros((4, 8), np.float32)}
    assert [size for size, _ in batches(config, small)] == [1, 3, 64]
    huge = {"x": np.zeros((1, 2**25), np.float32)}
    assert [size for size, _ in batches(config, huge)] == [1]
