"""The system's shared memory in which perf_analyzer and the server pass inputs and answers.

perf_analyzer names it after the model's tensors, without a word of whose it is, and removes
it unless it is killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.ground.process import StageError
from assay.ground.supervisor import SHARED_MEMORY, SHARED_MEMORY_LIST
from assay.load.input_data import count_requests
from assay.machine.lock import shared_names
from assay.serving.client import Server
from assay.serving.model_config import read_config


def names(model: Path, input_data: Path) -> set[str]:
    """Return the names of what perf_analyzer makes for a model folder and its requests."""
    config, requests = read_config(model / "config.pbtxt"), range(count_requests(input_data))
    inputs = {f"{_region(each.name)}_0_{index}" for each in config.input for index in requests}
    return inputs | {_region(each.name) for each in config.output}


def _region(tensor: str) -> str:
    # As perf_analyzer does it, for a name must not lead out of the folder.
    return tensor.replace("/", "").replace("\\", "")


@contextmanager
def reserved(server: Server, wanted: set[str]) -> Iterator[None]:
    """Have such shared memory to ourselves inside the block, and removed with the server.

    Waits for other measurements of ours, and raises StageError if some of it is there from anybody else.
    """
    with shared_names():
        _reserve(server, wanted)
        yield


def _reserve(server: Server, wanted: set[str]) -> None:
    taken = sorted(name for name in wanted if (SHARED_MEMORY / name).exists())
    if taken:
        raise StageError(
            f"{SHARED_MEMORY / taken[0]} is there already: another load generator shares memory under the same name, "
            "or was killed; wait for it, or remove the file"
        )
    if server.folder is None:
        raise StageError("only a server that was started here can share memory")
    (server.folder / SHARED_MEMORY_LIST).write_text("\n".join(sorted(wanted)), encoding="utf-8")
