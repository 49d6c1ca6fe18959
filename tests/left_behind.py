"""What the stages leave behind of a training, as far as predicting looks at it, and what DVC says of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from conftest import linear_model, taking_bytes
from onnx import TensorProto, helper, numpy_helper

from assay.ground.dvc_lock import digest
from assay.ground.files import write_json
from assay.predicting.provenance import DATA, digest_of_folder

EXPORT = "artifacts/onnx/fp32"
DIGITS = tuple("0123456789")


def tenths() -> onnx.ModelProto:
    """Return features [N, 4] -> probabilities [N, 3], a tenth of the first three."""
    weights = numpy_helper.from_array(np.eye(4, 3, dtype=np.float32) / 10, "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "w"], ["probabilities"])],
        "tenths",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def learn(
    folder: Path,
    dataset: str = "digits",
    classes: Sequence[str] = DIGITS,
    columns: Sequence[str] = (),
    *,
    model: onnx.ModelProto | None = None,
    family: str = "autoencoder",
) -> None:
    """Leave an export, what it learned from, and a dvc.lock that fits both in a folder."""
    export = folder / EXPORT / "classifier.onnx"
    for path in (export, folder / DATA):
        path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model or taking_bytes(linear_model()), export)
    content = {"dataset": dataset, "class_counts": {"train": dict.fromkeys(classes, 1)}}
    write_json(folder / DATA, content | ({"columns": list(columns)} if columns else {}))
    trained, divided = {"path": "artifacts/models", "md5": "m"}, {"path": "artifacts/data", "md5": "d"}
    made = {"path": EXPORT, "md5": digest_of_folder(folder / EXPORT)}
    counted = {"path": DATA, "md5": digest((folder / DATA).read_bytes())}
    stages = {
        "data": {"outs": [divided, counted]},
        "train": {"deps": [divided], "params": {"params.yaml": {"model": family}}, "outs": [trained]},
        "onnx@fp32": {"deps": [trained, divided], "outs": [made]},
    }
    write_json(folder / "dvc.lock", {"stages": stages})
