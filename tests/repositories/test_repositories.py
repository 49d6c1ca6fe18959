"""Models of somebody's Triton repository: what is found in a folder, what is refused, and what a cell of one is."""

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import own_models
import own_repositories as own
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.paths import FIRST_ANSWERS, FOUND, REPOSITORY
from assay.ground.process import StageError
from assay.ground.records.checking import write_record
from assay.ground.records.prepared import UNKNOWN, Batch, Found
from assay.learning.bringing.description import description
from assay.learning.bringing.examples import Asked
from assay.learning.bringing.judging import Examples, Judged, judge
from assay.learning.models import get
from assay.params.cells import Cell
from assay.params.perf import Perf
from assay.params.triton import Timeouts, Triton
from assay.repositories.bringing import (
    asked_when_brought,
    collect_repository,
    of_repository,
    options_for_cells,
    options_for_step,
    tensors_of,
)
from assay.repositories.cells import configured, write_matrix
from assay.repositories.fitting import check_measured_as_it_is
from assay.repositories.handled import check_handled, cleaned
from assay.repositories.matrix import ServedCell
from assay.repositories.opening import digest_of, open_repository
from assay.repositories.signature import signature_of
from assay.servers import serve
from assay.serving.answers import check_effective_config
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG, Part, computing_of, put_together, reference_of, with_steps, write_folder
from assay.tensors.arrays import read_named
from assay.tensors.named import each_alone

CELL = Cell("fp32", 2, 4, "delay_100us")


def test_a_model_is_found_by_its_folder_or_alone_in_a_repository(tmp_path: Path) -> None:
    """An ensemble's steps are those beside it."""
    folder = own.ensemble(tmp_path / "models")
    for path in (folder, tmp_path / "models"):
        opened = open_repository(path)
        assert [each.name for each in opened.every] == ["halving", "scoring", "pipeline"]
        assert opened.name == "pipeline"
    alone = open_repository(tmp_path / "models" / "scoring")
    assert (alone.name, alone.steps, alone.model.backend) == ("scoring", (), "onnxruntime")


def test_the_version_that_answers_is_the_newest_that_is_served(tmp_path: Path) -> None:
    """Whatever the policy; files of others are left, and what all versions share comes along."""
    for name, policy, answering in (
        ("any", "", 12),
        ("all", "version_policy { all {} }", 12),
        ("some", "version_policy { specific { versions: [1, 3] } }", 3),
    ):
        folder = own.scoring(tmp_path, policy, name=name, versions=(1, 3, 12))
        (folder / "labels.txt").write_text("a\nb\n")
        model = open_repository(folder).model
        assert model.version == answering
        assert sorted(model.files()) == [f"{answering}/model.onnx", "labels.txt"]


def test_what_stands_beside_a_model_comes_along_and_what_is_hidden_is_said(tmp_path: Path) -> None:
    """A program may read whatever its owner put there; a link to a folder is no file of it, and is refused."""
    more = {"1/.scale": "2", "configs/a.json": "{}", "warmup/b": "b", "1/__pycache__/model.pyc": "c", "2/.old": "d"}
    folder = own.halving(tmp_path / "models")
    for place, text in more.items():
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text(text)
    shutil.rmtree(folder / "2")
    model = open_repository(folder).model
    assert sorted(model.files()) == ["1/model.py", "configs/a.json", "warmup/b"]
    assert model.hidden() == ["1/.scale"]
    (folder / "1").rename(tmp_path / "models" / "store")
    (folder / "1").symlink_to("../store")
    with pytest.raises(StageError, match="halving/1 is a link to a folder: put that folder in its place"):
        open_repository(folder).model.files()


@pytest.mark.parametrize(
    ("policy", "asked", "answering"),
    [("", -1, 12), ("", 12, 12), ("all {}", 1, 1), ("all {}", 0, 12), ("latest { num_versions: 2 }", 3, 3)],
)
def test_a_step_answers_in_the_version_that_is_asked_for(
    tmp_path: Path, policy: str, asked: int, answering: int
) -> None:
    """Or in the newest, where an ensemble names none."""
    stated = f"version_policy {{ {policy} }}" if policy else ""
    opened = open_repository(own.ensemble(tmp_path, stated, versions=(1, 3, 12), asked=asked))
    (step,) = (each for each in opened.steps if each.name == "scoring")
    assert step.version == answering
    assert list(step.files()) == [f"{answering}/model.onnx"]


