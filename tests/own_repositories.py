"""Small models of somebody's Triton repository: a program in Python, an ONNX file, an ensemble of both."""

from pathlib import Path

import numpy as np
import onnx
import own_models

HALVING = '''"""Half of each value, and how many values there are."""
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Halves."""

    @staticmethod
    def auto_complete_config(config):
        """Say what config.pbtxt leaves out."""
        config.add_input({"name": "x", "data_type": "TYPE_FP32", "dims": [4]})
        config.add_output({"name": "half", "data_type": "TYPE_FP32", "dims": [4]})
        config.set_max_batch_size(16)
        return config

    def execute(self, requests):
        """Answer each request."""
        answers = [pb_utils.get_input_tensor_by_name(each, "x").as_numpy() / np.float32(2) for each in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("half", each)]) for each in answers]
'''
TENSORS = """
input [{ name: "x" data_type: TYPE_FP32 dims: [4] }]
output [{ name: "%s" data_type: TYPE_FP32 dims: [%d] }]
"""


def write(folder: Path, config: str, files: dict[str, bytes | str]) -> Path:
    """Write a model's folder; return it."""
    folder.mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config)
    for place, content in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def halving(repository: Path, more: str = "", *, short: bool = False) -> Path:
    """Write a program that halves; a `short` configuration leaves to it to say what it takes."""
    stated = "" if short else f"max_batch_size: 16 {TENSORS % ('half', 4)}"
    return write(repository / "halving", f'backend: "python"\n{stated}{more}', {"1/model.py": HALVING})


def scoring(repository: Path, more: str = "", *, name: str = "scoring", versions: tuple[int, ...] = (1,)) -> Path:
    """Write an ONNX file under a configuration of its owner's, each version with weights of its own."""
    files = {}
    for version in versions:
        model = own_models.dense()
        weights = own_models.weights(4, 3, seed=version)
        model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
        files[f"{version}/model.onnx"] = model.SerializeToString()
    return write(repository / name, f'backend: "onnxruntime"\nmax_batch_size: 8 {TENSORS % ("scores", 3)}{more}', files)


def ensemble(repository: Path, policy: str = "", versions: tuple[int, ...] = (1,), asked: int = -1) -> Path:
    """Write an ensemble that scores half of its input, with its steps, one of them `asked` for in a version."""
    halving(repository)
    scoring(repository, policy, versions=versions)
    steps = f"""
ensemble_scheduling {{ step [
  {{ model_name: "halving" model_version: -1
    input_map {{ key: "x" value: "x" }} output_map {{ key: "half" value: "h" }} }},
  {{ model_name: "scoring" model_version: {asked} input_map {{ key: "x" value: "h" }}
    output_map {{ key: "scores" value: "scores" }} }}
] }}
"""
    config = f'platform: "ensemble"\nmax_batch_size: 8 {TENSORS % ("scores", 3)}{steps}'
    folder = write(repository / "pipeline", config, {})
    (folder / "1").mkdir()
    return folder


def expected_scores(x: np.ndarray, version: int = 1) -> np.ndarray:
    """Return what `scoring` answers."""
    return np.asarray(x @ own_models.weights(4, 3, seed=version))
