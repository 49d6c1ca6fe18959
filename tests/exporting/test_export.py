"""One model, one file: which of several conversions becomes the export."""

import itertools

import numpy as np
import pytest
from conftest import linear_model

from assay.ground.process import StageError
from assay.learning.frameworks.keras_model import usual_form


def test_the_form_that_comes_out_three_times_is_the_export() -> None:
    """Rare forms of the same model are passed over, whichever came first."""
    rare, usual, rarer = (linear_model(scale=scale) for scale in (0.1, 0.2, 0.3))
    weights = usual.graph.initializer[0].raw_data
    conversions = iter([rare, usual, rarer, rare, usual, usual, rare])
    chosen = usual_form(lambda: type(usual).FromString(next(conversions).SerializeToString()))
    assert chosen.graph.initializer[0].raw_data == weights
    assert len(list(conversions)) == 1


def test_a_model_that_never_converts_alike_is_an_error() -> None:
    """A graph that differs every time would be measured anew every time."""
    scales = itertools.count(1)
    with pytest.raises(StageError, match="20 conversions of one model to ONNX gave 20 different graphs"):
        usual_form(lambda: linear_model(scale=float(np.float32(next(scales)))))
