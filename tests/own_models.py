"""Small models of somebody else's, of every kind that is told apart, and samples for them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Tensor = tuple[str, int, list[str | int] | None]
FLOAT, HALF, INT64, STRING = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.STRING


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[Tensor],
    outputs: list[Tensor],
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """Return a model of nodes; a tensor is its name, ONNX's type, and axes: sizes, or names where they are free."""
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def tokens() -> onnx.ModelProto:
    """Return ids and mask:0 int64 [batch, sequence] -> logits [batch, 3], which a vocabulary of 50 is enough for."""
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["embedded"]),
        helper.make_node("Cast", ["mask:0"], ["floats"], to=FLOAT),
        helper.make_node("Unsqueeze", ["floats", "last"], ["column"]),
        helper.make_node("Mul", ["embedded", "column"], ["masked"]),
        helper.make_node("ReduceMean", ["masked"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "head"], ["logits"]),
    ]
    constants = {"embedding": weights(50, 8), "head": weights(8, 3, seed=1), "last": np.array([-1], np.int64)}
    inputs: list[Tensor] = [("ids", INT64, ["batch", "sequence"]), ("mask:0", INT64, ["batch", "sequence"])]
    return model(nodes, inputs, [("logits", FLOAT, ["batch", 3])], constants)


def words(batch: int = 2) -> onnx.ModelProto:
    """Return text [batch, 1] of a fixed batch -> twice [batch, 1], each text twice in a row."""
    nodes = [helper.make_node("StringConcat", ["text", "text"], ["twice"])]
    return model(nodes, [("text", STRING, [batch, 1])], [("twice", STRING, [batch, 1])], opset=20)


def halves() -> onnx.ModelProto:
    """Return x float16 [batch, 4] -> y float16 [batch, 2]."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    constants = {"w": weights(4, 2).astype(np.float16)}
    return model(nodes, [("x", HALF, ["batch", 4])], [("y", HALF, ["batch", 2])], constants)


def dense(classes: int = 3) -> onnx.ModelProto:
    """Return x [batch, 4] -> scores [batch, classes]."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["scores"])]
    return model(
        nodes, [("x", FLOAT, ["batch", 4])], [("scores", FLOAT, ["batch", classes])], {"w": weights(4, classes)}
    )


def number() -> onnx.ModelProto:
    """Return x [batch, 4] -> y [batch, 1]: a number, that of no class."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return model(nodes, [("x", FLOAT, ["batch", 4])], [("y", FLOAT, ["batch", 1])], {"w": weights(4, 1)})


def labelled() -> onnx.ModelProto:
    """Return x [batch, 2] -> label [batch] in text; eight bits take its last weight, a thousandth, for none."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["place"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["place"], ["label"], domain="ai.onnx.ml", keys_int64s=[0, 1], values_strings=["cat", "dog"]
        ),
    ]
    constants = {"w": np.array([[-1, 1], [0, 0.001]], np.float32)}
    made = model(nodes, [("x", FLOAT, ["batch", 2])], [("label", STRING, ["batch"])], constants)
    made.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    return made


def heavy() -> onnx.ModelProto:
    """Return x [batch, 4] -> y [batch, 4], with 8 MB of weights between."""
    nodes = [
        helper.make_node("MatMul", ["x", "wide"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "back"], ["y"]),
    ]
    constants = {"wide": weights(4, 250_000), "back": weights(250_000, 4)}
    return model(nodes, [("x", FLOAT, ["batch", 4])], [("y", FLOAT, ["batch", 4])], constants)


def stateful() -> onnx.ModelProto:
    """Return x [any, 4], state [2, any, 4], rate int64 [] -> y [any, 4], next [2, any, 4]: no batch that is first."""
    nodes = [
        helper.make_node("Cast", ["rate"], ["factor"], to=FLOAT),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
        helper.make_node("Add", ["state", "y"], ["next"]),
    ]
    inputs: list[Tensor] = [("x", FLOAT, [None, 4]), ("state", FLOAT, [2, None, 4]), ("rate", INT64, [])]  # type: ignore[list-item]
    outputs: list[Tensor] = [("y", FLOAT, [None, 4]), ("next", FLOAT, [2, None, 4])]  # type: ignore[list-item]
    return model(nodes, inputs, outputs)


def save(path: Path, made: onnx.ModelProto, *, external: bool = False) -> Path:
    """Write a model to a file, and its weights to one beside it if they are to be external; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if external:
        onnx.save(made, path, save_as_external_data=True, location=f"{path.stem}.weights", size_threshold=0)
    else:
        onnx.save(made, path)
    return path
