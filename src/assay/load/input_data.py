"""The requests that perf_analyzer sends: real examples, in its JSON format."""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assay.ground.files import read_json, reading, write_json


def write_input_data(path: Path, input_name: str, examples: np.ndarray) -> None:
    """Write one request an example; `examples` are [N, …] in the model's own dtype."""
    requests = [{input_name: {"b64": base64.b64encode(example.tobytes()).decode()}} for example in examples]
    write_json(path, {"data": requests})


def count_requests(path: Path) -> int:
    """Return how many requests were written."""
    return len(read_json(path)["data"])


def read_input_data(path: Path, input_name: str, dtype: np.dtype, shape: Sequence[int]) -> np.ndarray:
    """Return the examples [N, *shape] of a type that were written as such requests."""
    with reading(path, f"requests with {input_name}"):
        requests = read_json(path)["data"]
        examples = [np.frombuffer(base64.b64decode(request[input_name]["b64"]), dtype) for request in requests]
        return np.asarray(np.stack(examples).reshape(-1, *shape))
