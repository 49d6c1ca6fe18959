"""An `onnxruntime` backend for servers that come without the native one.

Triton finds this file in its backend directory under the name that config.pbtxt
asks for, so one model repository serves here and, unchanged, on NVIDIA's
container with its native ONNX Runtime backend. Reads `model.onnx` in the version
folder and the native backend's parameters `intra_op_thread_count` and
`inter_op_thread_count`; the processor accelerator `openvino` makes OpenVINO run it.
"""

import json
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils


class OnnxRuntime:
    """A model in a session of ONNX Runtime."""

    def __init__(self, path, parameters, outputs):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        for key, option in (
            ("intra_op_thread_count", "intra_op_num_threads"),
            ("inter_op_thread_count", "inter_op_num_threads"),
        ):
            if key in parameters:
                setattr(options, option, int(parameters[key]["string_value"]))
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.outputs = outputs

    def run(self, inputs):
        """Return the output arrays for the input arrays by name."""
        return self.session.run(self.outputs, inputs)


class OpenVino:
    """A model compiled by OpenVINO, in 32-bit floats as it was exported."""

    def __init__(self, path, parameters, outputs):
        import openvino

        # Each instance is a process of its own: pinned, all of them would share the first core.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
        if "intra_op_thread_count" in parameters:
            settings["INFERENCE_NUM_THREADS"] = int(parameters["intra_op_thread_count"]["string_value"])
        self.request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
        self.outputs = outputs

    def run(self, inputs):
        """Return the output arrays for the input arrays by name."""
        # The request keeps its outputs, and the next batch overwrites them.
        answers = self.request.infer(inputs, share_inputs=True)
        return [np.array(answers[name]) for name in self.outputs]


def accelerators(config):
    """Return the names of what a configuration wants its model computed with on the processor."""
    optimization = config.get("optimization", {}).get("execution_accelerators", {})
    return [each["name"] for each in optimization.get("cpu_execution_accelerator", [])]


class TritonPythonModel:
    """One instance of one model."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.inputs = [entry["name"] for entry in config["input"]]
        self.outputs = [entry["name"] for entry in config["output"]]
        match accelerators(config):
            case []:
                runtime = OnnxRuntime
            case ["openvino"]:
                runtime = OpenVino
            case others:
                raise pb_utils.TritonModelException(f"no accelerator {', '.join(others)} here; openvino is known")
        self.model = runtime(path, config["parameters"], self.outputs)

    def execute(self, requests):
        """Run the requests that Triton batched as one call, and divide the answer."""
        tensors = [
            [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]
            for request in requests
        ]
        try:
            answers = self._run(tensors)
        except Exception as error:  # whatever the runtime raises is the client's answer
            failure = pb_utils.TritonError(f"{type(self.model).__name__}: {error}")
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
            return [self.model.run(dict(zip(self.inputs, tensors[0], strict=True)))]
        batch = {
            name: np.concatenate(parts) for name, parts in zip(self.inputs, zip(*tensors, strict=True), strict=True)
        }
        outputs = self.model.run(batch)
        # A slice of an output is contiguous along the batch axis: no copy.
        ends = list(accumulate(len(request[0]) for request in tensors))
        return [[output[start:end] for output in outputs] for start, end in pairwise([0, *ends])]
