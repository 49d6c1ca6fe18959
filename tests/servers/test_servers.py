"""The other ways to a server: an installed one, a container, one that runs already."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import ROOT, FinishedRun, linear_model, ran, run, write_ensemble

from assay.ground.files import read_json
from assay.ground.paths import ANCHOR
from assay.ground.process import StageError
from assay.measuring.journal import digest
from assay.params.triton import Timeouts, Triton
from assay.servers import docker, embedded, identity, local, serve, url
from assay.serving.answers import check_answers, check_effective_config, check_labels
from assay.serving.backend import find_or_build
from assay.serving.client import Server
from assay.serving.installation import PYTHON, find_installation, find_python_backend
from assay.serving.launch import HOST, Launch, Place, free_ports, launched
from assay.serving.tritonserver import with_our_backend
from assay.validation.schema import validate

EXAMPLES = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
IMAGE = "nvcr.io/nvidia/tritonserver:24.10-py3"
UNREACHABLE = "some/unreachable"
Folder = Callable[..., Path]
CELL = "fp32-1-64-off"
slow = pytest.mark.slow


def triton(content: dict[str, Any], **changes: Any) -> Triton:
    content["triton"] |= changes
    return validate(content).triton


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place for a server of two models."""
    (tmp_path / "run").mkdir()
    return Place(tmp_path / "run", ("anchor", "cell"), 4000, 4001, "triton_pipeline_1_ab_")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installation as a folder of its own, laid out from the wheel."""
    wheel = find_installation()
    folder = tmp_path / "opt" / "tritonserver"
    (folder / "bin").mkdir(parents=True)
    shutil.copy2(wheel.server, folder / "bin" / "tritonserver")
    find_python_backend().write(folder / "backends")
    (folder / "lib").symlink_to(wheel.libraries)
    return folder


def executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)


# What `docker` does for us, done by the wheel's server: it must understand the very options we give.
STAND_IN_FOR_DOCKER = f"""
import os, signal, subprocess, sys
from pathlib import Path

notes = Path(__file__).parent
os.chdir({str(ROOT)!r})
with (notes / "commands").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
match sys.argv[1:]:
    case ["image", "inspect", "--format", "{{{{.Id}}}}", image]:
        if image == {UNREACHABLE!r}:
            sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?")
        if image != {IMAGE!r}:
            sys.exit(f"Error: No such image: {{image}}")
        print("sha256:" + 16 * "0123")
    case ["rm", "--force", name]:
        os.killpg(int((notes / name).read_text()), signal.SIGKILL)
        for left in Path("/dev/shm").glob(f"{{name}}*"):
            left.unlink()
        if (notes / "refuses").exists():
            sys.exit((notes / "refuses").read_text())
    case ["run", "--rm", name, http, grpc, volume, image, program, *flags]:
        import shutil
        from assay.serving.backend import find_or_build
        from assay.serving.installation import find_installation
        found, backend = find_installation(), find_or_build()
        backends = Path(volume.removeprefix("--volume=").split(":")[0]).parent / "backends"
        shutil.copytree(backend.folder, backends / "onnxruntime")
        ports = [each.removeprefix("--publish=").split(":")[1] for each in (http, grpc)]
        moved = [
            *(flag for flag in flags if not flag.startswith(("--model-repository", "--http-port", "--grpc-port"))),
            f"--model-repository={{backends.parent / 'models'}}", f"--backend-directory={{backends}}",
            f"--http-port={{ports[0]}}", f"--grpc-port={{ports[1]}}",
            "--http-address=127.0.0.1", "--grpc-address=127.0.0.1",
            *backend.settings,
        ]
        # The daemon's child, not the client's: killing the client leaves it.
        server = subprocess.Popen([found.server, *moved], env=found.server_environment(), start_new_session=True)
        (notes / name.removeprefix("--name=")).write_text(str(server.pid))
        sys.exit(server.wait())
"""


@pytest.fixture
def docker_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Put a stand-in for docker first on the path; return what it was asked for."""
    executable(tmp_path / "bin" / "docker", STAND_IN_FOR_DOCKER)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return lambda: (tmp_path / "bin" / "commands").read_text().splitlines()


