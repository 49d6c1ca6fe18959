"""Our ONNX Runtime backend: how it is built and found, and what it does in a real server."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from conftest import ROOT, environment, run, until_counted
from native_host import config, identity, model, same
from onnx import TensorProto, helper, numpy_helper
from tritonclient.grpc import model_config_pb2 as schema
from tritonclient.utils import InferenceServerException

from assay.ground.process import StageError
from assay.servers.embedded import serve
from assay.serving import backend
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
from assay.serving.model_config import render
from assay.serving.tritonserver import with_our_backend

slow = pytest.mark.slow
# A compiler in the time of a test: it writes what it was given, and counts.
COMPILER = """#!/bin/sh
case "$*" in *--version*) echo "compiler 1.0"; exit;; esac
echo run >> "$(dirname "$0")/runs"
for word; do last=$word; done
cat *.cc > "$last"
"""


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sources of its own, a compiler that takes no time, and an empty place for what is built."""
    program = tmp_path / "compiler"
    program.write_text(COMPILER)
    program.chmod(0o755)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "one.cc").write_text("int one;\n")
    (tmp_path / "sources" / "one.h").write_text("extern int one;\n")
    monkeypatch.setenv("CXX", str(program))
    monkeypatch.setattr(backend, "SOURCES", tmp_path / "sources")
    monkeypatch.setattr(backend, "BUILT", tmp_path / "built")
    return tmp_path


def runs(workshop: Path) -> int:
    return len((workshop / "runs").read_text().splitlines())


def test_the_same_sources_are_built_once(workshop: Path) -> None:
    """The second call finds what the first built; nothing but the library is left."""
    first, second = backend.find_or_build(), backend.find_or_build()
    assert first == second
    assert runs(workshop) == 1
    assert (first.folder / backend.LIBRARY).read_text() == "int one;\n"
    assert sorted(path.name for path in backend.BUILT.iterdir()) == sorted([first.digest, "lock"])


@pytest.mark.parametrize("changed", ["one.cc", "one.h", "two.cc"])
def test_other_sources_are_another_backend(workshop: Path, changed: str) -> None:
    """A change of any file builds another library beside the first, which stays for whoever has its sources."""
    before = backend.find_or_build()
    (workshop / "sources" / changed).write_text("int another;\n")
    after = backend.find_or_build()
    assert after.digest != before.digest
    assert (before.folder / backend.LIBRARY).exists()
    (workshop / "sources" / "README").write_text("no source\n")
    assert backend.find_or_build() == after


