"""Build the server's ONNX Runtime backend from this working tree's sources, unless that is done already.

Any stage that needs it does the same; `make environment` calls this, so that a fault is found
before the long work.

Reads   triton/backends/onnxruntime/
Writes  triton_backends/ in the environment's folder
Run     python tools/build_backend.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from runtime.stage import run_stage  # noqa: E402

from server.backend import find_or_build  # noqa: E402  the stages are scripts, not an installed package


def main() -> None:
    find_or_build()


if __name__ == "__main__":
    run_stage(main)
