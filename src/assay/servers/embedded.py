"""The tritonserver inside the installed wheel, with our ONNX Runtime backend."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from assay.serving.client import Server
from assay.serving.installation import find_installation
from assay.serving.launch import Launch, Place, launched
from assay.serving.tritonserver import with_our_backend


def launch(place: Place, cores: tuple[int, ...]) -> Launch:
    """Return how to start the wheel's server; raises StageError if it or a backend cannot be had."""
    return with_our_backend(find_installation(), place, cores)


def serve(models: Sequence[Path], timeout_s: float, cores: tuple[int, ...] = ()) -> AbstractContextManager[Server]:
    """Serve the model folders inside a block, whatever params.yaml says; see `launch.launched`."""
    return launched(partial(launch, cores=cores), models, timeout_s)
