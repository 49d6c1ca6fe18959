"""Train, serve and measure the autoencoder on the real MNIST, and record its accuracy and the minutes.

Works in a temporary clone of the last commit, so that this checkout stays as it is.

Writes  benchmarks/results/mnist.jsonl, one line a run
Run     PYTHONPATH=stages python benchmarks/mnist.py                  the width that reaches 0.97
        PYTHONPATH=stages python benchmarks/mnist.py --width 32       another one
        (with `--from FOLDER` if MNIST's four files are at hand)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import ROOT, append, revision

SETTINGS = {
    32: ["models.autoencoder.reconstruction.epochs=3", "models.autoencoder.head.epochs=6"],
    256: ["models.autoencoder.reconstruction.epochs=3", "models.autoencoder.head.batch_size=128"],
}


def experiment(width: int) -> list[str]:
    """Return the command line of the experiment with one width of the encoder."""
    settings = ["dataset=mnist", f"models.autoencoder.hidden_width={width}", *SETTINGS[width]]
    return ["dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the autoencoder's accuracy on MNIST.")
    parser.add_argument("--width", type=int, choices=sorted(SETTINGS), default=256)
    parser.add_argument("--from", dest="source", metavar="FOLDER", help="where MNIST's files are at hand")
    given = parser.parse_args()
    if revision().endswith("-dirty"):
        sys.exit("error: the working tree has changes that a clone would not have; commit them first")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:

        def run(*command: str) -> None:
            subprocess.run(command, cwd=folder, env=environment, check=True)

        run("git", "clone", "--quiet", str(ROOT), ".")
        run("dvc", "pull", "data.dvc")
        fetch = ["--from", str(Path(given.source).resolve())] if given.source else []
        run("python", "tools/fetch_dataset.py", "mnist", *fetch)
        command = experiment(given.width)
        started = time.monotonic()
        run(*command)
        minutes = (time.monotonic() - started) / 60
        metrics = json.loads((Path(folder) / "reports" / "metrics.json").read_text(encoding="utf-8"))
    append("mnist", {"command": " ".join(command), "minutes": round(minutes, 1), "test": metrics["test"]})
    print(f"test accuracy {metrics['test']['accuracy']:.4f} in {minutes:.1f} minutes")


if __name__ == "__main__":
    main()