@pytest.mark.parametrize(
    ("policy", "asked", "served"),
    [("", 3, "12"), ("latest { num_versions: 2 }", 1, "3, 12"), ("specific { versions: [1, 3] }", 12, "1, 3")],
)
def test_a_version_that_no_server_would_load_is_no_step(tmp_path: Path, policy: str, asked: int, served: str) -> None:
    """The ensemble would not start."""
    stated = f"version_policy {{ {policy} }}" if policy else ""
    folder = own.ensemble(tmp_path, stated, versions=(1, 3, 12), asked=asked)
    with pytest.raises(StageError, match=f"version {asked} of scoring, .* is not served: .* these are: {served}$"):
        open_repository(folder)


def test_two_versions_of_one_step_are_refused(tmp_path: Path) -> None:
    """A cell's folder has one."""
    folder = own.ensemble(tmp_path, "version_policy { all {} }", versions=(1, 3), asked=1)
    text = (folder / "config.pbtxt").read_text()
    (folder / "config.pbtxt").write_text(text.replace('"halving" model_version: -1', '"scoring" model_version: 3'))
    with pytest.raises(StageError, match="pipeline sends requests through several versions of 'scoring', which is not"):
        open_repository(folder)


def bad(folder: Path, kind: str) -> Path:
    """Spoil a folder in one way; return the path to bring."""
    match kind:
        case "none":
            (folder / "scoring" / "config.pbtxt").unlink()
        case "several":
            own.halving(folder)
            return folder
        case "version":
            (folder / "scoring" / "1" / "model.onnx").unlink()
            (folder / "scoring" / "1").rmdir()
        case "policy":
            text = (folder / "scoring" / "config.pbtxt").read_text()
            (folder / "scoring" / "config.pbtxt").write_text(f"{text} version_policy {{ specific {{ versions: 7 }} }}")
        case "garbage":
            (folder / "scoring" / "config.pbtxt").write_text("max_batch_size: many")
        case "called":
            (folder / "scoring").rename(folder / "a b")
            return folder / "a b"
        case "name":
            text = (folder / "scoring" / "config.pbtxt").read_text()
            (folder / "scoring" / "config.pbtxt").write_text(f'name: "other" {text}')
        case "step":
            own.ensemble(folder.parent / "other")
            (folder.parent / "other" / "scoring" / "config.pbtxt").unlink()
            return folder.parent / "other" / "pipeline"
        case "outside":
            pipeline = own.ensemble(folder.parent / "other")
            text = (pipeline / "config.pbtxt").read_text()
            (pipeline / "config.pbtxt").write_text(text.replace('"scoring" model_v', '"../models/scoring" model_v'))
            return pipeline
    return folder / "scoring"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("none", r"scoring holds no config\.pbtxt, nor do the folders in it"),
        ("several", "holds several models: name the folder of one of them, 'halving', 'scoring'"),
        ("version", "scoring has no version: a model's files are in a folder called 1"),
        ("policy", "scoring serves version 7 by its version_policy, and has no folder 7"),
        ("garbage", r"scoring/config\.pbtxt is no configuration of a model: 1:17"),
        ("called", "a b is no name that every server takes: call the folder by letters"),
        ("name", r"scoring/config\.pbtxt is that of other: a model is called as its folder is"),
        ("step", "pipeline sends requests through 'scoring', and there is no such folder beside it"),
        ("outside", r"pipeline sends requests through '\.\./models/scoring', and there is no such folder beside it"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_in_a_sentence(tmp_path: Path, kind: str, said: str) -> None:
    """Before a server is started."""
    own.scoring(tmp_path / "models")
    with pytest.raises(StageError, match=said):
        open_repository(bad(tmp_path / "models", kind))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("model_transaction_policy { decoupled: true }", "its transaction policy is decoupled"),
        ("sequence_batching {}", "it has sequence_batching: it keeps a state between requests"),
        ("instance_group [{ kind: KIND_GPU }]", "its instance_group is of KIND_GPU, and the embedded server computes"),
        (
            'parameters { key: "EXECUTION_ENV_PATH" value { string_value: "env.tar.gz" } }',
            r"it brings a Python environment of its own \(EXECUTION_ENV_PATH\)",
        ),
        ('batch_input [{ kind: BATCH_ELEMENT_COUNT target_name: "n" data_type: TYPE_FP32 }]', "ragged batches"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(tmp_path: Path, more: str, said: str) -> None:
    """With the way out, where there is one."""
    with pytest.raises(StageError, match=f"^scoring: .*{said}"):
        check_handled(open_repository(own.scoring(tmp_path, more)), Triton())


def test_a_backend_that_the_server_lacks_is_named(tmp_path: Path) -> None:
    """By its platform, too; and an installation is looked into."""
    folder = own.write(tmp_path / "engine", 'platform: "tensorrt_plan"', {"1/model.plan": b"plan"})
    opened = open_repository(folder)
    with pytest.raises(StageError, match="the embedded server has no backend tensorrt; it has 'onnxruntime', 'python'"):
        check_handled(opened, Triton())
    local = Triton.model_validate({"server": "local", "local": {"folder": str(tmp_path)}})
    with pytest.raises(StageError, match=r"/backends has no backend tensorrt; measure it on a server that does"):
        check_handled(opened, local)
    (tmp_path / "backends" / "tensorrt").mkdir(parents=True)
    check_handled(opened, local)
    for name, backend in (("model.onnx", "onnxruntime"), ("model.py", "python")):
        found = open_repository(own.write(tmp_path / f"short_{backend}", "", {f"1/{name}": b""}))
        assert found.model.backend == backend
    with pytest.raises(StageError, match=r"bare: its config\.pbtxt names no backend: write down which"):
        check_handled(open_repository(own.write(tmp_path / "bare", "max_batch_size: 1", {"1/x": b""})), Triton())


def test_a_gpu_of_another_server_is_its_business(tmp_path: Path) -> None:
    """Of a server that is not started from this environment, nobody knows here what it has."""
    opened = open_repository(own.scoring(tmp_path, "instance_group [{ kind: KIND_GPU gpus: [1] }]"))
    check_handled(opened, Triton(server="url"))
    group = configured(opened.model, ServedCell(CELL, 1)).instance_group
    assert [(each.kind, each.count, list(each.gpus)) for each in group] == [(1, 2, [1])]


def test_what_would_answer_or_wait_in_the_models_place_is_left_out(tmp_path: Path) -> None:
    """And said, each by its name."""
    more = """
    response_cache { enable: true }
    model_warmup [{ name: "first" batch_size: 1 }]
    instance_group [{ rate_limiter { priority: 2 } }]
    version_policy { latest { num_versions: 2 } }
    """
    config, said = cleaned(open_repository(own.scoring(tmp_path, more)).model.config)
    assert [each.partition(":")[0] for each in said] == [
        "response_cache",
        "model_warmup",
        "rate_limiter",
        "version_policy",
    ]
    plain, nothing = cleaned(config)
    assert (plain, nothing) == (config, [])
    assert config.max_batch_size == 8


def test_a_cell_is_the_owners_configuration_with_the_axes_written_over_it(tmp_path: Path) -> None:
    """What else the owner says stays; threads are written for ONNX Runtime alone."""
    more = """
    dynamic_batching { preferred_batch_size: [2] preserve_ordering: true }
    parameters { key: "intra_op_thread_count" value { string_value: "7" } }
    parameters { key: "execution_mode" value { string_value: "1" } }
    """
    model = open_repository(own.scoring(tmp_path, more)).model
    config = configured(model, ServedCell(CELL, 2))
    assert config.max_batch_size == 4
    assert [(each.kind, each.count) for each in config.instance_group] == [(2, 2)]
    batching = config.dynamic_batching
    assert (list(batching.preferred_batch_size), batching.max_queue_delay_microseconds) == ([4], 100)
    assert batching.preserve_ordering
    assert {key: value.string_value for key, value in config.parameters.items()} == {
        "intra_op_thread_count": "2",
        "inter_op_thread_count": "1",
        "execution_mode": "1",
    }
    assert "intra_op_thread_count" not in configured(model, ServedCell(CELL, None)).parameters
    off = configured(model, ServedCell(Cell("fp32", 1, 8, "off"), 4))
    assert not off.HasField("dynamic_batching")
    program = open_repository(own.halving(tmp_path)).model
    assert not configured(program, ServedCell(CELL, 2)).parameters


def test_a_cell_of_an_ensemble_has_its_steps_under_names_of_its_own(tmp_path: Path) -> None:
    """Several cells stand in one server; answers are compared with the owner's folders, as they are called there."""
    opened = open_repository(own.ensemble(tmp_path / "models"))
    cells: dict[str, Any] = {"fp32-2-4-delay_100us": ServedCell(CELL, 1), "model-fp32": None}
    (answers := tmp_path / FIRST_ANSWERS).touch()
    computing = opened.computing("scoring", "own")
    write_matrix(tmp_path / "cells", tmp_path / "cells", opened, computing, cells, first_answers=answers)
    assert sorted(tmp_path.rglob(f"*/{FIRST_ANSWERS}")) == [tmp_path / "cells/model-fp32/reference" / FIRST_ANSWERS]
    folder = tmp_path / "cells" / "fp32-2-4-delay_100us"
    assert [each.name for each in with_steps([folder])] == [
        "fp32-2-4-delay_100us-halving",
        "fp32-2-4-delay_100us-scoring",
        "fp32-2-4-delay_100us",
    ]
    config = read_config(folder / "config.pbtxt")
    assert config.max_batch_size == 4
    assert [step.model_name for step in config.ensemble_scheduling.step] == [
        "fp32-2-4-delay_100us-halving",
        "fp32-2-4-delay_100us-scoring",
    ]
    assert computing_of(folder).name == "fp32-2-4-delay_100us-scoring"
    assert read_config(computing_of(folder) / "config.pbtxt").instance_group[0].count == 2
    assert [each.name for each in reference_of(folder)] == ["halving", "scoring", "pipeline"]
    assert read_config(tmp_path / "cells" / "model-fp32" / "config.pbtxt").max_batch_size == 8
    put_together(with_steps([folder]), tmp_path / "served")
    assert (tmp_path / "served" / "fp32-2-4-delay_100us" / "1").is_dir()
    assert (tmp_path / "served" / "fp32-2-4-delay_100us-scoring" / "1" / "model.onnx").is_file()


def test_the_step_that_axes_are_of_is_named_where_there_are_several(tmp_path: Path) -> None:
    """The line to type next names one."""
    opened = open_repository(own.ensemble(tmp_path / "models"))
    for step, said in ((None, "is not said"), ("other", "there is no step other")):
        with pytest.raises(StageError, match=rf"{said}: .* -S models\.own\.step=NAME, one of 'halving', 'scoring'"):
            opened.computing(step, "own")
    alone = open_repository(tmp_path / "models" / "scoring")
    assert alone.computing(None, "own").name == "scoring"
    with pytest.raises(StageError, match=r"models\.own\.step names halving, and scoring is no ensemble"):
        alone.computing("halving", "own")
    assert options_for_step(opened, "models.own.step", None) == ["-S models.own.step=scoring"]
    assert options_for_step(alone, "models.own.step", "scoring") == ["-S models.own.step=null"]
    assert options_for_step(alone, "models.own.step", None) == []
    assert options_for_cells(opened, None, Perf()) == ["-S 'perf.max_batch_size=[8]'"]


def test_a_program_is_served_where_it_is_trusted_alone(tmp_path: Path) -> None:
    """Python, and a backend that comes along: its owner's code, which runs as who serves it."""
    library = own.scoring(tmp_path, name="library")
    (library / "libtriton_library.so").touch()
    steps = own.ensemble(tmp_path / "models")
    for folder, read in ((steps, steps.parent / "halving"), (library, library)):
        with (
            pytest.raises(StageError, match=rf"is a program, its owner's code, which runs as you .*: read {read}, and"),
            asked_when_brought(folder, Triton(), Timeouts(), trusted=False),
        ):
            pass


def test_a_configuration_says_what_clients_see() -> None:
    """Free sizes have no name; without batches every axis is its own."""
    text = (
        'input [{ name: "x" data_type: TYPE_STRING dims: [-1, 4] }] output [{ name: "y" data_type: TYPE_FP32 dims: 2 }]'
    )
    config = text_format.Parse(text, ModelConfig())
    signature = signature_of(config)
    assert (signature.inputs[0].datatype, signature.inputs[0].axes) == ("BYTES", ("", 4))
    assert signature.unbatchable == "its configuration has max_batch_size 0"
    config.max_batch_size = 4
    assert signature_of(config).inputs[0].axes == ("batch", "", 4)
    assert signature_of(config).batched
    with pytest.raises(StageError, match="the server completes no inputs and outputs"):
        signature_of(ModelConfig(name="m"))


@pytest.mark.slow
@pytest.mark.parametrize("short", [True, False])
def test_a_server_completes_what_a_configuration_leaves_out(tmp_path: Path, *, short: bool) -> None:
    """A program says what it takes; of an ONNX file, that says it."""
    folder = own.halving(tmp_path, short=short)
    with asked_when_brought(folder, Triton(), Timeouts(), trusted=True) as (opened, _, _):
        assert signature_of(opened.model.config).inputs[0].axes == ("batch", 4)
        assert opened.model.config.max_batch_size == 16
    bare = own.write(tmp_path / "bare", 'backend: "onnxruntime" max_batch_size: 4', {})
    (own.scoring(tmp_path) / "1").rename(bare / "1")
    with asked_when_brought(bare, Triton(), Timeouts(), trusted=False) as (opened, _, _):
        assert signature_of(opened.model.config).outputs[0].axes == ("batch", 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("largest", "said"),
    [
        (1, "the first axis; one example a request"),
        (2, "the first axis; 2 different examples together get the answers of each alone: batch-safe"),
        (100, "the first axis; 64 different examples together get the answers of each alone: batch-safe"),
    ],
)
def test_a_model_is_asked_no_larger_batch_than_its_owner_allows(tmp_path: Path, largest: int, said: str) -> None:
    """Its server would refuse one of four."""
    stated = f'backend: "onnxruntime" max_batch_size: {largest} {own.TENSORS % ("scores", 3)}'
    folder = own.write(tmp_path / "theirs", stated, {"1/model.onnx": own_models.dense().SerializeToString()})
    inputs = {"x": np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)}
    with asked_when_brought(folder, Triton(), Timeouts(), trusted=False) as (opened, ask, _):
        subject, examples = of_repository(opened, ask, Triton(), Timeouts(), []), Examples(inputs, None, None)
        assert f"  batches  {said}" in list(description(subject, examples, judge(subject, examples)))


@pytest.mark.slow
@pytest.mark.parametrize("largest", [0, 1])
def test_requests_with_one_example_meet_in_a_step(tmp_path: Path, largest: int) -> None:
    """The ensemble cannot be asked two together: several requests are computed together in its steps."""
    folder = own.ensemble(tmp_path)
    text = (folder / CONFIG).read_text().replace("max_batch_size: 8", f"max_batch_size: {largest}")
    dims = {0: ("dims: [1, 4]", "dims: [1, 3]"), 1: ("dims: [4]", "dims: [3]")}[largest]
    (folder / CONFIG).write_text(text.replace("dims: [4]", dims[0]).replace("dims: [3]", dims[1]))
    shape = (8, 1, 4) if largest == 0 else (8, 4)
    found, said = what_is_found(folder, {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)})
    assert found == {"examples": 8, "safe": True, "difference": pytest.approx(0, abs=1e-6), "other_class": 0, "rows": 8}
    assert "  batches  the first axis; 8 different examples together get the answers of each alone: batch-safe" in said


