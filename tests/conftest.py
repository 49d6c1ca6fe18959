"""What tests share: a copy of the parameters, tiny models, and clones of this repository."""

import assay.ground.stage  # noqa: F401  what it says of Ctrl-C is unsaid below

import copy
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from filelock import FileLock
from onnx import TensorProto, helper, numpy_helper
from ruamel.yaml import YAML
from xdist.scheduler import LoadScopeScheduling

from assay.exporting import variants
from assay.exporting.compression.quantise import dynamic
from assay.exporting.source import Source
from assay.ground.environment import of_children
from assay.ground.files import read_json, write_json
from assay.ground.paths import STEPS
from assay.ground.process import StageError
from assay.serving.client import Server
from assay.serving.ensemble import ensemble_config, label_config
from assay.serving.model_config import ModelShape, read_config, render, serving_config
from assay.validation.schema import validate

# A background job starts with SIGINT and SIGQUIT ignored, one under nohup with SIGHUP, and so would all
# their children: tests of signals need them as a terminal gives them. And what stages do about
# Ctrl-C from their first import on is not for the tests themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parent.parent
Edit = Callable[[dict[str, Any]], None]
# One for those that always run, one for each way to search: a lock file tells of few stages each.
PIPELINES = ("dvc.yaml", "checks/dvc.yaml", "cells/dvc.yaml", "race/dvc.yaml")
# What `dvc repro` writes and git carries.
RESULTS = ("dvc.lock", "checks/dvc.lock", "cells/dvc.lock", "race/dvc.lock", "reports/")
# The plots that dvc.yaml names.
PLOTS = (
    "Reconstruction loss",
    "Accuracy",
    "Confusion on the test split",
    "Each class against the rest",
    "Throughput relative",
)


@functools.cache
def _params_in_file() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "tests" / "params.yaml").read_text())
    return content


def read_params() -> dict[str, Any]:
    """Return valid parameters as YAML gives them, free to be changed."""
    return copy.deepcopy(_params_in_file())


@pytest.fixture
def content() -> dict[str, Any]:
    """Valid parameters as YAML gives them, free to be changed."""
    return read_params()


def errors(content: Any) -> list[str]:
    """Return what is wrong with parameters, a line each."""
    with pytest.raises(StageError) as raised:
        validate(content)
    return str(raised.value).splitlines()[1:]


def as_workspace(folder: Path) -> Path:
    """Make a folder a workspace of this one's code, for programs that are started in it; return it."""
    (folder / "dvc.yaml").touch()
    (folder / "src").symlink_to(ROOT / "src")
    return folder


