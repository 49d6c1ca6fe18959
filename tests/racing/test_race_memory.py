"""What configurations of a race compute with, measured on the real server; whom a server's words are about."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from assay.ground.process import StageError
from assay.measuring.bench import Candidate, asked, bench
from assay.params.cells import parse_batching
from assay.params.measuring import Conditions, Load
from assay.params.triton import Timeouts, Triton
from assay.racing.failing import named_in, reason
from assay.racing.memory import bounded, working_memory
from assay.serving.failures import ServedOtherwiseError

pytestmark = pytest.mark.slow
MIB = 2**20
CONDITIONS = Conditions(0, Triton(), Timeouts(), Load(), 20)


def wide_model() -> onnx.ModelProto:
    """Return a model of 12 MiB an example between two small tensors: three layers of a million numbers each."""
    wide = helper.make_tensor("wide", TensorProto.FLOAT, [1, 2**20], np.ones(2**20, np.float32))
    nodes = [
        helper.make_node("Mul", ["x", "wide"], ["a"]),
        helper.make_node("Sin", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["c"]),
        helper.make_node("ReduceMax", ["c"], ["y"], axes=[1], keepdims=1),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "wide", [x], [y], [wide])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def candidates(model_folder: Callable[..., Path], tmp_path: Path) -> list[Candidate]:
    """The wide model without batching and with it."""
    folders = [
        model_folder("single", wide_model(), instances=1),
        model_folder("together", wide_model(), instances=1, batching=parse_batching("delay_0us")),
    ]
    return asked(folders, {"x": np.ones((4, 1), np.float32)}, tmp_path / "requests.json")


def test_what_an_instance_computes_with_is_measured(candidates: list[Candidate]) -> None:
    """A batch of eight takes several times what one example does; where none can form, one example is all."""
    found = working_memory([bounded(each, 8) for each in candidates], CONDITIONS)
    assert 4 * MIB < found["single"] < 40 * MIB
    assert found["together"] > 4 * found["single"]


def test_answers_are_checked_in_batches_that_a_race_can_form(candidates: list[Candidate]) -> None:
    """Larger ones would take memory in every configuration, for nothing."""
    with bench([bounded(each, 8) for each in candidates], CONDITIONS) as windows:
        assert {name: sorted(found["grpc"]) for name, found in windows.answers.items()} == {
            "single": ["1"],
            "together": ["1", "3", "8"],
        }


def test_what_is_refused_has_no_memory_and_the_others_do(candidates: list[Candidate]) -> None:
    """The race names it; without a word of whom it is about, an error is raised."""
    path = candidates[0].folder / "config.pbtxt"
    path.write_text(path.read_text().replace('name: "x"', 'name: "z"'))
    assert set(working_memory([bounded(each, 8) for each in candidates], CONDITIONS)) == {"together"}
    nowhere = Triton.model_validate({"server": "local", "local": {"folder": "/nowhere"}})
    with pytest.raises(StageError, match="/nowhere"):
        working_memory(candidates, Conditions(0, nowhere, Timeouts(), Load(), 20))


def test_an_error_names_whom_it_is_about(candidates: list[Candidate]) -> None:
    """By the server's words, and in one line of them."""
    words = StageError("the server ended\nfailed to load 'together' version 1: no such thing\nbye")
    assert named_in(words, candidates) == ["together"]
    assert reason(words, candidates[1]) == "failed to load 'together' version 1: no such thing"
    assert named_in(ServedOtherwiseError("single", "other answers"), candidates) == ["single"]
    assert named_in(StageError("who knows"), candidates) == []
    assert named_in(StageError("not ready in time\nit was loading single, together"), candidates) == []
    longer = StageError(f"model '{candidates[1].name}-no_arena': refused\nmodel '{candidates[1].name}': what it is")
    assert reason(longer, candidates[1]) == "model 'together': what it is"
