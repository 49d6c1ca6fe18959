"""Iris from its rows to the name of a species: a forest, its probabilities, and the label, in one model of Triton's."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import clone, run

from assay.ground.records.learned import LEARNED_FROM, from_text
from assay.learning.datasets.iris import SPECIES
from assay.servers.embedded import serve
from assay.serving.answers import check_effective_config
from assay.serving.model_config import read_config

# What the first writers of such a service asked theirs, and what it ought to say.
KNOWN = {(0.0, 0.0, 0.0, 0.0): "setosa", (5.7, 2.8, 4.5, 1.3): "versicolor", (6.2, 3.0, 5.0, 2.0): "virginica"}
FEATURES = ["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"]


def forest(params: dict[str, Any]) -> None:
    params |= {"dataset": "iris", "model": "random_forest"}
    params["labels"]["top_k"] = 1


@pytest.mark.slow
def test_the_known_examples_are_named_alone_and_in_a_batch(tmp_path: Path) -> None:
    """By the ensemble over both protocols, and by predict in three ways, from one pipeline in a clone of its own."""
    folder = clone(tmp_path / "clone", forest)
    run("dvc", "pull", "data.dvc", cwd=folder)
    run("dvc", "repro", "serving", cwd=folder)
    repository = folder / "artifacts" / "model_repository"
    examples, names = np.array(list(KNOWN), np.float32), np.array(list(KNOWN.values()), object)
    with serve([repository / name for name in ("classifier-fp32", "label", "labelled-fp32")], 60) as server:
        check_effective_config(server, repository / "labelled-fp32")
        plain = read_config(repository / "classifier-fp32" / "config.pbtxt")
        assert from_text(plain.parameters[LEARNED_FROM].string_value, "it") == {
            "dataset": "iris",
            "classes": list(SPECIES),
            "columns": FEATURES,
        }
        for protocol in ("http", "grpc"):
            for count in (1, 2, 3):
                for first in range(len(KNOWN) - count + 1):
                    batch = slice(first, first + count)
                    said = server.infer("labelled-fp32", {"features": examples[batch]}, ["label"], protocol)["label"]
                    assert [name.decode() for (name,) in said] == list(names[batch])

        # By name, in whatever order they are.
        pd.DataFrame(list(KNOWN), columns=FEATURES)[FEATURES[::-1]].to_csv(folder / "three.csv", index=False)
        for where in ([], ["--http", server.http_address], ["--grpc", server.grpc_address]):
            run("python", "tools/predict.py", "three.csv", *where, cwd=folder)
            said = pd.read_csv(folder / "predictions.csv")
            assert list(said["label"]) == list(names)
            (folder / "predictions.csv").unlink()
