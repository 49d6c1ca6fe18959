"""The step that names classes: scores of a classifier in, its most likely classes out.

Each example of a batch is answered by itself, so any batch size is right. The model's
configuration gives the names (`classes`, a JSON list) and how many to return (`top_k`).
"""

import json

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Names the best classes of each row of scores."""

    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        self.classes = np.array([name.encode() for name in json.loads(parameters["classes"]["string_value"])], object)
        self.top_k = int(parameters["top_k"]["string_value"])

    def execute(self, requests):
        """Answer each request: `label` as text and `index`, both [batch, top_k], the likeliest first."""
        responses = []
        for request in requests:
            scores = pb_utils.get_input_tensor_by_name(request, "scores").as_numpy()
            index = np.argsort(-scores, axis=-1, kind="stable")[..., : self.top_k]
            outputs = [pb_utils.Tensor("label", self.classes[index]), pb_utils.Tensor("index", index.astype(np.int64))]
            responses.append(pb_utils.InferenceResponse(outputs))
        return responses