def what_is_found(
    folder: Path, inputs: dict[str, np.ndarray], timeouts: Timeouts | None = None
) -> tuple[Batch | None, list[str]]:
    """Return what neighbours in a batch do, and the description of a model that is brought."""
    timeouts = timeouts or Timeouts()
    with asked_when_brought(folder, Triton(), timeouts, trusted=True) as (opened, ask, _):
        subject, examples = of_repository(opened, ask, Triton(), timeouts, []), Examples(inputs, None, None)
        judged = judge(subject, examples)
        return judged.batch, list(description(subject, examples, judged))


PROGRAM = """
import numpy as np
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        asked = [pb.get_input_tensor_by_name(each, "x").as_numpy() for each in requests]
        return [pb.InferenceResponse([pb.Tensor("y", {answer})]) for x in asked]
"""
OF_ITS_REQUEST = "(x - x.mean(axis=0))[:, :3] + x[:, :3]"
OF_THE_FIRST_REQUEST = "x[:, :3] * asked[0][:1, 3:]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "safe"), [("x[:, :3]", True), (OF_ITS_REQUEST, False), (OF_THE_FIRST_REQUEST, False)]
)
def test_what_a_program_makes_of_several_requests_is_found(tmp_path: Path, answer: str, *, safe: bool) -> None:
    """Batches of it are lists of requests, and a request may hold several examples: neither may change an answer."""
    stated = f'backend: "python" max_batch_size: 8 {own.TENSORS % ("y", 3)}'
    folder = own.write(tmp_path / "program", stated, {"1/model.py": PROGRAM.format(answer=answer)})
    found, _ = what_is_found(folder, {"x": np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)})
    assert found is not None
    assert found["safe"] is safe
    assert found["examples"] == (8 if safe else 4)


