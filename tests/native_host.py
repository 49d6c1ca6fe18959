"""The backend in a host that takes the server's place, built with sanitizers: scenarios and what came of them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf import json_format
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2 as schema
from tritonclient.utils import deserialize_bytes_tensor, np_to_triton_dtype, serialize_byte_tensor

from assay.serving.backend import SOURCES, compiler, packaged, sources

HOST = Path(__file__).resolve().parent / "serving" / "native"
FLAGS = (
    *("-std=c++17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
)
# As Triton numbers its types.
_IN_ORDER = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BYTES", "BF16"),
)
NUMBERS = {name: number for number, name in enumerate(_IN_ORDER, 1)}
NAMES = {number: name for name, number in NUMBERS.items()}
NUMPY: dict[str, Any] = {
    "BOOL": np.bool_,
    **{f"{sign}INT{bits}": np.dtype(f"{sign.lower()}int{bits}").type for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"float{bits}").type for bits in (16, 32, 64)},
    "BF16": np.uint16,  # its bits: NumPy has no such type
}
LIBRARIES = {
    "onnxruntime-library": str(packaged("onnxruntime", "capi/libonnxruntime.so.*")),
    "openvino-library": str(packaged("openvino", "libs/libopenvino_c.so.*")),
}


def build(folder: Path, *flags: str) -> Path:
    """Compile the host with the backend's own sources; return the program."""
    words = [*compiler(), *(flags or FLAGS), "-isystem", str(packaged("openvino", "include")), "-iquote", str(SOURCES)]
    units = [*HOST.glob("*.cc"), *(path for path in sources() if path.suffix == ".cc")]

    def compiled(unit: Path) -> str:
        made = folder / f"{unit.stem}.o"
        finished = subprocess.run(
            [*words, "-c", str(unit), "-o", str(made)], check=False, capture_output=True, text=True, cwd=folder
        )
        assert finished.returncode == 0, finished.stderr
        return str(made)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = list(pool.map(compiled, units))
    subprocess.run([*words, *objects, "-ldl", "-o", str(folder / "host")], check=True)
    return folder / "host"


def model(
    nodes: Sequence[onnx.NodeProto], inputs: Sequence[Any], outputs: Sequence[Any], **more: Any
) -> onnx.ModelProto:
    """Return an ONNX model; a tensor is a name, a type of TensorProto and a shape with names for free axes."""
    takes, gives = ([helper.make_tensor_value_info(*each) for each in some] for some in (inputs, outputs))
    graph = helper.make_graph(list(nodes), "model", takes, gives, **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def identity(kind: int = TensorProto.FLOAT, shape: Sequence[Any] = ("batch", 3)) -> onnx.ModelProto:
    """Return x -> y, the same."""
    return model([helper.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, shape)])


def config(inputs: dict[str, Any], outputs: dict[str, Any], max_batch_size: int = 8) -> schema.ModelConfig:
    """Return a configuration; a tensor is a type of Triton's and its dims."""
    made = schema.ModelConfig(name="m", backend="onnxruntime", max_batch_size=max_batch_size)
    for found, tensors in ((made.input, inputs), (made.output, outputs)):
        for name, (kind, dims) in tensors.items():
            found.add(name=name, data_type=f"TYPE_{'STRING' if kind == 'BYTES' else kind}", dims=dims)
    made.instance_group.add(kind=schema.ModelInstanceGroup.KIND_CPU, count=1)
    return made


def same(kind: str = "FP32", dims: Sequence[int] = (3,), max_batch_size: int = 8) -> schema.ModelConfig:
    """Return the configuration of `identity`."""
    return config({"x": (kind, dims)}, {"y": (kind, dims)}, max_batch_size)


def tensor(name: str, array: np.ndarray, *, kind: str | None = None, pieces: int = 1, **more: Any) -> dict[str, Any]:
    """Return an input of a request, cut into pieces."""
    kind = kind or np_to_triton_dtype(array.dtype)
    content = serialize_byte_tensor(array).item() if kind == "BYTES" and array.size else array.tobytes()
    cuts = [round(len(content) * i / pieces) for i in range(pieces + 1)]
    sent = [content[begin:end].hex() for begin, end in pairwise(cuts)]
    return {"name": name, "type": NUMBERS[kind], "shape": array.shape, "pieces": sent, "offset": 0, "memory": 0, **more}


