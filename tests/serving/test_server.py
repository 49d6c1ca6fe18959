"""The embedded server: real answers, readable failures, and nothing left behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from conftest import ROOT, environment, linear_model, taking_bytes, until_counted, write_ensemble
from tritonclient.utils import InferenceServerException

from assay.ground.owner import PREFIX, is_dead, mark, marked
from assay.ground.process import StageError
from assay.ground.supervisor import SHARED_MEMORY
from assay.ground.temporary import remove_leftovers
from assay.params.cells import parse_batching
from assay.servers.embedded import serve
from assay.serving import launch
from assay.serving.answers import check_answers, check_effective_config, check_labels
from assay.serving.client import PROTOCOLS, Server
from assay.serving.model_config import read_config, render

pytestmark = pytest.mark.slow

EXAMPLES = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
GONE_WITHIN_S = 10
Folder = Callable[..., Path]


def shared_memory() -> set[str]:
    """Return shared-memory files of this process's servers and of stages that are dead."""
    owners = {path.name: marked(path.name) for path in SHARED_MEMORY.iterdir()}
    return {name for name, owner in owners.items() if owner and (owner == mark() or is_dead(owner))}


def processes_naming(text: str) -> list[str]:
    """Return the command lines of processes, zombies aside, that mention `text`."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        line = " ".join(process.info["cmdline"] or [])
        if text in line and process.info["pid"] != os.getpid():
            found.append(line)
    return found


def pid_of(server: Server) -> int:
    assert server.pid is not None
    return server.pid


def wait_until(condition: Callable[[], bool], timeout_s: float = GONE_WITHIN_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(autouse=True)
def run_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give servers a temporary folder of this test's own, and check that it ends empty."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = shared_memory()
    yield folder
    assert wait_until(lambda: not processes_naming(str(folder))), processes_naming(str(folder))
    assert wait_until(lambda: shared_memory() <= before), shared_memory() - before
    remove_leftovers(folder)  # as the next stage does, if one was killed
    assert wait_until(lambda: not list(folder.glob(f"{PREFIX}*"))), list(folder.iterdir())


@pytest.mark.parametrize("batching", ["off", "delay_0us", "delay_500us", "delay_500us_preferred_4_8"])
def test_every_batching_serves_right_answers(model_folder: Folder, batching: str) -> None:
    """Batches of 1, 3 and the maximum are right over HTTP and gRPC, and nothing was reconfigured."""
    folder = model_folder(instances=2, max_batch_size=16, batching=parse_batching(batching))
    with serve([folder], timeout_s=60) as server:
        check_effective_config(server, folder)
        differences = check_answers(server, folder, {"image": EXAMPLES})
    assert {protocol: list(sizes) for protocol, sizes in differences.items()} == {
        protocol: ["1", "3", "16"] for protocol in PROTOCOLS
    }


def test_a_model_of_bytes_is_asked_bytes(model_folder: Folder) -> None:
    """Its answers are those of the same model of fractions, over both protocols; floats are refused."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    folders = [model_folder("bytes", taking_bytes(linear_model()), max_batch_size=4), model_folder("fractions")]
    with serve(folders, timeout_s=60) as server:
        check_effective_config(server, folders[0])
        check_answers(server, folders[0], {"image": pixels})
        for protocol in PROTOCOLS:
            of_bytes = server.infer("bytes", {"image": pixels[:4]}, ["logits"], protocol)["logits"]
            of_fractions = server.infer("fractions", {"image": pixels[:4] / np.float32(255)}, ["logits"], protocol)[
                "logits"
            ]
            np.testing.assert_allclose(of_bytes, of_fractions, atol=1e-5)
            with pytest.raises(StageError, match=f"over {protocol}"):
                server.infer("bytes", {"image": EXAMPLES[:1]}, ["logits"], protocol)