@pytest.mark.slow
def test_what_a_server_completes_is_the_owners_configuration(tmp_path: Path) -> None:
    """A program may say that it batches; of an ONNX file that says nothing, NVIDIA's backend makes batches of four."""
    said = PROGRAM.format(answer="x[:, :3]").replace(
        "    def execute",
        "    @staticmethod\n"
        "    def auto_complete_config(config):\n"
        "        config.set_max_batch_size(16)\n"
        "        config.set_dynamic_batching()\n"
        "        return config\n\n"
        "    def execute",
    )
    program = own.write(tmp_path / "program", f'backend: "python" {own.TENSORS % ("y", 3)}', {"1/model.py": said})
    files: dict[str, bytes | str] = {"1/net.onnx": own_models.dense().SerializeToString()}
    bare = own.write(tmp_path / "bare", 'backend: "onnxruntime" default_model_filename: "net.onnx"', files)
    fixed: dict[str, bytes | str] = {"1/model.onnx": own_models.words().SerializeToString()}
    for folder, largest in ((program, 16), (bare, 4), (own.write(tmp_path / "fixed", "", fixed), 0)):
        with asked_when_brought(folder, Triton(), Timeouts(), trusted=True) as (opened, _, _):
            config = opened.model.config
            assert (config.max_batch_size, config.HasField("dynamic_batching")) == (largest, largest > 0)
            assert config.input
            assert config.output


