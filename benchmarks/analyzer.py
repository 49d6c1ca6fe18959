"""Run Triton Model Analyzer on the server, the backend and the requests that the pipeline has.

It is not of this environment: it needs other versions of what is in it.
`python3.11 -m venv FOLDER && FOLDER/bin/pip install triton-model-analyzer==1.44.0`.
"""

import argparse
import csv
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from assay.ground.environment import of_children
from assay.ground.process import ending_with_us
from assay.machine.lock import machine_to_ourselves
from assay.params.triton import BACKEND
from assay.serving.backend import find_or_build
from assay.serving.installation import find_installation
from assay.serving.launch import HOST, free_ports
from clones import timed

THROUGHPUT = "Throughput (infer/sec)"
# Prepares a folder: writes its `models`, and returns what a search is asked beside where things are.
Prepare = Callable[[Path], Mapping[str, Any]]


class Profile(NamedTuple):
    """What a run took, its table of measurements, and the folder of the configurations that it tried."""

    seconds: float
    rows: list[dict[str, str]]
    configurations: Path


def measure_if_asked(description: str, times: str, what: str, measure: Callable[[Path, int], None]) -> None:
    """Read a command line, and measure as many times as its option `times` says, with the program that it names.

    Ends the program, with a sentence, if it says how often and names no program that is there.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--program", type=Path, help="model-analyzer, in an environment of its own")
    parser.add_argument(times, dest="times", type=int, default=0, help=what)
    given = parser.parse_args()
    if given.times:
        if given.program is None or not given.program.is_file():
            parser.error(f"{times} needs --program, the path of an installed model-analyzer")
        measure(given.program.absolute(), given.times)


def requests_file(clone_folder: Path, cell: str, folder: Path) -> Path:
    """Write the requests that the pipeline sends to a cell, for Model Analyzer to send too."""
    script = (
        "import sys; from pathlib import Path; from assay.measuring.bench import exported; "
        f"exported([Path('artifacts/model_repository/{cell}').resolve()], Path(sys.argv[1]))"
    )
    timed(clone_folder, "python", "-c", script, str(folder))
    return folder / "input_data.json"


def _surroundings(folder: Path, requests: Path) -> dict[str, Any]:
    """Return the part of a configuration that says where everything is."""
    installation, backend = find_installation(), find_or_build()
    shutil.copytree(backend.folder, folder / "backends" / BACKEND)
    http, grpc, metrics = (f"{HOST}:{port}" for port in free_ports(3))
    environment = installation.server_environment()
    # It gives perf_analyzer the server's environment, too.
    libraries = installation.perf_analyzer_environment(folder / "libraries")["LD_LIBRARY_PATH"]
    environment["LD_LIBRARY_PATH"] += f":{libraries}"
    return {
        "model_repository": str(folder / "models"),
        "output_model_repository_path": str(folder / "output"),
        "checkpoint_directory": str(folder / "checkpoints"),
        "export_path": str(folder / "results"),
        "triton_launch_mode": "local",
        "triton_server_path": str(installation.server),
        "triton_http_endpoint": http,
        "triton_grpc_endpoint": grpc,
        "triton_metrics_url": f"http://{metrics}/metrics",
        "triton_server_flags": {
            "backend-directory": str(folder / "backends"),
            "http-address": HOST,
            "grpc-address": HOST,
            "metrics-address": HOST,
            "backend-config": backend.settings[0].partition("=")[2],
        },
        "triton_server_environment": environment,
        "perf_analyzer_path": str(installation.perf_analyzer),
        "perf_analyzer_flags": {"input-data": str(requests)},
        "client_protocol": "grpc",
        "gpus": "[]",
        "skip_detailed_reports": True,
    }


def profile(program: Path, clone_folder: Path, cell: str, folder: Path, prepare: Prepare) -> Profile:
    """Run Model Analyzer once in an empty folder, on what `prepare` writes there, asked as a cell of a clone is."""
    config = {**_surroundings(folder, requests_file(clone_folder, cell, folder)), **prepare(folder)}
    with (folder / "config.yaml").open("w") as file:
        YAML().dump(config, file)
    command = [str(program), "profile", "--config-file", str(folder / "config.yaml")]
    began = time.monotonic()
    with machine_to_ourselves():
        subprocess.run(ending_with_us(command), cwd=folder, env=of_children(), check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    with (folder / "results" / "results" / "metrics-model-inference.csv").open(newline="") as table:
        return Profile(seconds, list(csv.DictReader(table)), folder / "output")
