"""A server that runs already, here or elsewhere: `triton.url` in params.yaml.

Models that it has are measured as they are; others are loaded into it, from this machine,
where it allows that, and unloaded again. What it costs there is not counted.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from assay.ground.paths import ANCHOR, MODEL_REPOSITORY
from assay.ground.process import StageError
from assay.serving.client import REQUEST_TIMEOUT_S, Server
from assay.serving.failures import LateError, ServedOtherwiseError
from assay.serving.model_folder import served_name

# Its own words, whatever it was told to load.
_LOADS_NOTHING = "load / unload is not allowed"


def load(server: Server, folder: Path, timeout_s: float) -> None:
    """Load a model folder; raises StageError if the server does not allow that, or is not done in time."""
    try:
        server.load(folder, timeout_s)
    except StageError as error:
        # Triton 2.51 complains of an ensemble whose steps are in no repository, and serves it.
        if server.surely_has(name := served_name(folder)):
            return
        if _LOADS_NOTHING not in str(error):
            raise
        ours = folder.parent in (MODEL_REPOSITORY, ANCHOR.parent)  # who brings a model has its folder
        how = f": `python tools/model_repository.py FOLDER {folder.name}` puts its folder together" if ours else ""
        raise StageError(
            f"{error}; start that server with --model-control-mode=explicit, or put {name} into its repository{how}"
        ) from None


def how_to_unload(http: str, model: str) -> str:
    """Return the command that unloads a model of a server, whoever loaded it."""
    return f"`curl --request POST http://{http}/v2/repository/models/{quote(model)}/unload`"


@contextmanager
def unloading(server: Server) -> Iterator[list[str]]:
    """Yield a list, and unload the models that were put into it when the block ends, in whatever way.

    Those that may still be there are named on standard error, with what to do.
    """
    loaded: list[str] = []
    try:
        yield loaded
    finally:
        left, why = loaded[::-1], "interrupted"
        try:
            for model in loaded[::-1]:
                try:
                    server.unload(model)
                    left.remove(model)
                except LateError as error:
                    # Each would wait as long, and who was told to end has no time for all of them.
                    why = str(error)
                    break
                except StageError as error:
                    why = str(error)
        finally:
            if left:
                commands = ", ".join(how_to_unload(server.http_address, model) for model in left)
                print(
                    f"{why}; what was loaded from here may be left in that server, and the next run takes it for the "
                    f"server's own: unload it with {commands}, or restart that server",
                    file=sys.stderr,
                )


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

    Raises StageError if it does not answer or will not serve one of them. What it has already is not ours
    to replace: found to be another model of that name, it may be left by a run that was killed.
    """
    with connected(http, grpc, request_timeout_s) as server, unloading(server) as loaded:
        for folder in models:
            if server.has_model(name := served_name(folder)):
                server.had.add(name)
                continue
            # Before it is loaded: a server may still be at it when we no longer wait.
            loaded.append(name)
            load(server, folder, timeout_s)
        if server.had:
            names = ", ".join(sorted(server.had))
            print(f"the server at http://{http} has {names}: taken as served there, and not unloaded", flush=True)
        try:
            yield server
        except ServedOtherwiseError as error:
            if error.model not in server.had:
                raise
            raise StageError(
                f"{error}; that server had {error.model} before this run, of its own or left by a run that was killed: "
                f"unload it with {how_to_unload(http, error.model)}, restart that server, or put this {error.model} "
                "into its repository"
            ) from None
        except LateError:  # it would be asked in vain once more
            raise
        except StageError as error:
            if server.is_live():
                raise
            # Whatever failed, that is the reason worth telling.
            raise StageError(f"the server at http://{http} no longer answers: {error}") from None