@pytest.mark.slow
def test_a_program_that_looks_at_its_name_is_compared_with_itself(tmp_path: Path) -> None:
    """It is asked several requests under another name, and what it answers there says nothing of batches."""
    stated = f'backend: "python" max_batch_size: 8 {own.TENSORS % ("y", 3)}'
    program = PROGRAM.format(answer="self.factor * x[:, :3]").replace(
        "    def execute",
        "    def initialize(self, args):\n"
        "        self.factor = np.float32(3 if args['model_name'] == 'program' else 1)\n\n"
        "    def execute",
    )
    folder = own.write(tmp_path / "program", stated, {"1/model.py": program})
    found, _ = what_is_found(folder, {"x": np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)})
    assert found is not None
    assert (found["safe"], found["difference"]) == (True, 0.0)


@pytest.mark.slow
def test_a_file_beside_an_ensemble_is_no_version_of_it(tmp_path: Path) -> None:
    """Git keeps no empty folder, and a README or names of classes stand beside its configuration."""
    folder = own.ensemble(tmp_path / "models")
    (folder / "README.md").write_text("What it is.\n")
    found, _ = what_is_found(folder, {"x": np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)})
    assert found is not None
    assert found["safe"]
    target = tmp_path / "again"
    put_together([written_again(folder, tmp_path / "written")], target)
    assert (target / "pipeline" / "1").is_dir()
    assert (target / "pipeline" / "README.md").is_file()