def linear_model(name: str = "linear", scale: float = 0.1) -> onnx.ModelProto:
    """Return image [N, 28, 28, 1] -> logits [N, 10], one matrix product."""
    weights = np.random.default_rng(0).normal(0, scale, (784, 10)).astype(np.float32)
    nodes = [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 28, 28, 1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def quantised_as_it_comes() -> onnx.ModelProto:
    """Return a model of bytes with two matrix products whose inputs are quantised with the range of their batch."""
    model = taking_bytes(linear_model())
    graph = model.graph
    graph.node[-1].output[:] = ["hidden"]
    weights = np.random.default_rng(1).normal(0, 1, (10, 10)).astype(np.float32)
    graph.node.append(helper.make_node("MatMul", ["hidden", "v"], ["logits"]))
    graph.initializer.append(numpy_helper.from_array(weights, "v"))
    return remade(dynamic, model)


def remade(change: Callable[..., None], model: onnx.ModelProto, *arguments: Any) -> onnx.ModelProto:
    """Return what a function that reads a model's file, and writes another, makes of a model."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        change(before, after, *arguments)
        return onnx.load(after)


def exported(variant: str, source: Source) -> onnx.ModelProto:
    """Return a model as a variant."""
    with tempfile.TemporaryDirectory() as folder:
        variants.get(variant).export(source, path := Path(folder) / "exported.onnx")
        return onnx.load(path)


def taking_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model of pixels from 0 to 1 as one that takes bytes, scales them itself, and answers the same."""
    graph = model.graph
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    for node in graph.node:
        node.input[:] = ["scaled" if name == "image" else name for name in node.input]
    graph.node.insert(0, helper.make_node("Cast", ["image"], ["cast"], name="cast", to=TensorProto.FLOAT))
    graph.node.insert(1, helper.make_node("Mul", ["cast", "factor"], ["scaled"], name="scaled"))
    graph.initializer.append(numpy_helper.from_array(np.full((1, 1, 1), 1 / 255, np.float32), "factor"))
    return model


@pytest.fixture
def model_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a servable folder of a model, the linear one if none is given; keywords go to its configuration."""

    def write(name: str = "linear", model: onnx.ModelProto | None = None, **settings: Any) -> Path:
        folder = tmp_path / "models" / name
        (folder / "1").mkdir(parents=True)
        model = model or linear_model()
        onnx.save(model, folder / "1" / "model.onnx")
        config = serving_config(name, ModelShape.of(model), threads=1, **settings)
        (folder / "config.pbtxt").write_text(render(config))
        return folder

    return write


def write_ensemble(classifier: Path, classes: tuple[str, ...], top_k: int) -> tuple[Path, Path]:
    """Write the label step and the ensemble of a classifier's folder beside it; return both folders."""
    label, ensemble = classifier.parent / "label", classifier.parent / "labelled-fp32"
    shutil.copytree(STEPS / "label", label, ignore=shutil.ignore_patterns("__pycache__"))
    (ensemble / "1").mkdir(parents=True)
    (ensemble / "1" / "README").touch()
    config = read_config(classifier / "config.pbtxt")
    (label / "config.pbtxt").write_text(render(label_config(classes, top_k, config.max_batch_size)))
    (ensemble / "config.pbtxt").write_text(render(ensemble_config("fp32", config, top_k)))
    return label, ensemble


def until_counted(server: Server, model: str, requests: int) -> dict[str, Any]:
    """Return a model's statistics once they hold so many requests: the server counts one after it has answered it."""
    ends = time.monotonic() + 10
    while True:
        found: dict[str, Any] = server.statistics(model)
        counted = found["inference_stats"]
        if counted["success"]["count"] + counted["fail"]["count"] >= requests or time.monotonic() > ends:
            return found
        time.sleep(0.01)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the benchmark lock to these tests: another benchmark on the machine may take its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr("tempfile.tempdir", None)
        yield


# Nobody's own settings of Git and DVC: a hook, a signature, a cache elsewhere.
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "true",
    # Whoever checked this repository out, tests may read it.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "DVC_GLOBAL_CONFIG_DIR": "/nonexistent",
    "DVC_SYSTEM_CONFIG_DIR": "/nonexistent",
    "DVC_NO_ANALYTICS": "true",
}


def environment() -> dict[str, str]:
    """Return the environment in which a user runs dvc: this interpreter's programs first."""
    return of_children() | NOBODY