@contextmanager
def with_control(models: list[Path]) -> Iterator[Server]:
    """Run a server, as somebody else may have started it, that loads what it is told to."""

    def prepare(where: Place) -> Launch:
        launch = with_our_backend(find_installation(), where, ())
        flags = [word for word in launch.command if not word.startswith("--model-control-mode")]
        return Launch([*flags, "--model-control-mode=explicit", "--load-model=*"], launch.environment)

    before = set(Path("/tmp").glob("folder??????"))  # noqa: S108  where Triton, whatever TMPDIR is, keeps what it is sent
    with launched(prepare, models, 60) as server:
        yield server
    for left in set(Path("/tmp").glob("folder??????")) - before:  # noqa: S108
        shutil.rmtree(left)


def on_installation(folder: Path, models: list[Path]) -> AbstractContextManager[Server]:
    return launched(partial(local.launch, folder, cores=()), models, 60)


def test_an_installation_serves_with_its_own_backend(
    installed: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A native ONNX Runtime backend is used where it stands; nothing of ours is put before it."""
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    native = installed / "backends" / "onnxruntime" / "libtriton_onnxruntime.so"
    native.parent.mkdir()
    native.touch()
    launch = local.launch(installed, place, ())
    assert launch.command[:3] == [
        f"{installed}/bin/tritonserver",
        f"--model-repository={place.folder}/models",
        f"--backend-directory={installed}/backends",
    ]
    assert launch.environment["LD_LIBRARY_PATH"] == f"{installed}/lib"
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/its/owner")
    assert local.launch(installed, place, ()).environment["LD_LIBRARY_PATH"] == f"{installed}/lib:/of/its/owner"
    assert not (place.folder / "backends").exists()


@slow
def test_an_installation_without_one_serves_with_ours(installed: Path, model_folder: Folder) -> None:
    """A server that has no backend at all answers through ours, and names classes through its own Python backend."""
    folder = model_folder("classifier-fp32", instances=2)
    digits = tuple("0123456789")
    label, ensemble = write_ensemble(folder, digits, top_k=1)
    with on_installation(installed, [folder, label, ensemble]) as server:
        assert server.pid is not None
        check_effective_config(server, folder)
        check_answers(server, folder, {"image": EXAMPLES})
        check_labels(server, ensemble, folder, digits, {"image": EXAMPLES})
    shutil.rmtree(installed / "backends")
    with on_installation(installed, [folder]) as server:
        check_answers(server, folder, {"image": EXAMPLES})


@slow
def test_a_stub_for_another_python_is_refused(installed: Path, model_folder: Folder) -> None:
    """A step in Python on an installation for another one is named before it starts, with the parameter to change."""
    (installed / "backends" / "python" / "triton_python_backend_stub").write_bytes(b"... libpython3.10.so.1.0 ...")
    label, _ = write_ensemble(model_folder("classifier-fp32"), tuple("0123456789"), top_k=1)
    with (
        pytest.raises(StageError, match=rf"no Python backend for Python {PYTHON}, which .*set labels\.top_k"),
        on_installation(installed, [label]),
    ):
        pass


@pytest.mark.parametrize("server", ["embedded", "local"])
def test_a_temporary_folder_that_a_shell_reads_otherwise_is_refused(
    server: str, installed: Path, content: dict[str, Any], model_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triton starts Python through a shell: with a space in the folder's name it would wait until its time is over."""
    label, _ = write_ensemble(model_folder("classifier-fp32"), tuple("0123456789"), top_k=1)
    folder = installed.parent / "a b"
    folder.mkdir()
    (installed / "backends" / "onnxruntime").mkdir()
    (installed / "backends" / "onnxruntime" / "libtriton_onnxruntime.so").write_bytes(b"its own")
    asked = triton(content, server=server, local={"folder": str(installed)})
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with (
        pytest.raises(StageError, match=r"which stumbles over ' ' in the temporary folder .*a b: set TMPDIR"),
        serve([label], asked, Timeouts()),
    ):
        pass


def test_a_folder_without_a_server_is_named(tmp_path: Path, content: dict[str, Any]) -> None:
    """The error says which file is missing and which parameter to correct."""
    asked = triton(content, server="local", local={"folder": str(tmp_path)})
    with pytest.raises(StageError, match=r"bin/tritonserver is missing, or .* triton\.local\.folder in params\.yaml"):
        identity(asked, Timeouts())
    with pytest.raises(StageError, match="bin/tritonserver is missing"), serve([], asked, Timeouts()):
        pass


def test_an_installation_is_told_by_its_backend_too(installed: Path, content: dict[str, Any]) -> None:
    """One that gets a native backend is another server: timings with ours are not its."""
    asked = triton(content, server="local", local={"folder": str(installed)})
    before = identity(asked, Timeouts())
    native = installed / "backends" / "onnxruntime" / "libtriton_onnxruntime.so"
    native.parent.mkdir()
    native.write_bytes(b"native")
    assert before == {"tritonserver": before["tritonserver"], **find_or_build().identity}
    assert identity(asked, Timeouts()) == {
        "tritonserver": before["tritonserver"],
        "backend": hashlib.sha256(b"native").hexdigest(),
    }


def test_a_server_that_cannot_be_run_says_why(installed: Path, model_folder: Folder) -> None:
    """A file for another kind of machine ends the start at once, with the system's words."""
    (installed / "bin" / "tritonserver").write_bytes(b"not for this machine")
    with (
        pytest.raises(StageError, match=r"the Triton server cannot be run: .*Exec format error"),
        on_installation(installed, [model_folder()]),
    ):
        pass


def test_a_web_server_is_not_taken_for_triton(content: dict[str, Any]) -> None:
    """Something that answers every address with a page of its own is nobody who answers."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Page) as web:
        thread = threading.Thread(target=web.serve_forever, args=[0.01])
        thread.start()
        http = f"{HOST}:{web.server_address[1]}"
        try:
            with pytest.raises(StageError, match="no Triton server answers over gRPC at"):
                identity(triton(content, server="url", url={"http": http, "grpc": http, "cores": None}), Timeouts())
        finally:
            web.shutdown()
            thread.join()


def test_the_container_is_run_to_the_letter(place: Place) -> None:
    """Loopback ports alone, models read only, gone when it ends, and the flags of every other server."""
    assert " ".join(docker.docker_command(IMAGE, place, (0, 1))) == (
        "docker run --rm --name=triton_pipeline_1_ab_server --publish=127.0.0.1:4000:8000 "
        f"--publish=127.0.0.1:4001:8001 --volume={place.folder}/models:/models:ro --cpuset-cpus=0,1 "
        f"{IMAGE} tritonserver --model-repository=/models --id=triton_pipeline_1_ab_ --model-control-mode=none "
        "--http-port=8000 --grpc-port=8001 "
        "--allow-metrics=false --disable-auto-complete-config"
    )


@slow
def test_a_container_serves_and_is_gone_afterwards(
    docker_commands: Callable[[], list[str]], model_folder: Folder, content: dict[str, Any]
) -> None:
    """Models in a container answer; killing docker's client is not the end of it, `docker rm --force` is."""
    folder = model_folder()
    with serve([folder], triton(content, server="docker"), Timeouts()) as server:
        assert server.pid is None
        check_answers(server, folder, {"image": EXAMPLES})
    asked = docker_commands()
    assert [line.split()[0] for line in asked] == ["image", "run", "rm"]
    assert not Server(server.http_address, server.grpc_address, pid=None).is_ready()


@slow
@pytest.mark.usefixtures("docker_commands")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Cannot connect to the Docker daemon", True),
        ("Error response from daemon: No such container: x", False),
        ("Error response from daemon: removal of container x is already in progress", False),
    ],
)
def test_a_container_that_is_not_removed_is_named(
    tmp_path: Path,
    model_folder: Folder,
    content: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    *,
    said: str,
    told: bool,
) -> None:
    """Where docker removes nothing at the end, what may still run is named, with the command that ends it."""
    (tmp_path / "bin" / "refuses").write_text(said)
    with serve([model_folder()], triton(content, server="docker"), Timeouts()) as server:
        name = f"{server.identifier}server"
    sentence = f"the container {name} may still run: `docker rm --force {name}` said {said!r}; run that again\n"
    assert capfd.readouterr().err == (sentence if told else "")


