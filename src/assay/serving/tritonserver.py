"""How a tritonserver program is started: with which options, and with our ONNX Runtime backend."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from assay.ground.process import StageError
from assay.machine.cores import on_cores
from assay.params.triton import BACKEND
from assay.serving.backend import find_or_build
from assay.serving.installation import Installation, PythonBackend, find_python_backend
from assay.serving.launch import HOST, Launch, Place
from assay.serving.model_config import PYTHON_BACKEND, read_config


def server_command(server: Path, place: Place, backends: Path, cores: tuple[int, ...]) -> list[str]:
    """Return tritonserver's command line: the place's models and no others, over HTTP and gRPC on loopback.

    Nobody may load a model into it: a model can be a program, and would run as whoever started the server.
    """
    return [
        *on_cores(cores),
        str(server),
        f"--model-repository={place.folder / 'models'}",
        f"--backend-directory={backends}",
        f"--id={place.prefix}",
        "--model-control-mode=none",
        f"--http-address={HOST}",
        f"--http-port={place.http_port}",
        f"--grpc-address={HOST}",
        f"--grpc-port={place.grpc_port}",
        "--allow-metrics=false",
        # Our config says all, and completing it would start Python once more for each model that is Python.
        *([] if place.completes else ["--disable-auto-complete-config"]),
        f"--backend-config=python,shm-region-prefix-name={place.prefix}",
    ]


def needs_python(place: Place) -> bool:
    """Return whether one of the place's models is a program in Python."""
    configs = [read_config(place.folder / "models" / name / "config.pbtxt") for name in place.models]
    return any(config.backend == PYTHON_BACKEND for config in configs)


def check_folder(place: Place) -> None:
    """Raise StageError if Triton could not start a program in Python from the place's folder, and should."""
    if (found := re.search(r"[^\w@%+=:,./-]", str(place.folder))) and needs_python(place):
        raise StageError(
            "Triton starts models in Python, as the one that names classes, through a shell, which stumbles over "
            f"{found[0]!r} in the temporary folder {place.folder.parent}: set TMPDIR to another"
        )


def with_our_backend(
    installation: Installation,
    place: Place,
    cores: tuple[int, ...],
    python_backend: Callable[[], PythonBackend] = find_python_backend,
) -> Launch:
    """Return how to start an installation's server with our ONNX Runtime backend.

    It gets a Python backend too, but only where one of its models needs that. Raises StageError
    if a backend cannot be had.
    """
    if os.statvfs(place.folder).f_flag & os.ST_NOEXEC:
        raise StageError(
            f"the server loads its backend from the temporary folder {place.folder.parent}, whose file system lets "
            "nothing be run (noexec): set TMPDIR to another"
        )
    check_folder(place)
    backend, backends = find_or_build(), place.folder / "backends"
    shutil.copytree(backend.folder, backends / BACKEND)
    environment = installation.server_environment()
    if needs_python(place):
        python = python_backend()
        python.write(backends)
        environment |= python.server_environment(environment["LD_LIBRARY_PATH"])
    return Launch([*server_command(installation.server, place, backends, cores), *backend.settings], environment)
