"""Whether neighbours in a batch change an answer."""

import numpy as np
import pytest

from assay.ground.process import StageError
from assay.tensors.batch_safety import batch_safety

X = np.array([[1, 2], [3, 1], [0, 5], [100, 99], [2, 1]], np.float32)


def alone(ask: object, x: np.ndarray) -> np.ndarray:
    return np.concatenate([ask(each[np.newaxis]) for each in x])  # type: ignore[operator]  # a function of a batch


def rounded_by_the_whole(x: np.ndarray) -> np.ndarray:
    """Return values with as many steps as a batch's largest has room for."""
    step = np.abs(x).max() / 10
    return np.asarray(np.round(x / step) * step)


def test_a_model_that_takes_examples_one_by_one_is_safe() -> None:
    """The last batch may be shorter."""
    found = batch_safety(lambda x: 2 * x, X, 2 * X, "twice")
    assert found == {"examples": 4, "safe": True, "difference": 0, "other_class": 0}


def test_what_a_large_neighbour_does_to_others_is_counted() -> None:
    """One example a hundred times the others takes the steps between them away: two get another class."""
    found = batch_safety(rounded_by_the_whole, X, alone(rounded_by_the_whole, X), "rounded")
    assert (found["safe"], found["other_class"]) == (False, 2)
    assert found["difference"] == pytest.approx(0.05)


def test_equal_examples_together_hide_it() -> None:
    """So what is asked together are different ones."""
    same = np.repeat(X[:1], 4, axis=0)
    assert batch_safety(rounded_by_the_whole, same, alone(rounded_by_the_whole, same), "rounded")["safe"]


def test_one_answer_for_a_whole_batch_is_refused() -> None:
    """A model that adds its batch up has a free axis and no answer for each."""
    with pytest.raises(
        StageError, match=r"sum answers 4 examples together with \[1, 2\] values, and \[4, 2\] would be"
    ):
        batch_safety(lambda x: x.sum(axis=0, keepdims=True), X, X, "sum")