def test_an_image_that_is_not_here_is_named(
    docker_commands: Callable[[], list[str]], model_folder: Folder, content: dict[str, Any]
) -> None:
    """Nothing is fetched unasked: the error has the command that does."""
    asked = triton(content, server="docker", docker={"image": "some/image:1"})
    with pytest.raises(StageError, match=r"no image some/image:1: .*; `docker pull some/image:1` fetches it"):
        identity(asked, Timeouts())
    with pytest.raises(StageError, match="docker has no image"), serve([model_folder()], asked, Timeouts()):
        pass
    assert not any(line.startswith("run") for line in docker_commands())


def test_a_docker_that_cannot_be_asked_lacks_no_image(
    docker_commands: Callable[[], list[str]], content: dict[str, Any]
) -> None:
    """Without its daemon, or the right to reach that, nothing can be fetched either: its own words are told."""
    said = r"docker cannot be asked for the image some/unreachable: Cannot connect to the .*; start its daemon, or let"
    with pytest.raises(StageError, match=said):
        identity(triton(content, server="docker", docker={"image": UNREACHABLE}), Timeouts())
    assert docker_commands() == [f"image inspect --format {{{{.Id}}}} {UNREACHABLE}"]


def test_no_docker_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, Any]) -> None:
    """Without the program, the error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StageError, match=r"^docker is not installed; install docker, or set triton\.server in"):
        identity(triton(content, server="docker"), Timeouts())


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.touch(0o644), "Permission denied"),
        (lambda path: path.touch(0o755), "Exec format error"),
        (lambda path: (path.touch(0o755), path.write_text("#!/no/such/shell\n")), "No such file or directory"),
    ],
)
def test_a_docker_that_is_no_program_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, Any], make: Callable[[Path], object], why: str
) -> None:
    """Where it lies, and what is wrong with it: nobody is told to make it readable, or to install what is there."""
    make(tmp_path / "docker")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        StageError,
        match=f"^{tmp_path}/docker cannot be run as a program: {why}; install docker, or set triton.server in",
    ):
        identity(triton(content, server="docker"), Timeouts())


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            r"printf 'Fehler: \374bel\n' >&2; exit 1",
            "docker cannot be asked for the image .*: Fehler: \ufffdbel; start",
        ),
        (r"printf '\033[31m%01000d' 0 >&2; exit 1", r"docker cannot be asked for .*: \\x1b\[31m0+…; start"),
        ("exit 0", "docker does not say which image .* is: `docker image inspect .*` printed '', and no identity"),
        ("echo sha256:; echo", "printed 'sha256:', and no identity"),
        ("head -c 9999 /dev/zero | tr '\\0' a", "printed 'a+…, and no identity"),
        (r"printf '\374'", "printed '\ufffd', and no identity"),
    ],
)
def test_whatever_docker_says_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, Any], script: str, sentence: str
) -> None:
    """Bytes in any encoding, colours, pages, or nothing where the identity belongs that timings rest on."""
    executable(tmp_path / "docker", "")
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StageError, match=sentence) as raised:
        identity(triton(content, server="docker"), Timeouts())
    assert len(str(raised.value)) < 800
    assert str(raised.value).isprintable()


@slow
def test_a_running_server_is_left_as_it_was(model_folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """What it lacks is loaded from here and unloaded again; what it has stays, and that is said."""
    had, brought = model_folder("had"), model_folder("brought", instances=2, max_batch_size=8)
    with with_control([had]) as running:
        with url.serve([had, brought], running.http_address, running.grpc_address, 60) as server:
            assert server.pid is None
            for folder in (had, brought):
                check_effective_config(server, folder)
                check_answers(server, folder, {"image": EXAMPLES})
        assert running.has_model("had")
        assert not running.has_model("brought")
    printed = f"the server at http://{running.http_address} has had: taken as served there, and not unloaded\n"
    assert capsys.readouterr() == (printed, "")


@slow
@pytest.mark.parametrize("measured", [True, False])
def test_what_a_server_that_hangs_keeps_is_named(
    model_folder: Folder, capsys: pytest.CaptureFixture[str], *, measured: bool
) -> None:
    """Measured or failed, soon, with the remedy: the next run would take them for the server's own."""
    brought = [model_folder("one"), model_folder("two")]
    with with_control([model_folder("had")]) as running:
        assert running.pid
        with (
            contextlib.nullcontext()
            if measured
            else pytest.raises(StageError, match=r"^the server at .* no longer answers: it failed$"),
            url.serve(brought, running.http_address, running.grpc_address, 60, request_timeout_s=1),
        ):
            os.kill(running.pid, signal.SIGSTOP)
            began = time.monotonic()
            if not measured:
                raise StageError("it failed")
        assert time.monotonic() - began < 3
        os.kill(running.pid, signal.SIGCONT)
        unload = f"curl --request POST http://{running.http_address}/v2/repository/models"
    assert capsys.readouterr().err == (
        "the Triton server did not unload two: it had 1 s; if it only takes longer, raise timeouts.request_s in "
        "params.yaml; what was loaded from here may be left in that server, and the next run takes it for the server's "
        f"own: unload it with `{unload}/two/unload`, `{unload}/one/unload`, or restart that server\n"
    )


