"""An installed tritonserver, as inside NVIDIA's container: `triton.local` in params.yaml."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime.process import StageError
from server.client import Server
from server.embedded import server_command, with_our_backend
from server.installation import PYTHON, find_installation
from server.launch import Launch, Place, launched
from server.model_config import BACKEND

_STUB = "triton_python_backend_stub"


def serving_stub(folder: Path) -> Path:
    """Return the Python backend's stub, for this interpreter's version, of an installation.

    Raises StageError if there is none: the stub brings its own Python, and ONNX Runtime is
    installed for this one.
    """
    stubs = [folder / "python_backend_stubs" / PYTHON / _STUB, folder / "backends" / "python" / _STUB]
    for stub in stubs:
        if stub.is_file() and f"libpython{PYTHON}.so".encode() in stub.read_bytes():
            return stub
    raise StageError(
        f"{folder} has neither the ONNX Runtime backend (backends/{BACKEND}) nor a Python backend for "
        f"Python {PYTHON}; point triton.local.folder in params.yaml at an installation that has one of them"
    )


def program(folder: Path) -> Path:
    """Return an installation's server; raises StageError if it is not there."""
    path = folder / "bin" / "tritonserver"
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise StageError(
            f"{path} is missing, or nothing that can be run; "
            "name the folder of an installed Triton server in triton.local.folder in params.yaml"
        )
    return path


def native_backend(folder: Path) -> Path | None:
    """Return the library of an installation's own ONNX Runtime backend, None if it has none."""
    library = folder / "backends" / BACKEND / f"libtriton_{BACKEND}.so"
    return library if library.is_file() else None


def launch(folder: Path, place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to start an installation's server: with its own ONNX Runtime backend, or else with ours.

    Raises StageError if `folder` holds no server.
    """
    server, backends = program(folder), folder / "backends"
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    if native_backend(folder):
        environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": f"{folder / 'lib'}:{inherited}"}
        return Launch(server_command(server, place, backends, cores), environment)
    installation = dataclasses.replace(
        find_installation(),
        server=server,
        python_backend=backends / "python",
        stub=serving_stub(folder),
        libraries=folder / "lib",
    )
    ours = with_our_backend(installation, place, cores)
    ours.environment["LD_LIBRARY_PATH"] += f":{inherited}"
    return ours


@contextmanager
def serve(models: Sequence[Path], folder: Path, timeout_s: float, cores: tuple[int, ...] = ()) -> Iterator[Server]:
    """Serve copies of the model folders inside the block; see `launch.launched`."""
    with launched(lambda place: launch(folder, place, cores), models, timeout_s) as server:
        yield server
