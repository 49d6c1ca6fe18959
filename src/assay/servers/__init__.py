"""Serve models on the server that params.yaml asks for: four ways, one `with` block.

Each way brings its own packages along, and is imported only when it is taken.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.ground.files import sha256_of
from assay.params.triton import Timeouts, Triton

if TYPE_CHECKING:
    import numpy as np

    from assay.serving.client import Server
    from assay.serving.launch import Launch
    from assay.tensors.named import Tensors


def serve(
    models: Sequence[Path],
    triton: Triton,
    timeouts: Timeouts,
    cores: tuple[int, ...] = (),
    *,
    completes: bool = False,
) -> "AbstractContextManager[Server]":
    """Return a context in which the given model folders are served, on some of this machine's cores or on any.

    A server that is started for this `completes` configurations that leave something out; one that runs already does
    as it was told when it was started.
    """
    if triton.server == "url":
        from assay.servers import url

        return url.serve(models, triton.url.http, triton.url.grpc, timeouts.start_s, timeouts.request_s)
    from assay.serving.launch import launched

    prepare_launch = partial(_launch(triton), cores=cores)
    return launched(prepare_launch, models, timeouts.start_s, timeouts.request_s, completes=completes)


def reference_answers(
    folder: Path,
    examples: "Tensors",
    triton: Triton,
    timeouts: Timeouts,
    cores: tuple[int, ...] = (),
    *,
    most: int | None = None,
) -> "list[dict[str, np.ndarray]] | None":
    """Return what the owner's configuration answers to what a model is going to be asked; None of an ONNX file.

    That is in batches of no more than `most`, if it is given.
    It is served for that alone, and no longer there when anything is measured. Raises StageError if a server that runs
    already has another model of its name.
    """
    from assay.serving.answers import asked_in_batches, check_as_brought
    from assay.serving.model_config import read_config
    from assay.serving.model_folder import CONFIG, reference_of

    if not (owners := reference_of(folder)):
        return None
    with serve(owners, triton, timeouts, cores) as server:
        if server.had.intersection(each.name for each in owners):
            check_as_brought(server, folder, examples)
        return asked_in_batches(server, owners[-1].name, read_config(folder / CONFIG), examples, most)


def _launch(triton: Triton) -> "Callable[..., Launch]":
    """Return how to start a server of our own, given its place and its cores."""
    match triton.server:
        case "embedded":
            from assay.servers import embedded

            return embedded.launch
        case "local":
            from assay.servers import local

            return partial(local.launch, Path(triton.local.folder))
        case "docker":
            from assay.servers import docker

            return partial(docker.launch, triton.docker.image)
        case "url":
            raise ValueError("a server that runs already is not started")


def prepare(triton: Triton) -> None:
    """Build our backend where it is going to be needed, so that a fault is found before the long work.

    Raises StageError if it cannot be built.
    """
    from assay.serving.backend import find_or_build, its_backend

    if triton.server == "embedded" or (triton.server == "local" and not its_backend(Path(triton.local.folder))):
        find_or_build()


def identity(triton: Triton, timeouts: Timeouts) -> dict[str, Any]:
    """Return what tells this server from another of its kind: timings of one are not those of the other.

    Raises StageError if there is no such server.
    """
    match triton.server:
        case "embedded":
            from assay.serving.backend import find_or_build

            return find_or_build().identity
        case "local":
            from assay.servers import local
            from assay.serving.backend import find_or_build, its_backend

            folder = Path(triton.local.folder)
            program, own = local.program(folder), its_backend(folder)
            return {
                "tritonserver": sha256_of(program),
                **({"backend": sha256_of(own)} if own else find_or_build().identity),
            }
        case "docker":
            from assay.servers import docker

            return {"image": docker.image_id(triton.docker.image)}
        case "url":
            from assay.servers import url

            with url.connected(triton.url.http, triton.url.grpc, timeouts.request_s) as server:
                return {"address": triton.url.http, "version": server.version()}
