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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from assay.ground.paths import BACKENDS, ENVIRONMENT
from assay.ground.process import StageError, ending_with_us
from assay.ground.programs import not_started
from assay.machine.lock import machine_shared
from assay.params.triton import BACKEND

SOURCES = BACKENDS / BACKEND
LIBRARY = f"libtriton_{BACKEND}.so"
BUILT = ENVIRONMENT / "triton_backends"
# Symbols that start with TRITON come from the server that opens the library, ONNX Runtime's and
# OpenVINO's from the paths that it is given. Threads of theirs must not outlive its code.
FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,nodelete", "-s")
_UNFINISHED = "unfinished_"
_PATIENCE_S = 600
_OTHER_COMPILER = "install one with `apt-get install --yes g++`, or name another in the environment variable CXX"


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
    try:
        words = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    except ValueError as error:
        raise StageError(f"the environment variable CXX is no command ({error}); correct or unset it") from None
    if shutil.which(words[0]) is None:
        raise StageError(f"the server's backend needs a C++ compiler, and {words[0]} is missing; {_OTHER_COMPILER}")
    return words


def sources() -> list[Path]:
    """Return the files of this workspace that the library is made of."""
    return sorted(path for path in SOURCES.iterdir() if path.suffix in (".cc", ".h"))


def command(words: list[str], names: Iterable[str]) -> list[str]:
    """Return the compiler's command line for sources of these names, but for where the library goes."""
    units = sorted(name for name in names if name.endswith(".cc"))
    return [*words, *FLAGS, "-isystem", str(packaged("openvino", "include")), *units]


def find_or_build() -> Backend:
    """Return the backend of this workspace, built now if nobody has built the same before.

    Raises StageError without a compiler, or with its own words if it refuses the sources.
    """
    words = compiler()
    # As they are now: an edit while the compiler works must not be found under this digest.
    content = {path.name: path.read_bytes() for path in sources()}
    folder = BUILT / _digest(words, content)
    if not (folder / LIBRARY).exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with machine_shared(), FileLock(BUILT / "lock"):
            if not (folder / LIBRARY).exists():
                _build(words, content, folder)
    return Backend(folder, folder.name)


def its_backend(folder: Path) -> Path | None:
    """Return the library of an installed server's own ONNX Runtime backend, None if it has none."""
    library = folder / "backends" / BACKEND / LIBRARY
    return library if library.is_file() else None


def _digest(words: list[str], content: Mapping[str, bytes]) -> str:
    try:
        told = subprocess.run([*words, "--version"], check=False, capture_output=True, timeout=_PATIENCE_S)
    except OSError as error:
        raise StageError(
            f"the server's backend needs a C++ compiler, and {not_started(words[0], error, _OTHER_COMPILER)}"
        ) from None
    headers = packaged("openvino", "include/openvino/c/openvino.h").read_bytes()
    found = hashlib.sha256(repr([words, told.stdout, FLAGS, headers]).encode())
    for name, text in content.items():
        found.update(f"{name} {hashlib.sha256(text).hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def _build(words: list[str], content: Mapping[str, bytes], folder: Path) -> None:
    """Compile into a folder that appears when it is complete. Nobody else builds meanwhile."""
    print("building the server's backend from triton/backends: a few seconds", flush=True)
    for abandoned in BUILT.glob(f"{_UNFINISHED}*"):  # by a process that was killed
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=BUILT) as name:
        made, library = Path(name) / folder.name, Path(name) / folder.name / LIBRARY
        made.mkdir()
        for source, text in content.items():
            (Path(name) / source).write_bytes(text)
        finished = subprocess.run(
            ending_with_us([*command(words, content), "-o", str(library)]),
            cwd=name,
            env={**os.environ, "TMPDIR": name},
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
        )
        if finished.returncode != 0 or not library.exists():
            said = [line for line in finished.stderr.splitlines() if "error" in line] or finished.stderr.splitlines()
            raise StageError(
                f"{words[0]} cannot build the server's backend from triton/backends/{BACKEND}; "
                f"it said:\n  {(said or ['nothing'])[0]}"
            )
        with library.open("rb") as file:
            os.fsync(file.fileno())
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
