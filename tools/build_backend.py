"""Build the server's ONNX Runtime backend from this working tree's sources, unless that is done already.

Any stage that needs it does the same; `make environment` calls this, so that a fault is found
before the long work.

Reads   triton/backends/onnxruntime/
Writes  triton_backends/ in the environment's folder
Run     python tools/build_backend.py
"""

from assay.ground.stage import run_stage

from assay.serving.backend import find_or_build


def main() -> None:
    find_or_build()


if __name__ == "__main__":
    run_stage(main)
