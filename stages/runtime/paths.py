"""Where stages find each other's files. dvc.yaml names the same paths."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The Python environment that runs this.
ENVIRONMENT = Path(sys.prefix)

STAGES = ROOT / "stages"
PARAMS = ROOT / "params.yaml"
LOCK = ROOT / "dvc.lock"
DATASETS = ROOT / "datasets"

ARTIFACTS = ROOT / "artifacts"
ARRAYS = ARTIFACTS / "data"
MODELS = ARTIFACTS / "models"
ONNX = ARTIFACTS / "onnx"
MODEL_REPOSITORY = ARTIFACTS / "model_repository"
FINALISTS = ARTIFACTS / "finalists"

# Rounds of measurements that have not ended; neither DVC's nor git's.
JOURNAL = ROOT / ".journal"

REPORTS = ROOT / "reports"
MACHINE = REPORTS / "machine.json"
TRAINING = REPORTS / "training.json"
CURVES = REPORTS / "curves"
PREDICTIONS = REPORTS / "predictions.csv"
ROC = CURVES / "roc.csv"
RECONSTRUCTIONS = CURVES / "reconstructions.png"
PARITY = REPORTS / "onnx"
SERVING = REPORTS / "serving"
CELLS = REPORTS / "perf"
FINALIST_LIST = REPORTS / "finalists.json"
RUNOFF = REPORTS / "runoff.json"
SATURATION = REPORTS / "saturation.json"
VERDICTS = REPORTS / "verdicts"
RECOMMENDED = REPORTS / "recommended"

# How much a verdict differs between hours, where that was studied.
BETWEEN_HOURS = ROOT / "benchmarks" / "results" / "between_hours.json"

TRITON = ROOT / "triton"
ANCHOR = TRITON / "anchor"
BACKENDS = TRITON / "backends"
STEPS = TRITON / "steps"
