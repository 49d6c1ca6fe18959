"""An installed tritonserver, as inside NVIDIA's container: `triton.local` in params.yaml."""

import dataclasses
import os
from functools import partial
from pathlib import Path

from assay.ground.process import StageError
from assay.serving.backend import its_backend
from assay.serving.installation import PYTHON, PythonBackend, find_installation, find_python_backend
from assay.serving.launch import Launch, Place
from assay.serving.tritonserver import check_folder, server_command, with_our_backend

_STUB = "triton_python_backend_stub"


def python_backend(folder: Path) -> PythonBackend:
    """Return the Python backend of an installation, with a stub for this interpreter's version.

    Raises StageError if there is none: the stub brings its own Python, and the packages that
    models import are installed for this one.
    """
    stubs = [folder / "python_backend_stubs" / PYTHON / _STUB, folder / "backends" / "python" / _STUB]
    for stub in stubs:
        if stub.is_file() and f"libpython{PYTHON}.so".encode() in stub.read_bytes():
            return dataclasses.replace(find_python_backend(), folder=folder / "backends" / "python", stub=stub)
    raise StageError(
        f"{folder} has no Python backend for Python {PYTHON}, which the step that names classes needs; "
        "set labels.top_k in params.yaml to null, or point triton.local.folder at an installation that has one"
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


def launch(folder: Path, place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to start an installation's server: with its own ONNX Runtime backend, or else with ours.

    Raises StageError if `folder` holds no server.
    """
    installation = dataclasses.replace(find_installation(), server=program(folder), libraries=folder / "lib")
    if its_backend(folder):
        check_folder(place)
        command = server_command(installation.server, place, folder / "backends", cores)
        started = Launch(command, installation.server_environment())
    else:
        started = with_our_backend(installation, place, cores, partial(python_backend, folder))
    # What an installation needs beside its own libraries is its owner's to say.
    if beside := os.environ.get("LD_LIBRARY_PATH"):
        started.environment["LD_LIBRARY_PATH"] += f":{beside}"
    return started
