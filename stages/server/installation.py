"""Find the tritonserver and perf_analyzer that the installed wheels carry."""

import importlib.util
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from runtime.paths import BACKENDS
from runtime.process import StageError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_MEND = "install the environment again with `make environment`"

# Names under which perf_analyzer asks for libraries -> how the server wheel names its copies.
_PERF_ANALYZER_LIBRARIES = {"libb64.so.0d": "libb64-*.so.0d", "libcudart.so.12": "libcudart-*.so.12*"}


@dataclass(frozen=True)
class Installation:
    """The server and the load generator inside one Python environment."""

    server: Path
    python_backend: Path
    stub: Path
    libraries: Path
    python_library: Path
    perf_analyzer: Path
    environment: Path

    def write_backends(self, folder: Path) -> None:
        """Fill a backend directory: Triton's Python backend and the ones built on it.

        Copies, because Triton refuses a backend library that is a link to elsewhere.
        """
        shutil.copytree(self.python_backend, folder / "python")
        shutil.copy2(self.stub, folder / "python")
        for backend in BACKENDS.iterdir():
            shutil.copytree(backend, folder / backend.name, ignore=shutil.ignore_patterns("__pycache__"))

    def server_environment(self) -> dict[str, str]:
        """Return the server's environment variables.

        The Python backend takes its interpreter's packages from VIRTUAL_ENV and PATH,
        and without the library path it may load another Python of the same version.
        """
        return {
            "VIRTUAL_ENV": str(self.environment),
            "PATH": f"{self.environment / 'bin'}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{self.libraries}:{self.python_library}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def perf_analyzer_environment(self, folder: Path) -> dict[str, str]:
        """Return perf_analyzer's environment variables; its libraries are linked in `folder`."""
        folder.mkdir(exist_ok=True)
        for name, pattern in _PERF_ANALYZER_LIBRARIES.items():
            (folder / name).symlink_to(_only(self.libraries, pattern))
        # Nothing is inherited: a proxy setting would send loopback requests elsewhere.
        return {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(folder)}


def _existing(path: Path, what: str, mend: str = _MEND) -> Path:
    if not path.exists():
        raise StageError(f"{what} is missing at {path}; {mend}")
    return path


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise StageError(f"{folder} should hold one {pattern} and holds {len(found)}; {_MEND}")
    return found[0]


def find_installation() -> Installation:
    """Return the installation in the running interpreter's environment.

    Raises StageError that names what is missing and how to mend it.
    """
    wheel = importlib.util.find_spec("pytriton")
    if wheel is None or wheel.origin is None:
        raise StageError(f"the package nvidia-pytriton, which carries tritonserver, is missing; {_MEND}")
    package = Path(wheel.origin).parent
    triton = package / "tritonserver"
    environment = Path(sys.prefix)
    library_folder = Path(sysconfig.get_config_var("LIBDIR"))
    _existing(
        library_folder / f"libpython{PYTHON}.so.1.0",
        f"libpython{PYTHON}, which the server's Python backend loads,",
        f"install it with `apt-get install libpython{PYTHON}`",
    )
    return Installation(
        server=_existing(triton / "bin" / "tritonserver", "tritonserver"),
        python_backend=_existing(triton / "backends" / "python", "Triton's Python backend"),
        stub=_existing(
            triton / "python_backend_stubs" / PYTHON / "triton_python_backend_stub",
            f"Triton's Python backend stub for Python {PYTHON}",
        ),
        libraries=_existing(package.parent / "nvidia_pytriton.libs", "the server's library folder"),
        python_library=library_folder,
        perf_analyzer=_existing(environment / "bin" / "perf_analyzer", "perf_analyzer"),
        environment=environment,
    )