@slow
def test_what_a_killed_run_left_is_refused_with_the_command_that_unloads_it(model_folder: Folder) -> None:
    """The model of an earlier training: the next run does not know who loaded it, and says what it may be."""
    folder = model_folder("cell")
    with with_control([model_folder("had")]) as running:
        running.load(folder, 60)
        onnx.save(linear_model(scale=0.2), folder / "1" / "model.onnx")
        addresses = running.http_address, running.grpc_address
        with (
            pytest.raises(StageError, match=r"differ from ONNX Runtime's .*left by a run that was killed: ") as raised,
            url.serve([folder], *addresses, 60) as server,
        ):
            check_answers(server, folder, {"image": EXAMPLES})
        assert running.has_model("cell")
        command = r"unload it with `curl --request POST http://([^/]*)([^`]*)`, restart that server, or put this cell"
        ((address, path),) = re.findall(command, str(raised.value))
        with contextlib.closing(HTTPConnection(address)) as connection:
            connection.request("POST", path)
            assert connection.getresponse().status == 200
        assert not running.has_model("cell")
        with url.serve([folder], *addresses, 60) as server:
            check_answers(server, folder, {"image": EXAMPLES})
        assert not running.has_model("cell")


@slow
def test_a_model_that_does_not_load_has_one_cause(model_folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that loads models, and refuses this one, need not be started otherwise; nothing is left there."""
    broken = model_folder("broken")
    (broken / "1" / "model.onnx").write_bytes(b"none")
    with (
        with_control([model_folder("had")]) as running,
        pytest.raises(StageError, match=r"did not load broken: .*failed") as raised,
        url.serve([broken], running.http_address, running.grpc_address, 60),
    ):
        pass
    assert "model-control-mode" not in str(raised.value)
    assert capsys.readouterr().err == ""


@slow
def test_a_server_that_loads_nothing_is_measured_as_it_is(
    model_folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without model control, models that it has are served, and one that it lacks is named with the remedy."""
    had, lacked = model_folder("had"), model_folder("lacked")
    with embedded.serve([had], 60) as running:
        addresses = running.http_address, running.grpc_address
        with url.serve([had], *addresses, timeout_s=60) as server:
            check_answers(server, had, {"image": EXAMPLES})
        with (
            pytest.raises(
                StageError,
                match=r"did not load lacked: .*or put lacked into its repository$",
            ),
            url.serve([lacked], *addresses, timeout_s=60),
        ):
            pass
        assert running.has_model("had")
    assert capsys.readouterr().err == ""


@slow
def test_a_running_server_with_another_model_of_that_name_is_refused(model_folder: Folder) -> None:
    """Neither another configuration nor other weights under our name pass for ours."""
    folder = model_folder("cell", instances=2)
    with (
        embedded.serve([folder], 60) as running,
        url.serve([folder], running.http_address, running.grpc_address, 60) as its,
    ):
        shutil.rmtree(folder.parent)
        check_effective_config(its, model_folder("cell", instances=2))
        (folder / "1" / "model.onnx").write_bytes(linear_model(scale=0.2).SerializeToString())
        with pytest.raises(StageError, match="that differ from ONNX Runtime's"):
            check_answers(its, folder, {"image": EXAMPLES})
        shutil.rmtree(folder.parent)
        with pytest.raises(StageError, match=r"instance_group: config\.pbtxt says"):
            check_effective_config(its, model_folder("cell", instances=1))


@slow
def test_a_server_that_disappears_is_the_error(model_folder: Folder) -> None:
    """Halfway through, the next question says that it no longer answers, and which; nothing hangs."""
    folder = model_folder()
    with embedded.serve([folder], 60) as running:
        assert running.pid is not None
        said = f"the server at http://{running.http_address} no longer answers: .* give statistics of linear"
        pid, serving = running.pid, url.serve([folder], running.http_address, running.grpc_address, 60)

        def measure() -> None:
            with serving as its:
                os.kill(pid, signal.SIGKILL)
                its.statistics("linear")

        with pytest.raises(StageError, match=said):
            measure()


def test_an_address_where_nobody_answers_is_named(content: dict[str, Any]) -> None:
    """The error has the address and the parameter."""
    http, grpc = (f"{HOST}:{port}" for port in free_ports(2))
    asked = triton(content, server="url", url={"http": http, "grpc": grpc, "cores": None})
    with pytest.raises(StageError, match=rf"no Triton server answers at http://{http}, which triton\.url"):
        identity(asked, Timeouts())


@slow
def test_a_server_that_does_not_answer_over_grpc_is_named(model_folder: Folder, content: dict[str, Any]) -> None:
    """HTTP alone is not enough, and the server need not be started in another mode for that."""
    (grpc,) = (f"{HOST}:{port}" for port in free_ports(1))
    with embedded.serve([model_folder()], 60) as running:
        for wrong in (grpc, running.http_address):
            url_ = {"http": running.http_address, "grpc": wrong, "cores": None}
            with pytest.raises(StageError, match=rf"answers over gRPC at {wrong}, which triton\.url\.grpc"):
                identity(triton(content, server="url", url=url_), Timeouts())


@slow
def test_an_ensemble_is_sent_along_with_its_steps(model_folder: Folder) -> None:
    """Triton complains that its steps are in no repository, but serves it; all three are gone afterwards."""
    folder = model_folder("classifier-fp32", max_batch_size=8)
    digits = tuple("0123456789")
    label, ensemble = write_ensemble(folder, digits, top_k=1)
    with with_control([model_folder("had"), label]) as running:
        running.unload("label")
        with url.serve([folder, label, ensemble], running.http_address, running.grpc_address, 60) as server:
            check_labels(server, ensemble, folder, digits, {"image": EXAMPLES})
        assert not any(running.has_model(each.name) for each in (folder, label, ensemble))


@slow
def test_an_address_of_another_protocol_is_named(model_folder: Folder, content: dict[str, Any]) -> None:
    """The port for gRPC in place of HTTP's is nobody who answers, and no traceback."""
    with embedded.serve([model_folder()], 60) as running:
        addresses = {"http": running.grpc_address, "grpc": running.grpc_address, "cores": None}
        asked = triton(content, server="url", url=addresses)
        with pytest.raises(StageError, match=r"no Triton server answers at http://"):
            identity(asked, Timeouts())


@slow
def test_one_repository_is_measured_through_three_servers(
    finished_run: FinishedRun, installed: Path, tmp_path: Path
) -> None:
    """Embedded, local and url take the same commands; the report names who measured the same."""
    clone = finished_run.copy(tmp_path / "clone")
    repository = digest([clone / "artifacts" / "model_repository"], "")

    def measured(*settings: str) -> str:
        wanted = [word for setting in settings for word in ("-S", setting)]
        assert f"perf@{CELL}" in ran(run("dvc", "exp", "run", *wanted, cwd=clone).stdout)
        assert digest([clone / "artifacts" / "model_repository"], "") == repository
        return (clone / "reports" / "report.md").read_text()

    assert "On this machine the" not in (clone / "reports" / "report.md").read_text()
    said = measured("triton.server=local", f"triton.local.folder={installed}")
    assert "On this machine the embedded server measured the same configuration" in said
    with with_control([ANCHOR]) as running:
        addresses = [f"triton.url.http={running.http_address}", f"triton.url.grpc={running.grpc_address}"]
        said = measured("triton.server=url", *addresses)
        assert running.has_model("anchor")
        assert not running.has_model(CELL)
    assert said.count("measured the same configuration") == 2
    cell = read_json(clone / "reports" / "perf" / "all" / f"{CELL}.json")
    assert cell["server"]["kind"] == "url"
    assert cell["levels"][0]["rounds"][0]["windows"]["candidate"]["cpu_seconds"]["server"] is None
    assert sorted(path.stem for path in (clone / "reports" / "verdicts").iterdir()) == ["embedded", "local", "url"]
