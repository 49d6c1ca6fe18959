"""What a process takes from the environment that it was started in: chosen here, for this one and for its children.

What a shell, a notebook or a Git hook happened to set must neither change a result nor end a
stage. docs/environment.md says the same in a table.
"""

import os
import sys
from pathlib import Path

from assay.ground.paths import ENVIRONMENT, ROOT

# How the variables begin from which libraries that compute, convert or draw here take settings.
SETTINGS = (
    "DNNL_",
    "DVCLIVE_",
    "KERAS_",
    "MATPLOTLIBRC",
    "MPLBACKEND",
    "NPY_",
    "NUMPY_",
    "ONEDNN_",
    "OPENVINO_",
    "ORT_",
    "PANDAS_",
    "PROTOCOL_BUFFERS_",
    "SCIPY_",
    "SKLEARN_",
    "TF2",
    "TF_",
    "XLA_",
)
# How much TensorFlow says changes nothing.
_LOGGING = ("TF_CPP_",)

PINNED = {
    "KERAS_BACKEND": "tensorflow",
    # No folder: the user's keras.json is not read, and none is written.
    "KERAS_HOME": os.devnull,
    # The machine's fingerprint, by which results are told apart, is that of its processor.
    "CUDA_VISIBLE_DEVICES": "-1",
    # Nothing here multiplies large matrices with NumPy, and its threads take processor time
    # while they wait for some.
    "OPENBLAS_NUM_THREADS": "1",
    # ONNX Runtime notes down who uses it, under the home folder and with an address to send that to.
    "ORT_DISABLE_TELEMETRY": "1",
}

# `git rev-parse --local-env-vars`, and what else Git tells a hook of the repository that it is about.
_OF_A_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
# What a running DVC tells its stages of themselves and of their experiment.
_OF_A_STAGE = ("DVC_DAEMON", "DVC_EXP_", "DVC_ROOT", "DVC_STAGE", "DVC_STUDIO_REPO_URL")


def choose() -> None:
    """Settle the environment of this process, before a library is imported that reads it.

    Standard streams that are closed lead nowhere: the next file that is opened must not take
    their place. A working folder that is gone is this project's. Git's repository is the one
    around the folder that a command works in. What PYTHONPATH names, but for this project's own
    folders, comes after the environment's packages.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest number that is free: this one.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if number == 0 else "w"))
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir(ROOT)
    for name in list(os.environ):
        if name in _OF_A_REPOSITORY or (name.startswith(SETTINGS) and not name.startswith(_LOGGING)):
            del os.environ[name]
    os.environ.update(PINNED)
    beside = {os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry}  # noqa: PTH100  as Python wrote them into sys.path
    beside = {entry for entry in beside if not Path(entry).is_relative_to(ROOT)}
    sys.path.sort(key=beside.__contains__)


def of_children() -> dict[str, str]:
    """Return the environment for a Git, a DVC or a Python that works where it is told to, and as it is told to.

    Programs are this environment's first. Nothing says which repository, stage or experiment
    the caller is about, or how the caller's own Python is set.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not (name in _OF_A_REPOSITORY or name.startswith((*_OF_A_STAGE, "PYTHON")))
    }
    return {**inherited, "PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
