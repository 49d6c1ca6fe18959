"""What timings depend on and what does not change from run to run, by which results of machines are told apart."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from assay.machine.cores import usable_cores, usable_logical_cores

PACKAGES = ("nvidia-pytriton", "tritonclient", "onnxruntime", "openvino", "numpy")


def processor_name() -> str:
    """Return the processor's name as the kernel gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def fingerprint() -> dict[str, Any]:
    """Return the processor, its cores, memory in GiB, kernel, Python, and versions of what measures."""
    return {
        "processor": processor_name(),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": usable_cores(),
        "usable_logical_cores": usable_logical_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
