"""An `onnxruntime` backend for servers that come without the native one.

Triton finds this file in its backend directory under the name that config.pbtxt
asks for, so one model repository serves here and, unchanged, on NVIDIA's
container with its native ONNX Runtime backend. Reads `model.onnx` in the version
folder and the native backend's parameters `intra_op_thread_count` and
`inter_op_thread_count`.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


def session_options(parameters):
    """Return ONNX Runtime's options for the model configuration's `parameters`."""
    options = onnxruntime.SessionOptions()
    for key, option in (
        ("intra_op_thread_count", "intra_op_num_threads"),
        ("inter_op_thread_count", "inter_op_num_threads"),
    ):
        if key in parameters:
            setattr(options, option, int(parameters[key]["string_value"]))
    return options


class TritonPythonModel:
    """One instance of one model: one ONNX Runtime session."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.session = onnxruntime.InferenceSession(
            path, session_options(config["parameters"]), providers=["CPUExecutionProvider"]
        )
        self.inputs = [entry["name"] for entry in config["input"]]
        self.outputs = [entry["name"] for entry in config["output"]]

    def execute(self, requests):
        """Run the requests that Triton batched as one call, and divide the answer."""
        tensors = [
            [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]
            for request in requests
        ]
        try:
            answers = self._run(tensors)
        except Exception as error:  # whatever ONNX Runtime raises is the client's answer
            failure = pb_utils.TritonError(f"ONNX Runtime: {error}")
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor(name, values) for name, values in zip(self.outputs, answer, strict=True)]
            )
            for answer in answers
        ]

    def _run(self, tensors):
        """Return, for each request, its output arrays."""
        if len(tensors) == 1:
            return [self.session.run(self.outputs, dict(zip(self.inputs, tensors[0], strict=True)))]
        batch = {
            name: np.concatenate(parts) for name, parts in zip(self.inputs, zip(*tensors, strict=True), strict=True)
        }
        outputs = self.session.run(self.outputs, batch)
        ends = np.cumsum([len(request[0]) for request in tensors])[:-1]
        # A slice of an output is contiguous along the batch axis: no copy.
        return list(zip(*(np.split(output, ends) for output in outputs), strict=True))
