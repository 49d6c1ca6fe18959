"""Find the tritonserver, its Python backend and perf_analyzer that the installed wheels carry."""

import importlib.util
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from assay.ground.paths import ENVIRONMENT
from assay.ground.process import StageError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_MEND = "install the environment again with `make environment`"

_PYTHON_LIBRARY = "libtriton_python.so"
# In it, how the name of a temporary folder begins, and one as long that is relative.
_COMMON_FOLDER, _OWN_FOLDER = b"/tmp/python_env_", b"./tmp_python_env"

# Names under which perf_analyzer asks for libraries -> how the server wheel names its copies.
_PERF_ANALYZER_LIBRARIES = {"libb64.so.0d": "libb64-*.so.0d", "libcudart.so.12": "libcudart-*.so.12*"}


@dataclass(frozen=True)
class Installation:
    """The server and the load generator inside one Python environment."""

    server: Path
    libraries: Path
    perf_analyzer: Path

    def server_environment(self) -> dict[str, str]:
        """Return the server's environment variables: nothing is inherited."""
        return {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(self.libraries), "ORT_DISABLE_TELEMETRY": "1"}

    def perf_analyzer_environment(self, folder: Path) -> dict[str, str]:
        """Return perf_analyzer's environment variables; its libraries are linked in `folder`."""
        folder.mkdir(exist_ok=True)
        for name, pattern in _PERF_ANALYZER_LIBRARIES.items():
            (folder / name).symlink_to(_only(self.libraries, pattern))
        # Nothing is inherited: a proxy setting would send loopback requests elsewhere.
        return {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(folder)}


@dataclass(frozen=True)
class PythonBackend:
    """Triton's Python backend, for models that are a `model.py`, and the stub in which this Python runs them."""

    folder: Path
    stub: Path
    python_library: Path

    def write(self, folder: Path) -> None:
        """Add it to a backend directory: a copy, because Triton refuses a backend library that is a link.

        Each server makes a folder for packed environments, in /tmp whatever TMPDIR is, and a killed one leaves
        it there: the copy makes it where the server works.
        """
        shutil.copytree(self.folder, folder / "python")
        shutil.copy2(self.stub, folder / "python")
        library = folder / "python" / _PYTHON_LIBRARY
        library.write_bytes(library.read_bytes().replace(_COMMON_FOLDER, _OWN_FOLDER))

    def server_environment(self, libraries: str) -> dict[str, str]:
        """Return the environment variables of a server that has it, and otherwise loads from `libraries`.

        The stub takes its interpreter's packages from VIRTUAL_ENV and PATH, and without the
        library path it may load another Python of the same version.
        """
        return {
            "VIRTUAL_ENV": str(ENVIRONMENT),
            "PATH": f"{ENVIRONMENT / 'bin'}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{libraries}:{self.python_library}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _existing(path: Path, what: str, mend: str = _MEND) -> Path:
    if not path.exists():
        raise StageError(f"{what} is missing at {path}; {mend}")
    return path


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise StageError(f"{folder} should hold one {pattern} and holds {len(found)}; {_MEND}")
    return found[0]


def _wheel() -> Path:
    """Return the folder of the package that carries the server."""
    wheel = importlib.util.find_spec("pytriton")
    if wheel is None or wheel.origin is None:
        raise StageError(f"the package nvidia-pytriton, which carries tritonserver, is missing; {_MEND}")
    return Path(wheel.origin).parent


def find_installation() -> Installation:
    """Return the installation in the running interpreter's environment.

    Raises StageError that names what is missing and how to mend it.
    """
    package = _wheel()
    return Installation(
        server=_existing(package / "tritonserver" / "bin" / "tritonserver", "tritonserver"),
        libraries=_existing(package.parent / "nvidia_pytriton.libs", "the server's library folder"),
        perf_analyzer=_existing(ENVIRONMENT / "bin" / "perf_analyzer", "perf_analyzer"),
    )


def find_python_backend() -> PythonBackend:
    """Return the Python backend in the running interpreter's environment.

    Raises StageError that names what is missing and how to mend it.
    """
    triton = _wheel() / "tritonserver"
    library_folder = Path(sysconfig.get_config_var("LIBDIR"))
    _existing(
        library_folder / f"libpython{PYTHON}.so.1.0",
        f"libpython{PYTHON}, which the server's Python backend loads,",
        f"install it with `apt-get install libpython{PYTHON}`",
    )
    return PythonBackend(
        folder=_existing(triton / "backends" / "python", "Triton's Python backend"),
        stub=_existing(
            triton / "python_backend_stubs" / PYTHON / "triton_python_backend_stub",
            f"Triton's Python backend stub for Python {PYTHON}",
        ),
        python_library=library_folder,
    )
