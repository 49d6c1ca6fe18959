"""The requests that perf_analyzer sends: real examples, in its JSON format."""

import base64
from pathlib import Path

import numpy as np

from runtime.files import write_json


def write_input_data(path: Path, input_name: str, examples: np.ndarray) -> None:
    """Write one request an example; `examples` are [N, …] in the model's own dtype."""
    requests = [{input_name: {"b64": base64.b64encode(example.tobytes()).decode()}} for example in examples]
    write_json(path, {"data": requests})
