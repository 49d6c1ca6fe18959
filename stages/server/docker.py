"""NVIDIA's container, or another with a tritonserver: `triton.docker` in params.yaml.

What the container costs is not counted: its processes are the Docker daemon's.
"""

import os
import subprocess

from runtime.process import StageError
from server.launch import HOST, Launch, Place

_HTTP, _GRPC = 8000, 8001
_PATIENCE_S = 30
# As Docker says it, and Podman in its place.
_NO_IMAGE = ("no such image", "no such object", "image not known")
# How the client finds the daemon; nothing else of the environment is its business.
_VARIABLES = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def image_id(image: str) -> str:
    """Return the identity of an image that is here.

    Raises StageError if it is not, or if Docker does not answer.
    """
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    try:
        finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE_S)
    except FileNotFoundError:
        raise StageError("docker is not installed; install it, or set triton.server in params.yaml otherwise") from None
    except subprocess.TimeoutExpired:
        raise StageError(f"docker did not answer within {_PATIENCE_S} s; is its daemon well?") from None
    if finished.returncode != 0:
        (said, *_) = [*reversed(finished.stderr.strip().splitlines()), "it said nothing"]
        if any(text in said.lower() for text in _NO_IMAGE):
            raise StageError(f"docker has no image {image}: {said}; `docker pull {image}` fetches it")
        raise StageError(
            f"docker cannot be asked for the image {image}: {said}; start its daemon, or let this user reach it, "
            "or set triton.server in params.yaml otherwise"
        )
    return finished.stdout.strip()


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
        "--disable-auto-complete-config",
    ]


def launch(image: str, place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to run a container; raises StageError if its image is not here."""
    image_id(image)
    place.folder.chmod(0o755)  # the container's user reads the models
    return Launch(
        docker_command(image, place, cores),
        {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        farewell=("docker", "rm", "--force", f"{place.prefix}server"),
        counted=False,
    )
