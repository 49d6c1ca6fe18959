"""NVIDIA's container, or another with a tritonserver: `triton.docker` in params.yaml.

What the container costs is not counted: its processes are the Docker daemon's.
"""

import os
import re
import subprocess

from assay.ground.process import StageError
from assay.ground.programs import not_started
from assay.ground.quoting import cut, printable, quoted
from assay.serving.launch import HOST, Farewell, Launch, Place

_HTTP, _GRPC = 8000, 8001
_PATIENCE_S = 30
# As Docker says it, and Podman in its place.
_NO_IMAGE = ("no such image", "no such object", "image not known")
# It goes by itself where its server ends, a moment before or after it is told to.
_NO_CONTAINER = ("no such container", "no container with", "is already in progress")
# Podman's begins with the digits.
_ID = re.compile(r"(sha256:)?[0-9a-f]{64}")
_OTHERWISE = "or set triton.server in params.yaml otherwise"
_LONGEST_WORDS = 300
# How the client finds the daemon; nothing else of the environment is its business.
_VARIABLES = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def image_id(image: str) -> str:
    """Return the identity of an image that is here.

    Raises StageError if it is not, or if Docker does not answer, or not with an identity.
    """
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    try:
        finished = subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=_PATIENCE_S
        )
    except OSError as error:
        raise StageError(not_started("docker", error, f"install docker, {_OTHERWISE}")) from None
    except subprocess.TimeoutExpired:
        raise StageError(f"docker did not answer within {_PATIENCE_S} s; is its daemon well?") from None
    if finished.returncode != 0:
        (last, *_) = [*reversed(finished.stderr.strip().splitlines()), "it said nothing"]
        said = cut(printable(last), _LONGEST_WORDS)
        if any(text in said.lower() for text in _NO_IMAGE):
            raise StageError(f"docker has no image {image}: {said}; `docker pull {image}` fetches it")
        raise StageError(
            f"docker cannot be asked for the image {image}: {said}; start its daemon, or let this user reach it, "
            f"{_OTHERWISE}"
        )
    identity = finished.stdout.strip()
    if not _ID.fullmatch(identity):
        raise StageError(
            f"docker does not say which image {image} is: `{' '.join(command)}` printed {quoted(identity)}, and no "
            f"identity as in sha256:0123…; install a docker that does, {_OTHERWISE}"
        )
    return identity


def docker_command(image: str, place: Place, cores: tuple[int, ...]) -> list[str]:
    """Return the command line of a container that serves the place's models and no others, on loopback ports alone."""
    return [
        "docker",
        "run",
        "--rm",
        f"--name={place.prefix}server",
        f"--publish={HOST}:{place.http_port}:{_HTTP}",
        f"--publish={HOST}:{place.grpc_port}:{_GRPC}",
        f"--volume={place.folder / 'models'}:/models:ro",
        *([f"--cpuset-cpus={','.join(map(str, cores))}"] if cores else []),
        image,
        "tritonserver",
        "--model-repository=/models",
        f"--id={place.prefix}",
        "--model-control-mode=none",
        f"--http-port={_HTTP}",
        f"--grpc-port={_GRPC}",
        "--allow-metrics=false",
        *([] if place.completes else ["--disable-auto-complete-config"]),
    ]


def launch(image: str, place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to run a container; raises StageError if its image is not here."""
    image_id(image)
    place.folder.chmod(0o755)  # the container's user reads the models
    name = f"{place.prefix}server"
    return Launch(
        docker_command(image, place, cores),
        {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        farewell=Farewell(("docker", "rm", "--force", name), f"the container {name}", _NO_CONTAINER),
        counted=False,
    )
