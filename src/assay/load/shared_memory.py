"""The system's shared memory in which perf_analyzer and the server pass inputs and answers.

perf_analyzer names it after the model's tensors, without a word of whose it is, and removes
it unless it is killed.
"""

import math
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from assay.ground.process import StageError
from assay.ground.supervisor import SHARED_MEMORY, SHARED_MEMORY_LIST
from assay.load.input_data import request_bytes
from assay.machine.lock import shared_names
from assay.serving.client import Server
from assay.serving.model_config import ModelShape, TensorShape, read_config

MAKE_ROOM = (
    f"mount a larger {SHARED_MEMORY} that can be written, as `docker run --shm-size=1g` does, "
    "or set load.shared_memory to none"
)
# What perf_analyzer makes for an output whose size it cannot know.
_UNKNOWN_OUTPUT_BYTES = 100 * 1024


def regions(model: Path, input_data: Path) -> dict[str, int]:
    """Return the names of what perf_analyzer makes for a model folder and its requests, and how many bytes each has."""
    inputs = {
        f"{_region(name)}_0_{index}": size
        for index, request in enumerate(request_bytes(input_data))
        for name, size in request.items()
    }
    shape = ModelShape.configured(read_config(model / "config.pbtxt"))
    return inputs | {_region(each.name): _output_bytes(each) for each in shape.outputs}


def _output_bytes(output: TensorShape) -> int:
    is_known = output.dtype.kind != "O" and all(size > 0 for size in output.dims)
    return math.prod(output.dims) * output.dtype.itemsize if is_known else _UNKNOWN_OUTPUT_BYTES


def _region(tensor: str) -> str:
    # As perf_analyzer does it, for a name must not lead out of the folder.
    return tensor.replace("/", "").replace("\\", "")


@contextmanager
def reserved(server: Server, wanted: Sequence[Mapping[str, int]]) -> Iterator[None]:
    """Have such shared memory, of one model at a time, to ourselves inside the block, and removed with the server.

    Waits for other measurements of ours, and raises StageError if some of it is there from anybody else, or there is
    no room for it.
    """
    with shared_names():
        _reserve(server, set().union(*wanted))
        _check_room(max(_pages_bytes(each.values()) for each in wanted))
        yield


def _reserve(server: Server, names: set[str]) -> None:
    taken = sorted(name for name in names if (SHARED_MEMORY / name).exists())
    if taken:
        raise StageError(
            f"{SHARED_MEMORY / taken[0]} is there already: another load generator shares memory under the same name, "
            "or was killed; wait for it, or remove the file"
        )
    if server.folder is None:
        raise StageError("only a server that was started here can share memory")
    (server.folder / SHARED_MEMORY_LIST).write_text("\n".join(sorted(names)), encoding="utf-8")


def _pages_bytes(sizes: Iterable[int]) -> int:
    """Return what files of so many bytes take: whole pages."""
    return sum(-(-size // mmap.PAGESIZE) * mmap.PAGESIZE for size in sizes)


def _check_room(size: int) -> None:
    """Raise StageError unless so many bytes can be shared: whoever writes to what is not there is killed."""
    try:
        with tempfile.TemporaryFile(dir=SHARED_MEMORY) as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise StageError(
            f"{size:,} bytes cannot be shared in {SHARED_MEMORY}, which has {shutil.disk_usage(SHARED_MEMORY).free:,} "
            f"free: {error.strerror}; {MAKE_ROOM}"
        ) from None