def test_requests_that_triton_batches_get_their_own_answers(model_folder: Folder) -> None:
    """Requests of different sizes, joined into one execution, come back divided rightly."""
    folder = model_folder(max_batch_size=16, batching=parse_batching("delay_200000us_preferred_6"))
    with serve([folder], timeout_s=60) as server:
        parts = [EXAMPLES[:1], EXAMPLES[1:3], EXAMPLES[3:4], EXAMPLES[3:5]]
        with ThreadPoolExecutor(len(parts)) as at_once:
            answers = list(
                at_once.map(lambda part: server.infer("linear", {"image": part}, ["logits"], "grpc")["logits"], parts)
            )
        executions = until_counted(server, "linear", len(parts))["execution_count"]
        alone = [server.infer("linear", {"image": part}, ["logits"], "http")["logits"] for part in parts]
    assert 0 < executions < len(parts)
    for answer, expected in zip(answers, alone, strict=True):
        np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_wrong_input_is_refused_and_the_server_goes_on(model_folder: Folder) -> None:
    """A request of the wrong shape is answered with an error; the next one is answered."""
    folder = model_folder()
    with serve([folder], timeout_s=60) as server:
        for protocol in PROTOCOLS:
            with pytest.raises(StageError, match=f"over {protocol}"):
                server.infer("linear", {"image": EXAMPLES[:, :5]}, ["logits"], protocol)
        check_answers(server, folder, {"image": EXAMPLES})


def test_different_answers_are_found(model_folder: Folder) -> None:
    """A server that serves another model than the file at hand does not pass."""
    folder = model_folder()
    with serve([folder], timeout_s=60) as server:
        (folder / "1" / "model.onnx").write_bytes(linear_model(scale=0.2).SerializeToString())
        with pytest.raises(StageError, match=r"linear answers a batch of 1 over http .* differ from ONNX Runtime's"):
            check_answers(server, folder, {"image": EXAMPLES})


def test_a_corrupt_model_shows_the_servers_own_words(model_folder: Folder) -> None:
    """A model that does not load ends the start at once, quoting the server."""
    folder = model_folder()
    (folder / "1" / "model.onnx").write_bytes(b"not a model")
    started = time.monotonic()
    with (
        pytest.raises(StageError, match=r"(?s)did not start \(exit code 1\).*Protobuf parsing failed"),
        serve([folder], timeout_s=60),
    ):
        pass
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("config.input[0].data_type = 10", "input 'image' is TYPE_FP16 in config.pbtxt and TYPE_FP32 in the model"),
        ("config.output[0].dims[0] = 3", "output 'logits' has dims [3] in config.pbtxt and [10] in the model"),
        ("config.parameters['intra_op_thread_count'].string_value = 'two'", "parameter intra_op_thread_count: 'two'"),
        ("config.optimization.execution_accelerators.cpu_execution_accelerator.add(name='x')", "Accelerator 'x'"),
    ],
)
def test_a_configuration_that_does_not_fit_is_one_sentence(model_folder: Folder, edit: str, why: str) -> None:
    """What the model's file is, and what its configuration says it is, stands in the stage's error."""
    folder = model_folder()
    config = read_config(folder / "config.pbtxt")
    exec(edit, {"config": config})  # noqa: S102  the lines above
    (folder / "config.pbtxt").write_text(render(config))
    with pytest.raises(StageError) as raised, serve([folder], timeout_s=60):
        pass
    start, *words = str(raised.value).splitlines()
    assert start == "the Triton server did not start (exit code 1); it said:"
    assert len(words) == 1
    assert why in words[0]


def test_nobody_may_load_a_model(model_folder: Folder, tmp_path: Path) -> None:
    """A model is a program that would run as the server's user: a request to load one is refused, over both protocols.

    Nor is there a backend that would run it.
    """
    folder, proof = model_folder(), tmp_path / "executed"
    program = f"open({str(proof)!r}, 'w')\nclass TritonPythonModel: pass\n"
    content = {"config": '{"backend": "python", "max_batch_size": 0}', "files": {"file:1/model.py": program.encode()}}
    with serve([folder], timeout_s=60) as server:
        clients = (
            tritonclient.http.InferenceServerClient(server.http_address),
            tritonclient.grpc.InferenceServerClient(server.grpc_address),
        )
        for client in clients:
            with pytest.raises(InferenceServerException, match="explicit model load / unload is not allowed"):
                client.load_model("brought", **content)
            with pytest.raises(InferenceServerException, match="explicit model load / unload is not allowed"):
                client.unload_model(folder.name)
            client.close()
        check_answers(server, folder, {"image": EXAMPLES})
        assert server.folder is not None
        assert [path.name for path in (server.folder / "backends").iterdir()] == ["onnxruntime"]
    assert not proof.exists()


