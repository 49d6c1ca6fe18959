"""The sections of params.yaml about the server: which one, how long it may take, and whether it names classes."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from assay.params.section import Section

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:]+\])"
_IMAGE = r"[a-z0-9][a-z0-9./:_-]*?(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
LARGEST_PORT = 65535
# What config.pbtxt calls the ONNX Runtime backend, ours and NVIDIA's.
BACKEND = "onnxruntime"


def address(value: str) -> str:
    """Return an address of a server as it is; raises ValueError unless it is host:port."""
    if not re.fullmatch(rf"{_HOST}:[1-9][0-9]{{0,4}}", value) or int(value.rpartition(":")[2]) > LARGEST_PORT:
        raise ValueError("write host:port, without http:// or a user, as in 127.0.0.1:8000")
    return value


def _image(value: str) -> str:
    if not re.fullmatch(_IMAGE, value):
        raise ValueError("write an image's name, as in nvcr.io/nvidia/tritonserver:24.10-py3")
    return value


def _absolute(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise ValueError("write an absolute path, as in /opt/tritonserver")
    return value


Kind = Literal["embedded", "local", "docker", "url"]
Address = Annotated[str, AfterValidator(address)]


class Local(Section):
    """triton.local: an installed server, a folder with `bin/tritonserver` and `backends/` in it."""

    folder: Annotated[str, AfterValidator(_absolute)] = "/opt/tritonserver"


class Docker(Section):
    """triton.docker: a container image with `tritonserver` in it."""

    image: Annotated[str, AfterValidator(_image)] = "nvcr.io/nvidia/tritonserver:24.10-py3"


class Url(Section):
    """triton.url: a server that runs already, and the cores that it computes with, None for as many as are here."""

    http: Address = "127.0.0.1:8000"
    grpc: Address = "127.0.0.1:8001"
    cores: Annotated[int, Field(ge=1, le=1024)] | None = None


class Labels(Section):
    """labels: how many of the likeliest classes an ensemble names; None for no ensemble."""

    top_k: Annotated[int, Field(ge=1)] | None = None


class Timeouts(Section):
    """timeouts: how long a server may take, which changes no result."""

    start_s: Annotated[int, Field(ge=1, le=3600)] = 60
    request_s: Annotated[int, Field(ge=1, le=3600)] = 10


class Triton(Section):
    """triton: which server answers."""

    server: Kind = "embedded"
    local: Local = Local()
    docker: Docker = Docker()
    url: Url = Url()

    @property
    def counts_cost(self) -> bool:
        """Whether the server's processes are on this machine and ours to look at."""
        return self.server in ("embedded", "local")

    @property
    def repetition(self) -> str:
        """What a run-off is repeated over: starts, or visits to a server of someone else, which is not restarted."""
        return "server visit" if self.server == "url" else "server start"
