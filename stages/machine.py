"""Write the fingerprint of this machine, of the tools that measure on it and of the server that is measured.

Cheap and never skipped: when it changes, timings taken elsewhere are measured
again instead of being served from the cache.

Reads   the machine; the server that `triton` in params.yaml names, unless it is the installed wheel's
Writes  reports/machine.json
        reports/libraries.json: versions of what decides the results of stages that measure nothing
Run     python stages/machine.py
"""

from assay.ground.stage import run_stage

import json
from importlib.metadata import version

from assay.ground.files import write_json
from assay.ground.paths import LIBRARY_VERSIONS, MACHINE
from assay.machine.fingerprint import fingerprint
from assay.servers import identity
from assay.validation.schema import load_params

# Of each stage that measures nothing, the libraries that decide its result.
LIBRARIES = {
    "data": ("numpy", "pandas", "pillow", "scikit-learn", "scipy"),
    "train": ("dvclive", "keras", "numpy", "scikit-learn", "skops", "tensorflow"),
    "onnx": ("keras", "numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx", "tensorflow", "tf2onnx"),
}


def main() -> None:
    params = load_params()
    found = {**fingerprint(), "server": identity(params.triton, params.timeouts)}
    write_json(MACHINE, found)
    write_json(LIBRARY_VERSIONS, {stage: {name: version(name) for name in names} for stage, names in LIBRARIES.items()})
    print(json.dumps(found))


if __name__ == "__main__":
    run_stage(main)
