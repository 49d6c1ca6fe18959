"""What an ONNX file says that its model takes and gives."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assay.tensors.signature import Signature, Tensor


def described(name: str, kind: int, axes: list[int | str | None] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, axes)


def model(weights: np.ndarray) -> onnx.ModelProto:
    """Return text, a state, a scalar and what has no shape -> one output."""
    inputs = [
        described("text", TensorProto.STRING, ["batch", 1]),
        described("state", TensorProto.FLOAT, [2, None, 128]),
        described("rate", TensorProto.INT64, []),
        described("anything", TensorProto.BOOL, None),
        described("w", TensorProto.FLOAT, [2, 2]),
    ]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["same"])],
        "graph",
        inputs,
        [described("same", TensorProto.FLOAT16, [2, 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph)


def test_every_axis_is_a_size_or_a_name() -> None:
    """One that is free and has no name is still an axis; a scalar has none, and of some nobody knows."""
    signature = Signature.of(model(np.eye(2, dtype=np.float32)))
    assert signature.inputs == (
        Tensor("text", "BYTES", ("batch", 1)),
        Tensor("state", "FP32", (2, "", 128)),
        Tensor("rate", "INT64", ()),
        Tensor("anything", "BOOL", None),
    )
    assert signature.outputs == (Tensor("same", "FP16", (2, 2)),)
    assert [each.dtype.str for each in signature.inputs] == ["|O", "<f4", "<i8", "|b1"]


def test_weights_kept_beside_the_file_are_not_read(tmp_path: Path) -> None:
    """They may be gigabytes, and the signature does not need them: not even that they are there."""
    large = model(np.eye(40, dtype=np.float32))
    onnx.save(large, tmp_path / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    (tmp_path / "weights").unlink()
    assert Signature.read(tmp_path / "model.onnx") == Signature.of(large)