def test_a_runtime_that_crashes_the_server_is_told_with_the_model(model_folder: Folder) -> None:
    """Code in the server's own process may take it along: the error says that it died, and asked for what."""
    folder = model_folder()

    def crash_and_ask() -> None:
        with serve([folder], timeout_s=60) as server:
            os.kill(pid_of(server), signal.SIGSEGV)
            wait_until(lambda: not server.is_ready())
            server.infer("linear", {"image": EXAMPLES[:1]}, ["logits"], "grpc")

    with pytest.raises(StageError, match=r"the Triton server died \(exit code -11, SIGSEGV\): .* linear"):
        crash_and_ask()


def test_a_model_that_the_server_refuses_is_told(model_folder: Folder) -> None:
    """A backend that is not there is named in the error."""
    folder = model_folder()
    config = read_config(folder / "config.pbtxt")
    config.backend = "no_such_backend"
    (folder / "config.pbtxt").write_text(render(config))
    with pytest.raises(StageError, match="no_such_backend"), serve([folder], timeout_s=60):
        pass


def test_a_server_that_is_not_ready_in_time_is_ended(model_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time allowed is kept, and the parameter that sets it is named."""
    monkeypatch.setattr(
        "assay.serving.client.Server.is_ready", lambda _server: False
    )  # on a slow machine, it is late and ready
    with (
        pytest.raises(StageError, match=r"not ready within timeouts\.start_s"),
        serve([model_folder()], timeout_s=0.01),
    ):
        pass


def test_a_machine_that_does_not_reach_itself_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its loopback interface, nobody waits a minute for a server that nobody can ask."""
    monkeypatch.setattr(launch, "HOST", "192.0.2.1")
    with pytest.raises(StageError, match=r"does not reach itself at 192\.0\.2\.1, .*: Cannot assign .*; `ip link set"):
        launch.free_ports(1)


def test_a_port_taken_at_the_last_moment_is_tried_again(model_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process takes the port first, the next start uses other ports."""
    with socket.socket() as taken:
        taken.bind((launch.HOST, 0))
        taken.listen()
        find = launch.free_ports
        offered = iter([[taken.getsockname()[1], *find(1)], find(2)])
        monkeypatch.setattr(launch, "free_ports", lambda _count: next(offered))
        with serve([model_folder()], timeout_s=60) as server:
            assert server.is_ready()


def test_another_server_at_our_port_is_not_taken_for_ours(
    model_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ready server that took our port first, with HTTP or gRPC, is not asked in place of the one that was started."""
    folder = model_folder()
    with serve([folder], timeout_s=60) as other:
        taken = [int(address.rpartition(":")[2]) for address in (other.http_address, other.grpc_address)]
        find = launch.free_ports
        offered = iter([[taken[0], *find(1)], [taken[1], *find(1)], find(2)])
        monkeypatch.setattr(launch, "free_ports", lambda _count: next(offered))
        with serve([folder], timeout_s=60) as ours:
            assert ours.http_address != other.http_address
            assert ours.is_ready()
        assert other.is_ready()


def test_two_servers_run_side_by_side(model_folder: Folder) -> None:
    """Ports and shared memory are each server's own."""
    folder = model_folder()
    with serve([folder], timeout_s=60) as first:
        with serve([folder], timeout_s=60) as second:
            assert first.http_address != second.http_address
        check_answers(first, folder, {"image": EXAMPLES})


@pytest.mark.parametrize("victim", ["server", "inner", "outer"])
def test_a_server_that_dies_is_the_error(model_folder: Folder, victim: str) -> None:
    """After a crash, of the server or of what supervises it, the error says that the server died."""
    folder = model_folder()

    def crash_and_ask() -> None:
        with serve([folder], timeout_s=60) as server:
            outer, inner, *_ = psutil.Process(pid_of(server)).parents()[1::-1]
            os.kill({"server": pid_of(server), "inner": inner.pid, "outer": outer.pid}[victim], signal.SIGKILL)
            wait_until(lambda: not server.is_ready())
            check_answers(server, folder, {"image": EXAMPLES})

    with pytest.raises(StageError, match=r"the Triton server died \(exit code -9, SIGKILL\)"):
        crash_and_ask()


def test_a_server_that_hangs_is_ended(model_folder: Folder) -> None:
    """A stopped server, deaf to SIGTERM, does not keep the stage waiting."""
    with serve([model_folder()], timeout_s=60) as server:
        os.kill(pid_of(server), signal.SIGSTOP)
        started = time.monotonic()
    assert time.monotonic() - started < GONE_WITHIN_S


def test_only_our_shared_memory_is_removed(model_folder: Folder) -> None:
    """Files of other programs, and of other servers of ours, stay; those of a step in Python go with its server."""
    foreign = SHARED_MEMORY / f"foreign_{os.getpid()}"
    neighbour = SHARED_MEMORY / f"{PREFIX}neighbour_{os.getpid()}"
    try:
        for path in (foreign, neighbour):
            path.write_bytes(b"kept")
        label, _ = write_ensemble(model_folder(), tuple("0123456789"), top_k=1)
        with serve([label], timeout_s=60):
            assert shared_memory()
        assert foreign.read_bytes() == neighbour.read_bytes() == b"kept"
    finally:
        for path in (foreign, neighbour):
            path.unlink(missing_ok=True)


def start_stage(*folders: Path) -> tuple[subprocess.Popen[str], int, int, str]:
    """Start a stage of its own that serves; return it with the ids of server and inner supervisor."""
    stage = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "serve_and_wait.py"), *map(str, folders)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stage.stdout is not None
    server, supervisor, address = stage.stdout.readline().split()
    return stage, int(server), int(supervisor), address


def refuses_connections(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_no_signal_to_the_stage_leaves_a_server(model_folder: Folder, number: signal.Signals) -> None:
    """However the stage ends, its server, port, shared memory and files end with it."""
    stage, _, _, address = start_stage(model_folder())
    try:
        stage.send_signal(number)
        assert stage.wait(GONE_WITHIN_S) in (-number, 128 + number)
    finally:
        stage.kill()
    assert wait_until(lambda: refuses_connections(address))


@pytest.mark.parametrize(
    "victims",
    [
        "server",
        "inner",
        "outer",
        "stage inner",
        "stage outer",
        "inner outer",
        "inner server",
        "stage inner server",
        "stage inner outer",
    ],
)
def test_killing_any_takes_the_others(model_folder: Folder, victims: str) -> None:
    """Of stage, both supervisors, server and the Python stub, nobody outlives one, two or three killed at once."""
    folder = model_folder("classifier-fp32")
    stage, server, inner, _ = start_stage(folder, *write_ensemble(folder, tuple("0123456789"), top_k=1))
    outer = psutil.Process(inner).ppid()
    family = psutil.Process(stage.pid).children(recursive=True)
    # The folder that Triton's Python backend makes in /tmp goes with the server's own.
    assert len(list(Path(os.environ["TMPDIR"]).rglob("tmp_python_env*"))) == 1
    assert {"triton_python_backend_stub", "tritonserver"} <= {each.name() for each in family}
    for victim in victims.split():
        with contextlib.suppress(ProcessLookupError):  # the one before took it along already
            os.kill({"server": server, "inner": inner, "outer": outer, "stage": stage.pid}[victim], signal.SIGKILL)
    if "stage" not in victims:
        # As soon as it asks and nobody answers, a stage ends.
        (served,) = (each for each in family if each.pid == server)
        wait_until(lambda: not lives(served))
        stage.terminate()
    stage.wait(GONE_WITHIN_S)
    if victims == "stage inner outer":  # nobody is left who could look after the stub but the next stage
        remove_leftovers(Path(os.environ["TMPDIR"]))
    assert wait_until(lambda: not any(map(lives, family))), [each for each in family if lives(each)]


def lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def test_an_ensemble_names_the_likeliest_classes_of_every_example(model_folder: Folder) -> None:
    """In batches of 1, 3 and 8, over both protocols, the best three of ten; another list of names is found out."""
    classes = tuple(f"class {letter}" for letter in "äbcdefghij")
    folder = model_folder("classifier-fp32", taking_bytes(linear_model()), max_batch_size=8)
    label, ensemble = write_ensemble(folder, classes, top_k=3)
    examples = np.random.default_rng(0).integers(0, 256, (9, 28, 28, 1), np.uint8)
    with serve([folder, label, ensemble], timeout_s=60) as server:
        check_effective_config(server, ensemble)
        check_labels(server, ensemble, folder, classes, {"image": examples})
        said = server.infer("labelled-fp32", {"image": examples[:2]}, ["index"], "grpc")["index"]
        assert said.shape == (2, 3)
        with pytest.raises(StageError, match="labelled-fp32 names other classes in a batch of 1 over http"):
            check_labels(server, ensemble, folder, classes[::-1], {"image": examples})