def written_again(folder: Path, place: Path) -> Path:
    """Write a model's configuration and the list of its files."""
    model = open_repository(folder).model
    write_folder(place, model.config, {name: Part.at(path) for name, path in model.files().items()})
    return place


@pytest.mark.slow
def test_answers_in_text_are_kept_whatever_their_letters(tmp_path: Path) -> None:
    """A server gives bytes, and a file holds characters."""
    stated = 'backend: "python" max_batch_size: 8\n' + " ".join(
        f'{kind} [{{ name: "{name}" data_type: TYPE_STRING dims: [1] }}]'
        for kind, name in (("input", "x"), ("output", "y"))
    )
    folder = own.write(tmp_path / "program", stated, {"1/model.py": PROGRAM.format(answer="x")})
    words = np.array([["wörld"], ["foo"], ["bär"], ["x"]], object)
    with asked_when_brought(folder, Triton(), Timeouts(), trusted=True) as (opened, ask, _):
        answers = each_alone(ask, {"x": words})
        judged = Judged(answers, None, 0.1)
        made = Asked(None, None, Path)
        (target := tmp_path / "brought").mkdir()
        collect_repository(opened, made, Examples({"x": words}, None, []), judged, target)
    kept, _ = read_named(target / REPOSITORY / FIRST_ANSWERS)
    assert kept["y"].tolist() == words[:3].tolist()


