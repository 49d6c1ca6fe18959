"""The tritonserver inside the installed wheel."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime.cores import on_cores
from server.client import Server
from server.installation import Installation, find_installation
from server.launch import HOST, Launch, Place, launched


def server_command(server: Path, place: Place, backends: Path, cores: tuple[int, ...]) -> list[str]:
    """Return tritonserver's command line: only the place's models are loaded; HTTP and gRPC on loopback."""
    return [
        *on_cores(cores),
        str(server),
        f"--model-repository={place.folder / 'models'}",
        f"--backend-directory={backends}",
        f"--id={place.prefix}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in place.models),
        f"--http-address={HOST}",
        f"--http-port={place.http_port}",
        f"--grpc-address={HOST}",
        f"--grpc-port={place.grpc_port}",
        "--allow-metrics=false",
        # The config says all, and completing it would start Python once more for each model.
        "--disable-auto-complete-config",
        f"--backend-config=python,shm-region-prefix-name={place.prefix}",
    ]


def with_our_backend(installation: Installation, place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to start an installation's server with the ONNX Runtime backend of `triton/backends`."""
    backends = place.folder / "backends"
    installation.write_backends(backends)
    return Launch(
        server_command(installation.server, place, backends, cores),
        installation.server_environment(),
    )


@contextmanager
def serve(models: Sequence[Path], timeout_s: float, cores: tuple[int, ...] = ()) -> Iterator[Server]:
    """Serve copies of the model folders inside the block, on some cores or on any; see `launch.launched`."""
    with launched(lambda place: with_our_backend(find_installation(), place, cores), models, timeout_s) as server:
        yield server
