"""What a model costs without a server: the part of a request that no server can take away."""

import time
from pathlib import Path
from statistics import median

import numpy as np

from analysis.parity import onnx_answer, onnx_session
from server.model_config import THREADS, read_config

RUNS = 15


class ModelAlone:
    """A served model's ONNX file in ONNX Runtime, with the threads of its configuration.

    `examples` are [N, …].
    """

    @staticmethod
    def is_what_serves(folder: Path) -> bool:
        """Return whether a served model is computed by ONNX Runtime itself."""
        optimization = read_config(folder / "config.pbtxt").optimization
        return not optimization.execution_accelerators.cpu_execution_accelerator

    def __init__(self, folder: Path, examples: np.ndarray) -> None:
        config = read_config(folder / "config.pbtxt")
        threads = config.parameters[THREADS].string_value
        self._session = onnx_session(str(folder / "1" / "model.onnx"), int(threads or 0))
        self._examples = examples

    def microseconds(self, batch: int) -> float:
        """Return the median time that a batch of examples takes in this process."""
        x = np.resize(self._examples, (batch, *self._examples.shape[1:]))
        times = []
        for _ in range(RUNS):
            began = time.perf_counter_ns()
            onnx_answer(self._session, x)
            times.append(time.perf_counter_ns() - began)
        return median(times) / 1000