@pytest.mark.slow
def test_a_slow_program_has_the_time_of_its_examples_for_a_batch(tmp_path: Path) -> None:
    """Eight take longer than a small question may, and no longer than each by itself."""
    stated = f'backend: "python" max_batch_size: 8 {own.TENSORS % ("y", 3)}'
    slow = PROGRAM.format(answer="x[:, :3]").replace(
        "asked =", "__import__('time').sleep(0.2 * len(requests)); asked ="
    )
    folder = own.write(tmp_path / "program", stated, {"1/model.py": slow})
    inputs = {"x": np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)}
    found, _ = what_is_found(folder, inputs, Timeouts(request_s=1))
    assert found is not None
    assert (found["examples"], found["safe"]) == (8, True)


@pytest.mark.slow
def test_what_is_not_computed_together_is_not_known_to_be_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many executions as requests prove nothing of neighbours, however the answers compare."""
    told = itertools.count(step=100)
    monkeypatch.setattr("assay.repositories.joining._AtOnce._executions", lambda _: [next(told)])
    found, said = what_is_found(own.halving(tmp_path), {"x": np.arange(32, dtype=np.float32).reshape(8, 4)})
    assert found == UNKNOWN
    assert "joined_halving: requests that were sent at once were computed one by one" in capsys.readouterr().out
    assert (
        "  batches  several requests could not be asked so that they are computed together: not known to be batch-safe"
    ) in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "short",
    [
        "dynamic_batching { }",
        "dynamic_batching { preferred_batch_size: [2, 4] }",
        "instance_group [{ count: 2 }]",
        "instance_group [{ kind: KIND_CPU }]",
    ],
)
@pytest.mark.parametrize("write", [own.halving, own.scoring])
def test_what_is_stated_in_part_is_completed(tmp_path: Path, write: Callable[..., Path], short: str) -> None:
    """A group without a kind or a count, a batcher without sizes: the completed ones are served as they stand."""
    with asked_when_brought(write(tmp_path / "theirs", short), Triton(), Timeouts(), trusted=True) as (opened, _, _):
        config, files = opened.model.config, opened.model.files()
    if "preferred" in short:
        assert list(config.dynamic_batching.preferred_batch_size) == [2, 4]
    parts = {place: Part.at(path) for place, path in files.items()}
    write_folder(tmp_path / config.name, config, parts)
    with serve([tmp_path / config.name], Triton(), Timeouts()) as server:
        check_effective_config(server, tmp_path / config.name)


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    """What it leads to would be shared with the model; one to a file of another model there is one."""
    folder = own.scoring(tmp_path / "models")
    (tmp_path / "secret").touch()
    (folder / "1" / "words.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(StageError, match=r"scoring/1/words\.txt is a link to .*secret, which is not in the repository"):
        open_repository(folder).model.files()
    (folder / "1" / "words.txt").unlink()
    (folder / "1" / "words.txt").symlink_to(own.halving(tmp_path / "models") / "1" / "model.py")
    assert "1/words.txt" in open_repository(folder).model.files()


def found(repository: Path) -> None:
    """Write what would have been found when a repository was brought."""
    opened = open_repository(repository)
    signature = signature_of(opened.model.config)
    record = {
        "model": opened.name,
        "inputs": tensors_of(signature.inputs),
        "outputs": tensors_of(signature.outputs),
        "without_batches": None,
        "told": None,
        "measured": {"sha256": digest_of(opened)},
    }
    write_record(repository / FOUND, Found, record)


@pytest.mark.parametrize(
    ("hyperparameters", "variants", "perf", "said"),
    [
        ({}, ["fp32", "int8_dynamic"], {"max_batch_size": [8]}, "'int8_dynamic' would be made of an ONNX file"),
        ({}, ["fp32"], {"max_batch_size": [64]}, "scoring takes batches of at most 8, as its owner configured it"),
        ({}, ["fp32"], {"max_batch_size": [8], "shapes": ["x_8"]}, "perf.shapes is for ONNX files"),
        (
            {"as_configured": True},
            ["fp32"],
            {"max_batch_size": [8], "instances": [1, 2]},
            r"none, and the matrix has others: .* -S 'perf\.instances=\[1\]' -S 'perf\.dynamic_b",
        ),
        (
            {"as_configured": True},
            ["fp32"],
            {"max_batch_size": [8], "instances": [1], "dynamic_batching": ["off"], "threads": [1], "options": ["a"]},
            r"none, and the matrix has others: .* -S 'perf\.threads=\[\]' -S 'perf\.options=\[\]'$",
        ),
    ],
)
def test_what_cannot_be_asked_of_a_repositorys_model_is_refused(
    tmp_path: Path, hyperparameters: dict[str, Any], variants: list[str], perf: dict[str, Any], said: str
) -> None:
    """Before anything is computed, with the option that mends it."""
    found(own.scoring(tmp_path / "models").parent)
    asked = get("own").hyperparameters.model_validate(hyperparameters)
    with pytest.raises(StageError, match=said):
        check_measured_as_it_is(tmp_path / "models", asked, "own", variants, Perf(**perf))


def test_what_its_owner_batches_is_a_cell_that_does(tmp_path: Path) -> None:
    """Limits on answers are in doubt where requests are batched, whoever configured that."""
    found(own.scoring(tmp_path / "models", "dynamic_batching { }").parent)
    as_configured = get("own").hyperparameters.model_validate({"as_configured": True})
    one: dict[str, Any] = {"max_batch_size": [8], "instances": [1]}
    for batching in (["off"], ["off", "delay_100us"]):
        wanted = r"\[delay_0us\]" if len(batching) == 1 else r"\[delay_100us\]"
        with pytest.raises(
            StageError, match=rf"its owner's, which batches requests, .* -S 'perf\.dynamic_batching={wanted}'$"
        ):
            check_measured_as_it_is(
                tmp_path / "models", as_configured, "own", ["fp32"], Perf(**one, dynamic_batching=batching)
            )
    perf = Perf(**one, dynamic_batching=["delay_100us"])
    assert check_measured_as_it_is(tmp_path / "models", as_configured, "own", ["fp32"], perf)[1]["as_configured"]


def test_threads_are_an_axis_of_onnx_runtime_alone(tmp_path: Path) -> None:
    """A program has as many as it makes; what params.yaml asked of a model before is taken back in the line to type."""
    folder = own.halving(tmp_path / "models")
    found(folder.parent)
    perf = Perf(threads=[1], max_batch_size=[8])
    with pytest.raises(
        StageError, match=r"perf\.threads are ONNX Runtime's, and halving is of the backend python: write"
    ):
        check_measured_as_it_is(folder.parent, get("own").hyperparameters(), "own", ["fp32"], perf)
    assert options_for_cells(open_repository(folder), None, perf)[-1] == "-S 'perf.threads=[]'"
    assert options_for_cells(open_repository(own.scoring(tmp_path)), None, perf) == []


def test_an_option_is_of_the_model_that_the_axes_are_of(tmp_path: Path) -> None:
    """Over what its owner wrote; a program's parameters are its own."""
    text = 'parameters { key: "execution_mode" value { string_value: "0" } }'
    more = text.replace('"0"', '"1"')
    model = open_repository(own.scoring(tmp_path, more)).model
    cell = replace(CELL, option="sequential")
    assert configured(model, ServedCell(cell, 2, text)).parameters["execution_mode"].string_value == "0"
    typo = text.replace("mode", "mood")
    with pytest.raises(StageError, match=r"options\.sequential sets 'execution_mood'"):
        configured(model, ServedCell(cell, 2, typo))
    program = open_repository(own.halving(tmp_path)).model
    assert configured(program, ServedCell(cell, 2, typo)).parameters["execution_mood"].string_value == "0"


def test_what_is_measured_of_a_repositorys_model_is_named(tmp_path: Path) -> None:
    """And why it takes no batches, where it does not."""
    found(own.scoring(tmp_path / "models").parent)
    section, perf = get("own").hyperparameters(), Perf(max_batch_size=[8])
    why, computing = check_measured_as_it_is(tmp_path / "models", section, "own", ["fp32"], perf)
    assert (why, computing["name"], computing["backend"], computing["step"]) == (None, "scoring", "onnxruntime", False)
    config = tmp_path / "models" / "scoring" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 0"))
    with pytest.raises(StageError, match="models is not what was brought, and what was found is not true of it"):
        check_measured_as_it_is(tmp_path / "models", section, "own", ["fp32"], perf)
    found(tmp_path / "models")
    why, _ = check_measured_as_it_is(tmp_path / "models", section, "own", ["fp32"], perf)
    assert why == "scoring's configuration has max_batch_size 0"