def test_another_compiler_is_another_backend(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new release of it may compile otherwise, and so may the same one with other arguments."""
    digests = [backend.find_or_build().digest]
    monkeypatch.setenv("CXX", f"{workshop / 'compiler'} -O0")
    digests.append(backend.find_or_build().digest)
    (workshop / "compiler").write_text(COMPILER.replace("1.0", "1.1"))
    digests.append(backend.find_or_build().digest)
    assert len(set(digests)) == 3


def test_an_edit_while_the_compiler_works_is_not_built(workshop: Path) -> None:
    """What lies under a digest is made of the sources that had it, whatever became of them meanwhile."""
    source = workshop / "sources" / "one.cc"
    (workshop / "compiler").write_text(COMPILER.replace("cat", f"echo 'int late;' > {source}; cat"))
    made = backend.find_or_build()
    assert source.read_text() == "int late;\n"
    assert (made.folder / backend.LIBRARY).read_text() == "int one;\n"


def test_several_at_once_build_once(workshop: Path) -> None:
    """Whoever comes second waits for the first, and finds what that has built."""
    (workshop / "compiler").write_text(COMPILER.replace("cat", "sleep 0.3; cat"))
    ready = threading.Barrier(4)

    def build(_: int) -> backend.Backend:
        ready.wait()
        return backend.find_or_build()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(build, range(4)))) == 1
    assert runs(workshop) == 1


@pytest.mark.usefixtures("workshop")
def test_what_a_killed_build_left_is_removed() -> None:
    """The next one takes away the half that nobody will finish, and builds all of it."""
    (backend.BUILT / "unfinished_by_somebody" / "half").mkdir(parents=True)
    made = backend.find_or_build()
    assert (made.folder / backend.LIBRARY).exists()
    assert sorted(path.name for path in backend.BUILT.iterdir()) == sorted([made.digest, "lock"])


def test_what_the_compiler_refuses_is_one_sentence(workshop: Path) -> None:
    """Its own words about the first fault, and nothing half-built that would be found next time."""
    refusing = '#!/bin/sh\n[ "$1" = --version ] && exit\necho "one.cc:1:1: error: no such thing" >&2; exit 1\n'
    (workshop / "compiler").write_text(refusing)
    for _ in range(2):
        with pytest.raises(
            StageError, match=r"cannot build the server's backend .*\n  one\.cc:1:1: error: no such thing"
        ):
            backend.find_or_build()
    assert [path.name for path in backend.BUILT.iterdir()] == ["lock"]


def test_what_the_compiler_says_may_be_in_any_encoding(workshop: Path) -> None:
    """Bytes that are not UTF-8 make no traceback of its words."""
    refusing = "#!/bin/sh\n[ $1 = --version ] && exit\nprintf 'one.cc:1:1: error: \\374bel\\n' >&2; exit 1\n"
    (workshop / "compiler").write_text(refusing)
    with pytest.raises(StageError, match=r"\n  one\.cc:1:1: error: \ufffdbel"):
        backend.find_or_build()


def test_a_compiler_that_makes_nothing_is_named(workshop: Path) -> None:
    """As one that only prints what it is asked, and is content."""
    (workshop / "compiler").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(StageError, match=r"compiler cannot build the server's backend .*\n  nothing"):
        backend.find_or_build()


def test_a_compiler_that_is_no_program_is_named_with_the_remedy(workshop: Path) -> None:
    """A file that may be run, and that this machine cannot."""
    (workshop / "compiler").write_bytes(b"no program")
    with pytest.raises(StageError, match=r"compiler cannot be run as a program: Exec format error; install one with"):
        backend.find_or_build()


def test_a_missing_compiler_is_named_with_the_remedy(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is compiled; CXX may be a command with arguments."""
    monkeypatch.setenv("CXX", "no-such-compiler --fast")
    with pytest.raises(
        StageError, match=r"no-such-compiler is missing; install one with `apt-get install --yes g\+\+`"
    ):
        backend.find_or_build()
    monkeypatch.setenv("CXX", "'g++")
    with pytest.raises(StageError, match=r"CXX is no command \(No closing quotation\)"):
        backend.find_or_build()
    monkeypatch.setenv("CXX", f"{workshop / 'compiler'} --fast")
    assert backend.find_or_build().folder.exists()


def test_the_system_check_names_a_missing_compiler(tmp_path: Path) -> None:
    """`make` says so before it installs anything."""
    bare = tmp_path / "bin"
    bare.mkdir()
    for program in ("git", "setpriv", "taskset"):
        (bare / program).symlink_to(str(shutil.which(program)))
    script = [sys.executable, str(ROOT / "tools" / "check_system.py")]

    def said(**variables: str) -> str:
        finished = subprocess.run(
            script, check=False, capture_output=True, text=True, env={"PATH": str(bare), **variables}
        )
        assert finished.returncode == 1
        return finished.stderr

    assert "this system lacks g++; install with:\n  " in said()
    assert "apt-get install --yes g++" in said()
    assert "the C++ compiler that CXX names is not there: nothing; name another" in said(CXX="nothing -O2")
    assert "the C++ compiler that CXX names is no command (No closing quotation)" in said(CXX="'g++")


def test_a_missing_compiler_is_found_before_the_training() -> None:
    """The very first stage says so, and no stage after it has begun."""
    script = [sys.executable, "stages/raw_data.py"]
    variables = {**environment(), "CXX": "no-such-compiler"}
    finished = subprocess.run(script, cwd=ROOT, env=variables, check=False, capture_output=True, text=True)
    assert finished.returncode == 1
    assert finished.stderr.startswith(
        "error: the server's backend needs a C++ compiler, and no-such-compiler is missing"
    )
    assert len(finished.stderr.splitlines()) == 1


@slow
def test_the_compiler_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    """With its usual warnings and more, at the optimisation that is shipped."""
    words = backend.command(backend.compiler(), [path.name for path in backend.sources()])
    strict = ["-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "library.so")]
    finished = subprocess.run([*words, *strict], cwd=backend.SOURCES, check=False, capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_no_source_is_two_things() -> None:
    """Every file of the backend can be read at a sitting."""
    assert all(len(path.read_text().splitlines()) <= 300 for path in backend.sources())


@slow
def test_a_changed_workspace_serves_with_its_own_backend(tmp_path: Path) -> None:
    """A copy of the project whose backend says something else answers so, whatever the first one has built."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "triton", copy / "triton")
    shutil.copy(ROOT / "dvc.yaml", copy)
    source = copy / "triton" / "backends" / "onnxruntime" / "onnxruntime_engine.cc"
    source.write_text(source.read_text().replace('"onnx runtime error "', '"an edited backend says "'))
    folder = write(tmp_path, gather(), config({"x": ("INT64", [1])}, {"y": ("FP32", [1])}))
    script = f"""
import sys
import assay.ground.stage
from pathlib import Path
import numpy as np
from assay.ground.process import StageError
from assay.servers.embedded import serve
from assay.serving.tritonserver import with_our_backend
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
with serve([Path({str(folder)!r})], 60) as server:
    try:
        server.infer("m", {{"x": np.array([[9]])}}, ["y"], "grpc")
    except StageError as error:
        print(error)
"""
    assert "onnx runtime error 2" in run(sys.executable, "-c", script, cwd=ROOT).stdout
    assert "an edited backend says 2" in run(sys.executable, "-c", script, cwd=copy).stdout


def gather() -> object:
    """Return x: INT64 [N, 1] -> y: FP32 [N, 1], an entry of a table of 4; another index makes the run fail."""
    table = numpy_helper.from_array(np.arange(4, dtype=np.float32), "table")
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"])]
    return model(nodes, [("x", TensorProto.INT64, ["n", 1])], [("y", TensorProto.FLOAT, ["n", 1])], initializer=[table])


def write(folder: Path, made: object, stated: schema.ModelConfig, name: str = "m") -> Path:
    """Write a servable folder."""
    (folder / name / "1").mkdir(parents=True)
    (folder / name / "1" / "model.onnx").write_bytes(made if isinstance(made, bytes) else made.SerializeToString())  # type: ignore[attr-defined]
    stated.name = name
    (folder / name / "config.pbtxt").write_text(render(stated))
    return folder / name


@pytest.fixture
def ask() -> Callable[..., dict[str, np.ndarray]]:
    """Ask a server's model over gRPC with arrays by name; return its answers by name."""

    def asked(address: str, name: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        inputs = []
        for each, array in arrays.items():
            kind = "BYTES" if array.dtype == object else tritonclient.grpc._infer_input.np_to_triton_dtype(array.dtype)
            inputs.append(tritonclient.grpc.InferInput(each, list(array.shape), kind))
            inputs[-1].set_data_from_numpy(array)
        with tritonclient.grpc.InferenceServerClient(address) as client:
            answer = client.infer(name, inputs)
            return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}

    return asked


@slow
def test_models_of_many_kinds_are_served(tmp_path: Path, ask: Callable[..., dict[str, np.ndarray]]) -> None:
    """Text in both directions, scalars, reshaped and variable dims, several outputs: by the real server."""
    text = write(
        tmp_path,
        identity(TensorProto.STRING, ("n", "m")),
        config({"x": ("BYTES", [-1])}, {"y": ("BYTES", [-1])}),
        "text",
    )
    negative = model([helper.make_node("Neg", ["x"], ["y"])], [("x", 1, [])], [("y", 1, [])])
    scalar = write(tmp_path, negative, config({"x": ("FP32", [1])}, {"y": ("FP32", [1])}, max_batch_size=0), "scalar")
    flat = config({"x": ("FP32", [1])}, {"y": ("FP32", [1])})
    for each in (*flat.input, *flat.output):
        each.reshape.SetInParent()
    reshaped = write(tmp_path, identity(shape=("n",)), flat, "reshaped")
    several = model(
        [helper.make_node("TopK", ["x", "k"], ["values", "places"])],
        [("x", 1, ["n", "m"])],
        [("values", 1, ["n", 2]), ("places", 7, ["n", 2])],
        initializer=[numpy_helper.from_array(np.array([2], np.int64), "k")],
    )
    stated = config({"x": ("FP32", [-1])}, {"values": ("FP32", [2]), "places": ("INT64", [2])})
    top = write(tmp_path, several, stated, "top")
    words = np.array([["Grüße, 世界", "", "plain"]], object)
    with serve([text, scalar, reshaped, top], 60) as server:
        answered = ask(server.grpc_address, "text", x=words)["y"]
        assert [each.decode() for each in answered[0]] == words[0].tolist()
        assert ask(server.grpc_address, "scalar", x=np.array([2.5], np.float32))["y"].tolist() == [-2.5]
        assert ask(server.grpc_address, "reshaped", x=np.array([[1], [2]], np.float32))["y"].tolist() == [[1], [2]]
        found = ask(server.grpc_address, "top", x=np.array([[1, 5, 3, 4]], np.float32))
        assert (found["values"].tolist(), found["places"].tolist()) == ([[5, 4]], [[1, 3]])


@slow
def test_a_failed_run_is_answered_and_counted(tmp_path: Path, ask: Callable[..., dict[str, np.ndarray]]) -> None:
    """ONNX Runtime's words reach the client, the statistics count a failure, and the server lives."""
    folder = write(tmp_path, gather(), config({"x": ("INT64", [1])}, {"y": ("FP32", [1])}))
    with serve([folder], 60) as server:
        with pytest.raises(
            InferenceServerException, match=r"onnx runtime error 2: .*indices element out of data bounds"
        ):
            ask(server.grpc_address, "m", x=np.array([[9]]))
        assert ask(server.grpc_address, "m", x=np.array([[3]]))["y"].item() == 3
        counted = until_counted(server, "m", 2)["inference_stats"]
        assert (counted["fail"]["count"], counted["success"]["count"]) == (1, 1)
        parts = [counted[part]["ns"] for part in ("queue", "compute_input", "compute_infer", "compute_output")]
        assert 0 < sum(parts) <= counted["success"]["ns"]


@slow
def test_a_large_batch_leaves_no_memory_behind(tmp_path: Path) -> None:
    """What 160 MB were gathered in is given back, whatever an instance keeps for small batches."""
    largest = model(
        [helper.make_node("ReduceMax", ["x"], ["y"], axes=[1])], [("x", 1, ["n", "m"])], [("y", 1, ["n", 1])]
    )
    stated = config({"x": ("FP32", [-1])}, {"y": ("FP32", [1])})
    stated.dynamic_batching.preferred_batch_size.append(8)
    stated.dynamic_batching.max_queue_delay_microseconds = 10_000_000
    stated.parameters["enable_mem_arena"].string_value = "0"
    folder = write(tmp_path, largest, stated)
    with serve([folder], 60) as server:

        def eight(values: int) -> int:
            """Ask for eight in one batch; return the server's memory after it."""

            def asked(place: int) -> float:
                # Over HTTP: what the server's gRPC keeps of large messages is not the backend's.
                with tritonclient.http.InferenceServerClient(server.http_address) as client:
                    sent = tritonclient.http.InferInput("x", [1, values], "FP32")
                    sent.set_data_from_numpy(np.full((1, values), place, np.float32))
                    return float(client.infer("m", [sent]).as_numpy("y").item())

            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(asked, range(8))) == list(range(8))
            return int(psutil.Process(server.pid).memory_info().rss)

        before = eight(1)
        eight(5_000_000)
        assert eight(1) - before < 80e6
        assert until_counted(server, "m", 24)["execution_count"] == 3


@slow
def test_a_model_that_does_not_load_leaves_the_others_be(
    tmp_path: Path, ask: Callable[..., dict[str, np.ndarray]]
) -> None:
    """Where the server is told to bear it, one with a file cut short is refused and another serves."""
    whole = identity().SerializeToString()
    good, bad = (write(tmp_path, content, same(), name) for content, name in ((whole, "good"), (whole[:40], "bad")))

    def bearing(place: Place) -> Launch:
        launch = with_our_backend(find_installation(), place, ())
        return Launch([*launch.command, "--exit-on-error=false", "--strict-readiness=false"], launch.environment)

    with launched(bearing, [good, bad], 60) as server:
        assert server.has_model("good")
        assert not server.has_model("bad")
        assert ask(server.grpc_address, "good", x=np.ones((1, 3), np.float32))["y"].tolist() == [[1, 1, 1]]


TELEMETRY = """
import sys
sys.path[:0] = ["stages", "tests"]
import assay.ground.stage
from pathlib import Path
import onnxruntime
from assay.tensors.parity import onnx_session
from assay.ground.paths import ANCHOR
onnx_session(str(ANCHOR / "1" / "model.onnx"))
from assay.servers.embedded import serve
from assay.serving.tritonserver import with_our_backend
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
with serve([ANCHOR], 60) as server:
    pass
"""


@slow
def test_nothing_is_noted_down_about_who_uses_onnx_runtime(tmp_path: Path) -> None:
    """In a fresh home, importing it and serving with it leave no file; without what we set, it would leave some."""

    def left(script: str) -> list[str]:
        home = tmp_path / f"home_{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        # Nothing else is inherited: ONNX Runtime notes nothing down where a variable says that this is a CI machine.
        inherited = {key: value for key, value in environment().items() if key in ("PATH", "TMPDIR")}
        variables = {**inherited, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=variables, check=True)
        return [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]

    assert left(TELEMETRY) == []
    assert any("onnxruntime" in path for path in left("import onnxruntime"))


def test_every_program_says_so_before_it_imports_anything() -> None:
    """`assay.ground.stage`, which forbids it, is what each stage, tool and benchmark imports first of our own."""
    folders = [ROOT / name for name in ("stages", "tools", "benchmarks")]
    own = {path.stem for folder in folders for path in folder.iterdir()} | {"assay", "onnxruntime"}
    for path in (path for folder in folders for path in folder.glob("*.py")):
        lines = path.read_text().splitlines()
        imports = [line.split()[1] for line in lines if line.startswith(("import ", "from "))]
        ours = [name for name in imports if name.partition(".")[0] in own]
        if 'if __name__ == "__main__":' in lines and ours:
            assert ours[0] == "assay.ground.stage", path
