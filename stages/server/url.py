"""A server that runs already, here or elsewhere: `triton.url` in params.yaml.

Models that it has are measured as they are; others are loaded into it, from this machine,
where it allows that, and unloaded again. What it costs there is not counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runtime.process import StageError
from server.client import REQUEST_TIMEOUT_S, Server


def load(server: Server, folder: Path, timeout_s: float) -> None:
    """Load a model folder; raises StageError if the server does not allow that, or is not done in time."""
    try:
        server.load(folder, timeout_s)
    except StageError as error:
        # Triton 2.51 complains of an ensemble whose steps are in no repository, and serves it.
        if server.has_model(folder.name):
            return
        raise StageError(
            f"{error}; start that server with --model-control-mode=explicit, or put {folder.name} into its "
            f"repository; if it only took longer than triton.start_timeout_s = {timeout_s:g} s, raise that"
        ) from None


@contextmanager
def connected(http: str, grpc: str, request_timeout_s: float = REQUEST_TIMEOUT_S) -> Iterator[Server]:
    """Connect to a running server inside the block; raises StageError if none answers there."""
    server = Server(http_address=http, grpc_address=grpc, pid=None, request_timeout_s=request_timeout_s)
    try:
        # Not whether it is ready: that waits for models of other people, and for ours to be unloaded.
        if not server.is_live():
            raise StageError(
                f"no Triton server answers at http://{http}, which triton.url in params.yaml names; "
                "start one there, or correct the address"
            )
        if not server.is_live("grpc"):
            raise StageError(
                f"no Triton server answers over gRPC at {grpc}, which triton.url.grpc in params.yaml names; correct "
                f"the address, or start the server at http://{http} so that it listens there, too"
            )
        yield server
    finally:
        server.close()


@contextmanager
def serve(
    models: Sequence[Path], http: str, grpc: str, timeout_s: float, request_timeout_s: float = REQUEST_TIMEOUT_S
) -> Iterator[Server]:
    """Let a running server serve the model folders inside the block, and leave it as it was.

    Raises StageError if it does not answer or will not serve one of them.
    """
    with connected(http, grpc, request_timeout_s) as server, ExitStack() as loaded:
        for folder in models:
            if not server.has_model(folder.name):
                # Before it is loaded: a server may still be at it when we no longer wait.
                loaded.callback(server.unload, folder.name)
                load(server, folder, timeout_s)
        yield server
