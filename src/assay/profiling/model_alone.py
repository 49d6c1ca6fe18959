"""What a model costs without a server: the part of a request that no server can take away."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from assay.ground.quiet import load_openvino
from assay.serving.model_config import read_config, threads_in
from assay.serving.model_folder import onnx_file
from assay.tensors.named import Tensors, batch_of, one
from assay.tensors.parity import onnx_answers, onnx_session

RUNS = 15
# Runs of single examples: enough for ten beyond the 95th percentile.
SINGLE_RUNS = 200

Run = Callable[[Tensors], Any]


def _openvino(path: Path, threads: int) -> Run:
    """Return how OpenVINO runs a model, with the settings of our backend."""
    openvino = load_openvino()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": "NO"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = str(threads)
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda batch: request.infer(dict(batch))


def _onnx_runtime(path: Path, threads: int) -> Run:
    session = onnx_session(str(path), threads)
    return lambda batch: onnx_answers(session, batch)


class ModelAlone:
    """A served model's ONNX file in this process, computed by what its configuration says, with its threads."""

    def __init__(self, folder: Path, examples: Tensors) -> None:
        config = read_config(folder / "config.pbtxt")
        threads = threads_in(config)
        accelerators = config.optimization.execution_accelerators.cpu_execution_accelerator
        self._run = (_openvino if accelerators else _onnx_runtime)(onnx_file(folder), threads)
        self._examples, self._batched = examples, config.max_batch_size > 0

    def microseconds(self, batch: int) -> float:
        """Return the median time that a batch of examples takes in this process."""
        return median(self._times_us(batch, RUNS))

    def single(self) -> dict[str, float]:
        """Return percentiles of the microseconds that one example takes in this process."""
        times = self._times_us(1, SINGLE_RUNS)
        return {f"p{percent}": float(np.percentile(times, percent)) for percent in (50, 95)}

    def _times_us(self, batch: int, runs: int) -> list[float]:
        inputs = batch_of(self._examples, batch) if self._batched else one(self._examples, 0, batched=False)
        times = []
        for _ in range(runs):
            began = time.perf_counter_ns()
            self._run(inputs)
            times.append((time.perf_counter_ns() - began) / 1000)
        return times