def request(*inputs: dict[str, Any], outputs: Sequence[str] = ("y",)) -> dict[str, Any]:
    """Return a request for some outputs."""
    return {"inputs": inputs, "outputs": outputs}


def arrays(answered: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the outputs of an answered request by name."""
    found = {}
    for each in answered["outputs"]:
        content, kind = bytes.fromhex(each["data"]), NAMES[each["type"]]
        flat = deserialize_bytes_tensor(content) if kind == "BYTES" else np.frombuffer(content, NUMPY[kind])
        found[each["name"]] = flat.reshape(each["shape"])
    return found


@dataclass
class Host:
    """The built program, and a folder for the models of one test."""

    program: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=lambda: dict(LIBRARIES))
    detects_leaks: bool = True

    def run(self, models: Sequence[dict[str, Any]], settings: str | None = None, **scenario: Any) -> dict[str, Any]:
        """Return what came of a scenario; fails if a sanitizer found something."""
        given = json.dumps({"cmdline": self.settings}) if settings is None else settings
        path = self.folder / "scenario.json"
        path.write_text(json.dumps({"settings": given, "models": models, **scenario}))
        # What ONNX Runtime and OpenVINO keep until the process ends is not the backend's.
        suppressions = self.folder / "suppressions"
        suppressions.write_text("leak:libonnxruntime.so\nleak:libopenvino\nleak:libtbb\n")
        finished = subprocess.run(
            [str(self.program), str(path)],
            check=False,
            capture_output=True,
            text=True,
            env={
                "ORT_DISABLE_TELEMETRY": "1",
                "TBB_ENABLE_SANITIZERS": "1",  # OpenVINO's threads: load nothing in a way that sanitizers cannot bear
                "ASAN_OPTIONS": "alloc_dealloc_mismatch=0",  # the host counts with a `new` of its own
                "LSAN_OPTIONS": f"suppressions={suppressions}:print_suppressions=0:detect_leaks={self.detects_leaks:d}",
                "HOME": str(self.folder),
            },
        )
        assert finished.returncode == 0, finished.stderr[-4000:] + finished.stdout[-1000:]
        sys.stderr.write(finished.stderr)
        found: dict[str, Any] = json.loads(finished.stdout)
        return found

    def entry(
        self,
        made: onnx.ModelProto | bytes,
        configuration: schema.ModelConfig | str,
        *batches: dict[str, Any],
        **more: Any,
    ) -> dict[str, Any]:
        """Write a model's folder and return its entry in a scenario."""
        folder = self.folder / f"model_{len(list(self.folder.glob('model_*')))}"
        (folder / "1").mkdir(parents=True)
        content = made if isinstance(made, bytes) else made.SerializeToString()
        (folder / "1" / "model.onnx").write_bytes(content)
        if not isinstance(configuration, str):
            # As the server hands it over: defaults written out.
            configuration = json_format.MessageToJson(
                configuration, preserving_proto_field_name=True, including_default_value_fields=True
            )
        return {"config": configuration, "folder": str(folder), "artifact_type": 0, "batches": batches, **more}

    def answers(
        self, made: onnx.ModelProto, configuration: schema.ModelConfig, *requests: dict[str, Any], **batch: Any
    ) -> dict[str, Any]:
        """Return what came of one batch to one model, which must load."""
        found = self.run([self.entry(made, configuration, {"requests": requests, "faults": [], **batch})])
        assert found["initialize"] is None
        (of_model,) = found["models"]
        assert (of_model["model"], of_model["instance"]) == (None, None), of_model
        (of_batch,) = of_model["batches"]
        assert (of_model["instance_finalize"], of_model["model_finalize"], found["finalize"]) == (None, None, None)
        for each in of_batch["requests"]:
            assert (each["released"], each["successes"] + each["failures"]) == (1, 1)
        return {**of_batch, "log": found["log"]}

    def refusal(self, made: onnx.ModelProto | bytes, configuration: schema.ModelConfig | str) -> str:
        """Return why a model is not loaded; its Finalize functions must bear that."""
        found = self.run([self.entry(made, configuration)])
        (of_model,) = found["models"]
        assert of_model["model_finalize"] is None
        assert of_model.get("instance_finalize") is None
        why: str = of_model["model"] or of_model["instance"]
        assert why, "it was loaded"
        return why
