"""Where stages find each other's files, in the workspace that this process works in. dvc.yaml names the same paths."""

import sys
from pathlib import Path

from assay.ground.workspace import PACKAGE, find_workspace

_found = find_workspace()
if _found is None:
    sys.exit("error: there is no dvc.yaml here: run this in the folder of a clone")
ROOT = Path(_found)
# A result must be of the code that DVC looks at.
_imported = Path(sys.modules[PACKAGE].__path__[0])
if not _imported.samefile(ROOT / "src" / PACKAGE):
    sys.exit(f"error: {ROOT} would run the code in {_imported}: unset PYTHONPATH, or run `make environment`")

# The Python environment that runs this.
ENVIRONMENT = Path(sys.prefix)

STAGES = ROOT / "stages"
LIBRARY = ROOT / "src" / PACKAGE
PARAMS = ROOT / "params.yaml"
DATASETS = ROOT / "datasets"
BROUGHT = ROOT / "brought" / "model"
# What a model of somebody's Triton repository is called, with those that it sends requests through, wherever it stands.
REPOSITORY = "model.repository"
# In it, what was found when it was brought: to ask it takes a server.
FOUND = "found.json"
# And what it answered to its first examples, each alone: that is how it is known again on a server that has one.
FIRST_ANSWERS = "first_answers.npz"

ARTIFACTS = ROOT / "artifacts"
ARRAYS = ARTIFACTS / "data"
MODELS = ARTIFACTS / "models"
ONNX = ARTIFACTS / "onnx"
MODEL_REPOSITORY = ARTIFACTS / "model_repository"

# Rounds of measurements that have not ended; neither DVC's nor git's.
JOURNAL = ROOT / ".journal"

REPORTS = ROOT / "reports"
RAW_DATA = REPORTS / "raw_data.json"
MACHINE = REPORTS / "machine.json"
LIBRARY_VERSIONS = REPORTS / "libraries.json"
TRAINING = REPORTS / "training.json"
CURVES = REPORTS / "curves"
PREDICTIONS = REPORTS / "predictions.csv"
ROC = CURVES / "roc.csv"
RECONSTRUCTIONS = CURVES / "reconstructions.png"
PARITY = REPORTS / "onnx"
SERVING = REPORTS / "serving"
MEASURED = REPORTS / "perf"  # below it, a folder for each way to search
RUNOFF = REPORTS / "runoff.json"
VERDICT = REPORTS / "verdict.json"
SATURATION = REPORTS / "saturation.json"
VERDICTS = REPORTS / "verdicts"
RECOMMENDED = REPORTS / "recommended"

# How much a verdict differs between hours, where that was studied.
BETWEEN_HOURS = ROOT / "benchmarks" / "results" / "between_hours.json"

TRITON = ROOT / "triton"
ANCHOR = TRITON / "anchor"
BACKENDS = TRITON / "backends"
STEPS = TRITON / "steps"


def finalists(search: str) -> Path:
    """Return where the models' folders of the finalists are that a way to search has found.

    As deep as the model repository is: their lists of files are relative.
    """
    return ARTIFACTS / f"finalists_{search}"


def finalist_list(search: str) -> Path:
    """Return the file that names them."""
    return REPORTS / "finalists" / f"{search}.json"
