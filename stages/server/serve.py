"""Serve models on the server that params.yaml asks for: four ways, one `with` block."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from parameters.triton import Triton
from server import docker, embedded, local, url
from server.client import Server


def serve(models: Sequence[Path], triton: Triton, cores: tuple[int, ...] = ()) -> AbstractContextManager[Server]:
    """Return a context in which the given model folders are served, on some of this machine's cores or on any."""
    match triton.server:
        case "embedded":
            return embedded.serve(models, triton.start_timeout_s, cores)
        case "local":
            return local.serve(models, Path(triton.local.folder), triton.start_timeout_s, cores)
        case "docker":
            return docker.serve(models, triton.docker.image, triton.start_timeout_s, cores)
        case "url":
            return url.serve(models, triton.url.http, triton.url.grpc)


def identity(triton: Triton) -> dict[str, Any]:
    """Return what tells this server from another of its kind: timings of one are not those of the other.

    Raises StageError if there is no such server.
    """
    match triton.server:
        case "embedded":
            return {}  # its version is among the packages
        case "local":
            program = local.program(Path(triton.local.folder))
            return {"tritonserver": hashlib.sha256(program.read_bytes()).hexdigest()}
        case "docker":
            return {"image": docker.image_id(triton.docker.image)}
        case "url":
            with url.connected(triton.url.http, triton.url.grpc) as server:
                return {"address": triton.url.http, "version": server.version()}
