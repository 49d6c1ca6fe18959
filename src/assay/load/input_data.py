"""The requests that perf_analyzer sends: real examples, in its JSON format."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.utils import serialize_byte_tensor

from assay.ground.files import read_json, reading, write_json
from assay.tensors.named import Tensors, examples_in


def write_input_data(path: Path, examples: Tensors) -> None:
    """Write one request an example, each tensor in the model's own dtype."""
    count = examples_in(examples)
    write_json(
        path, {"data": [{name: _content(array[n : n + 1]) for name, array in examples.items()} for n in range(count)]}
    )


def _content(example: np.ndarray) -> dict[str, Any]:
    """Return one example [1, …] of a tensor: its bytes, and its shape, for models that leave an axis free."""
    text = example.dtype.kind == "O"
    content = serialize_byte_tensor(example).item() if text else example.tobytes()
    # Triton has no empty dims.
    return {"b64": base64.b64encode(content).decode(), "shape": list(example.shape[1:]) or [1]}


def request_bytes(path: Path) -> list[dict[str, int]]:
    """Return how many bytes each tensor has, of each request that was written."""
    requests = read_json(path)["data"]
    return [{name: len(base64.b64decode(each["b64"])) for name, each in request.items()} for request in requests]


def read_input_data(path: Path, input_name: str, dtype: np.dtype, shape: Sequence[int]) -> np.ndarray:
    """Return the examples [N, *shape] of a type that were written as such requests."""
    with reading(path, f"requests with {input_name}"):
        requests = read_json(path)["data"]
        examples = [np.frombuffer(base64.b64decode(request[input_name]["b64"]), dtype) for request in requests]
        return np.asarray(np.stack(examples).reshape(-1, *shape))
