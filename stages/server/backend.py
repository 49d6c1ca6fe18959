"""Our ONNX Runtime backend, built from this workspace's sources when it is first needed.

The library lies in the environment's folder under a digest of all that decides it, so that
workspaces with other sources, such as a queued experiment's, find or build their own.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from runtime.paths import BACKENDS, ENVIRONMENT
from runtime.process import StageError

# What config.pbtxt and Triton call it, and NVIDIA's.
BACKEND = "onnxruntime"
SOURCES = BACKENDS / BACKEND
LIBRARY = f"libtriton_{BACKEND}.so"
BUILT = ENVIRONMENT / "triton_backends"
# Symbols that start with TRITON come from the server that opens the library, ONNX Runtime's and
# OpenVINO's from the paths that it is given. Threads of theirs must not outlive its code.
FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,nodelete", "-s")
_PATIENCE_S = 600


@dataclass(frozen=True)
class Backend:
    """A backend: the folder that its library lies in, and what tells it from others."""

    folder: Path
    digest: str

    @property
    def identity(self) -> dict[str, str]:
        """What timings with it depend on: its sources and compiler, and the runtime that computes."""
        return {"backend": self.digest, "onnxruntime": version("onnxruntime")}

    @property
    def settings(self) -> list[str]:
        """The server's arguments that say where the libraries are that compute."""
        return [
            f"--backend-config={BACKEND},onnxruntime-library={packaged('onnxruntime', 'capi/libonnxruntime.so.*')}",
            f"--backend-config={BACKEND},openvino-library={packaged('openvino', 'libs/libopenvino_c.so.*')}",
        ]


def compiler() -> list[str]:
    """Return the words that call the C++ compiler: CXX, or g++. Raises StageError if there is none."""
    words = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    if shutil.which(words[0]) is None:
        raise StageError(
            f"the server's backend needs a C++ compiler, and {words[0]} is missing; install one with "
            "`apt-get install --yes g++`, or name another in the environment variable CXX"
        )
    return words


def sources() -> list[Path]:
    """Return the files of this workspace that the library is made of."""
    return sorted(path for path in SOURCES.iterdir() if path.suffix in (".cc", ".h"))


def command(words: list[str]) -> list[str]:
    """Return the compiler's command line, but for where the library goes."""
    headers = packaged("openvino", "include")
    units = [str(path) for path in sources() if path.suffix == ".cc"]
    return [*words, *FLAGS, "-isystem", str(headers), *units]


def find_or_build() -> Backend:
    """Return the backend of this workspace, built now if nobody has built the same before.

    Raises StageError without a compiler, or with its own words if it refuses the sources.
    """
    words = compiler()
    digest = _digest(words)
    folder = BUILT / digest
    if not (folder / LIBRARY).exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with FileLock(BUILT / "lock"):
            if not (folder / LIBRARY).exists():
                _build(words, folder)
    return Backend(folder, digest)


def its_backend(folder: Path) -> Path | None:
    """Return the library of an installed server's own ONNX Runtime backend, None if it has none."""
    library = folder / "backends" / BACKEND / LIBRARY
    return library if library.is_file() else None


def _digest(words: list[str]) -> str:
    told = subprocess.run([*words, "--version"], check=False, capture_output=True, timeout=_PATIENCE_S)
    found = hashlib.sha256(repr([told.stdout, FLAGS, version("openvino")]).encode())
    for path in sources():
        found.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def _build(words: list[str], folder: Path) -> None:
    """Compile into a folder that appears when it is complete."""
    print("building the server's backend from triton/backends: a few seconds", flush=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as name:
        made = Path(name) / folder.name
        made.mkdir()
        finished = subprocess.run(
            [*command(words), "-o", str(made / LIBRARY)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
        if finished.returncode != 0:
            said = [line for line in finished.stderr.splitlines() if "error" in line] or finished.stderr.splitlines()
            raise StageError(
                f"{words[0]} cannot build the server's backend from {SOURCES.relative_to(SOURCES.parents[2])}; "
                f"it said:\n  {(said or ['nothing'])[0]}"
            )
        made.rename(folder)


def packaged(package: str, pattern: str) -> Path:
    """Return the one path inside an installed package that fits, without importing it."""
    found = find_spec(package)
    folders = list(found.submodule_search_locations or []) if found else []
    paths = [path for folder in folders for path in sorted(Path(folder).glob(pattern))]
    if len(paths) != 1:
        raise StageError(
            f"the package {package} should hold one {pattern} and holds {len(paths)}; "
            "install the environment again with `make environment`"
        )
    return paths[0]
