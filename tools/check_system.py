"""Check that this system can run the pipeline, before anything long starts.

Standard library only: it runs before the environment exists, with the Python
that will make it. Prints what is missing and the one command that mends it.

Run     python3.11 tools/check_system.py
"""

import ctypes
import importlib.util
import os
import platform
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

PYTHON = (3, 11)
GLIBC = (2, 35)
DISK_GB = 6
MEMORY_GB = 4

# Libraries that the server, its Python backend and perf_analyzer load -> Debian package.
LIBRARIES = {
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "libz.so.1": "zlib1g",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
}
PROGRAMS = {"git": "git", "setpriv": "util-linux", "taskset": "util-linux"}
COMPILER = "g++"  # builds the server's backend, unless CXX names another


def fault_of_chosen_compiler() -> str | None:
    """Return what is wrong with the compiler that CXX names, None if nothing is or it names none."""
    try:
        words = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        return f"is no command ({error})"
    return f"is not there: {words[0]}" if words and shutil.which(words[0]) is None else None


def hopeless() -> list[str]:
    """Return what no package can mend: the system is of another kind."""
    found = []
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found.append(f"the server's wheel is for Linux on x86-64; this is {sys.platform} on {platform.machine()}")
    if sys.version_info[:2] != PYTHON:
        version = ".".join(map(str, PYTHON))
        found.append(f"this is Python {platform.python_version()}; choose another: make repro PYTHON=python{version}")
    library, glibc = platform.libc_ver()
    if library != "glibc" or tuple(int(part) for part in glibc.split(".")[:2]) < GLIBC:
        found.append(
            f"the wheels need glibc {GLIBC[0]}.{GLIBC[1]} (Debian 12, Ubuntu 22.04); this is {library} {glibc}"
        )
    if fault := fault_of_chosen_compiler():
        found.append(f"the C++ compiler that CXX names {fault}; name another, or unset CXX for {COMPILER}")
    here = Path.cwd()
    if not any((folder / ".git").exists() for folder in (here, *here.parents)):
        found.append(
            "DVC needs a Git repository, and this folder is in none; clone it with git, or make one of it: "
            "git init && git add --all && git commit --message Begin"
        )
    if "{" in str(here) or "}" in str(here):
        found.append(f"DVC takes the braces in the name of this folder for its own: rename or move {here}")
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if not Path(".venv").exists() and free < DISK_GB:
        found.append(f"the environment needs {DISK_GB} GB of disk; {free:.1f} GB are free here")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory < MEMORY_GB:
        found.append(f"training and serving need {MEMORY_GB} GB of memory; this machine has {memory:.1f} GB")
    return found


def missing_packages() -> list[str]:
    """Return the Debian packages that have to be installed."""
    packages = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not os.environ.get("CXX", "").strip() and shutil.which(COMPILER) is None:
        packages.add(COMPILER)
    if importlib.util.find_spec("ensurepip") is None:
        packages.add("python3.11-venv")
    # The server's Python backend loads the interpreter as a library: the very one that runs here.
    if not (Path(sysconfig.get_config_var("LIBDIR")) / "libpython3.11.so.1.0").exists():
        packages.add("libpython3.11")
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            packages.add(package)
    return sorted(packages)


def main() -> None:
    if found := hopeless():
        sys.exit("error: this system cannot run the pipeline:\n  " + "\n  ".join(found))
    if packages := missing_packages():
        become_root = "" if os.geteuid() == 0 else "sudo "
        command = f"{become_root}apt-get install --yes {' '.join(packages)}"
        sys.exit(f"error: this system lacks {', '.join(packages)}; install with:\n  {command}")


if __name__ == "__main__":
    main()
