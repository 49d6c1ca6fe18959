"""One benchmark at a time on a machine: two at once would measure each other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# In the common temporary folder, because clones and users share the processor; whoever
# sets TMPDIR steps out of the queue.
LOCK = Path(tempfile.gettempdir()) / "triton_pipeline_benchmark.lock"


@contextmanager
def machine_to_ourselves() -> Iterator[None]:
    """Hold the machine's benchmark lock, waiting for another benchmark to finish.

    The kernel frees the lock with the process that holds it, however that ends.
    """
    lock = FileLock(LOCK, mode=0o666)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting: another benchmark on this machine holds {LOCK}", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
