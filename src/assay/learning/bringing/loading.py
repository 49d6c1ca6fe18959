"""An ONNX file that somebody else made, opened, or refused in one sentence."""

from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.message import DecodeError

from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.tensors.external_data import external_files
from assay.tensors.parity import runtimes_words, session_options
from assay.tensors.signature import Signature, Tensor

# Protocol buffers end there.
LARGEST_BYTES = 2**31 - 1
_NOT_HANDLED = {"BF16": "ONNX Runtime takes no bfloat16 from Python; let the model's first layer convert"}


@dataclass(frozen=True)
class OpenedModel:
    """A model in ONNX Runtime, what its file says of it, and the files that it is in, its own first."""

    session: onnxruntime.InferenceSession
    signature: Signature
    files: tuple[Path, ...]
    opsets: dict[str, int]
    ir_version: int

    @property
    def size(self) -> int:
        """How many bytes its files have together."""
        return sum(path.stat().st_size for path in self.files)


def open_model(path: Path) -> OpenedModel:
    """Open an ONNX file; raises StageError that says why it is none, or none that can be served, FileNotFoundError."""
    name = printable(path.name)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise StageError(
            f"the path {printable(path)} is not in UTF-8, and ONNX Runtime takes no other: rename it"
        ) from None
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise StageError(
            f"{name} has {size / 1e9:.1f} GB, and an ONNX file ends at 2; save it with its weights beside it: "
            "onnx.save(model, path, save_as_external_data=True)"
        )
    try:
        graph = onnx.load(path, format="protobuf", load_external_data=False)  # whatever its name ends in
    except DecodeError:
        raise StageError(f"{name} is no ONNX file") from None
    if not graph.graph.node or not graph.graph.output:
        raise StageError(f"{name} is no ONNX file with a model in it: it computes nothing")
    if path.is_symlink() and not all((path.parent / each).exists() for each in external_files(path)):
        path = path.resolve()  # weights lie beside the file itself
    signature, beside = Signature.of(graph), _weights(path, name)
    for tensor in (*signature.inputs, *signature.outputs):
        _check_tensor(tensor, name)
    if not signature.inputs:
        raise StageError(f"{name} takes nothing: there is nothing to ask it")
    try:
        session = onnxruntime.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        raise StageError(
            f"ONNX Runtime {onnxruntime.__version__} cannot read {name}: {runtimes_words(error)}"
        ) from None
    opsets = {each.domain or "ai.onnx": each.version for each in graph.opset_import}
    return OpenedModel(session, signature, (path, *beside), opsets, graph.ir_version)


def _weights(path: Path, name: str) -> list[Path]:
    """Return the files beside a model that hold its weights; raises StageError if one is missing, or has a bad name."""
    names = external_files(path)
    if missing := [each for each in names if not (path.parent / each).is_file()]:
        raise StageError(f"{name} keeps weights in {listed(missing)}, and they are not beside it")
    if taken := [each for each in names if each.endswith(".onnx")]:
        raise StageError(
            f"{name} keeps weights in {listed(taken)}, a name that only models have here; save it again with "
            "onnx.save(model, path, save_as_external_data=True, location='weights.bin')"
        )
    return [path.parent / each for each in names]


def _check_tensor(tensor: Tensor, name: str) -> None:
    """Raise StageError about a tensor that cannot be asked, or served."""
    called = printable(tensor.name)
    if tensor.datatype in _NOT_HANDLED:
        raise StageError(f"{called} holds {tensor.datatype}: {_NOT_HANDLED[tensor.datatype]}")
    if tensor.axes is None:
        raise StageError(
            f"{name} does not say how many axes {called} has, which Triton must know; save it again with "
            "onnx.shape_inference.infer_shapes"
        )
    if no_size := [axis for axis in tensor.axes if isinstance(axis, int) and axis < 1]:
        raise StageError(
            f"{called} has an axis of the size {no_size[0]}, which is none; an axis that is free has a name"
        )
