"""Import TensorFlow without its chatter about GPUs that are not there, and OpenVINO without word to its makers."""

import gc
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay.ground.process import StageError, follow_dvc

# Keras and TensorFlow import these in case they are used, and do without where they are missing.
UNUSED = ("googleapiclient", "matplotlib", "pandas", "sklearn")
# Addresses, not memory. With fewer it crashes as it computes, deep in a library of its own: tried on two cores.
NEEDED_BYTES = 4 * 10**9


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, sooner than they load by themselves.

    They do without what is only theirs to try, unless it is there already, and Python does
    not look through all that they make for garbage, now or when it ends. Raises StageError
    where Python leaves out what they are made of, or the system gives too little room.
    """
    if "keras" in sys.modules:
        return
    if sys.flags.optimize > 1:
        raise StageError(
            "TensorFlow needs docstrings, and Python leaves them out: unset PYTHONOPTIMIZE, or start it without -OO"
        )
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < NEEDED_BYTES:
        raise StageError(
            f"TensorFlow needs {NEEDED_BYTES / 1e9:g} GB of addresses, and this shell allows {limit / 1e9:.2g}: "
            "raise that, as with `ulimit -v unlimited`"
        )
    gc.disable()
    try:
        with _hidden(*UNUSED), quiet_tensorflow():
            import keras  # noqa: F401
            import tensorflow as tf  # noqa: F401
    finally:
        gc.enable()
        gc.freeze()


def load_openvino() -> Any:
    """Import OpenVINO, and return it, without the package that would tell its makers of the import.

    That takes no answer for consent, leaves a number in the home folder, and asks the network from a fork of this
    process. OpenVINO does without it where it is missing.
    """
    with _hidden("openvino_telemetry"):
        import openvino
    return openvino


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Hide from what is imported in the block that there are these modules, unless they are there already."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hold back what libraries write to stderr while they load; show it if loading fails.

    TensorFlow's C++ parts log before any level can be set, so the file descriptor
    itself is redirected. Afterwards only fatal C++ messages are printed. Loading takes
    seconds, in which DVC may die.
    """
    follow_dvc()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