def run(*command: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would and return it with everything it printed in `stdout`."""
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert not check or finished.returncode == 0, f"{' '.join(command)}:\n{finished.stdout}"
    return finished


def ran(output: str) -> list[str]:
    """Return the stages that DVC ran, in order."""
    return [_stage(line) for line in output.splitlines() if line.startswith("Running stage ")]


def _stage(line: str) -> str:
    # Of another dvc.yaml than that at the top, DVC says which.
    return line.split("'")[1].rpartition(":")[2]


def changed(output: str) -> list[str]:
    """Return the stages that DVC ran, in order, without the two cheap ones that always run."""
    return [stage for stage in ran(output) if stage not in ("raw-data", "machine")]


def commit(folder: Path, message: str) -> None:
    author = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    run("git", "add", "--all", cwd=folder)
    run("git", *author, "commit", "--quiet", "--message", message, cwd=folder)


def clone(folder: Path, edit: Edit = lambda _: None) -> Path:
    """Copy what git would carry, but for results, into a fresh repository with edited params."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith(RESULTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    params = read_params()
    edit(params)
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(params, file)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    commit(folder, "A clone")
    return folder


def tiny(params: dict[str, Any]) -> None:
    """Shrink the pipeline to one epoch, one cell, the shortest windows and the fewest rounds."""
    section = params["models"]["autoencoder"]
    section["hidden_width"] = 8
    section["reconstruction"]["epochs"] = section["head"]["epochs"] = 1
    params["perf"].update(instances=[1], dynamic_batching=["off"], concurrency=[2], window_ms=20)
    params["screening"]["precision"] = 1.0
    params["runoff"].update(starts=3, rounds=2)


@dataclass(frozen=True)
class FinishedRun:
    """A clone in which the tiny pipeline ran once and was committed; to be copied, not used."""

    folder: str
    output: str
    seconds: dict[str, float]  # by stage; `start` before the first, `all` together

    def copy(self, folder: Path) -> Path:
        """Return a copy, with DVC's cache and all results, that is free to be changed."""
        return shutil.copytree(self.folder, folder, symlinks=True)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Run the tiny pipeline once for all tests that begin with results, in whatever process they run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    record = shared / "finished_run.json"
    with FileLock(shared / "finished_run.lock"):
        if not record.exists():
            write_json(record, asdict(run_once(shared / "finished_run")))
        finished = read_json(record)
    return FinishedRun(**finished)


def run_once(folder: Path) -> FinishedRun:
    """Run and commit the tiny pipeline in a clone."""
    clone(folder, tiny)
    run("dvc", "pull", "data.dvc", cwd=folder)
    process = subprocess.Popen(
        ["dvc", "repro"], cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout
    lines, seconds, stage, began = [], {"start": 0.0}, "start", time.monotonic()
    last = began
    for line in process.stdout:
        lines.append(line)
        stage = _stage(line) if line.startswith("Running stage ") else stage
        now = time.monotonic()
        seconds[stage], last = seconds.get(stage, 0.0) + now - last, now
    assert process.wait(60) == 0, "".join(lines)
    commit(folder, "The first results")
    return FinishedRun(str(folder), "".join(lines), {**seconds, "all": time.monotonic() - began})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=50, help="how often the torture test kills something")
    parser.addoption("--fuzz-seconds", type=float, default=6, help="how long each test of damaged input goes on")
    parser.addoption("--seed", default="0", help="of the damage; another one tries other things")
    parser.addoption("--mutations", type=int, default=30, help="how often each kind of raw file is damaged")


def _turn(item: pytest.Item) -> int:
    """Return when a test is to run, so that several processes together need the least time."""
    if item.path.stem == "test_torture":  # the longest: of several processes, one begins with it
        return 0 if "PYTEST_XDIST_WORKER" in os.environ else 3
    if "slow" not in item.keywords:
        return 1  # a mistake shows in seconds
    if item.path.stem in ("test_families", "test_training"):
        return 2  # while one process makes the run that others begin with
    if "finished_run" in getattr(item, "fixturenames", ()):
        return 3  # long ones
    # Many short ones come last, so that all processes end at about the same time.
    return 5 if item.path.stem == "test_invalidation" else 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order of their turns."""
    items.sort(key=_turn)


# Files that share something costly; and one whose servers keep what they are sent in one folder of the machine's.
TOGETHER = ("test_experiments", "test_own_model", "test_pipeline", "test_servers", "test_training")


class _OneByOne(LoadScopeScheduling):
    """Hands out tests one by one, but those of some files together."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return file if Path(file).stem in TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Say how tests are divided among processes."""
    return _OneByOne(config, log)
