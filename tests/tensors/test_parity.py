"""Whether two answers are the same, within what rounding explains."""

import numpy as np
import pytest

from assay.tensors.parity import largest_difference


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ([0.5, 0.25], [0.5, 0.5], 0.25),
        ([-8.0, 1.0], [-8.0, 1.5], 0.0625),
        ([9e6, 1.0], [9e6 + 3, 1.0], 3 / 9e6),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [np.inf], np.inf),
        ([np.inf, 1.0], [1.0, 1.0], np.inf),
        ([1.0], [np.inf], np.inf),
    ],
)
def test_a_difference_is_a_share_of_the_largest_output_beyond_one(
    expected: list[float], found: list[float], difference: float
) -> None:
    """Large logits are rounded in proportion, probabilities count as they are, and what is no number is no answer."""
    assert largest_difference(np.array([expected]), np.array([found])) == pytest.approx(difference)


@pytest.mark.parametrize("shape", [(3, 10), (1, 1), (3,), (3, 1, 1), (0, 1)])
def test_answers_of_other_shapes_are_never_equal(shape: tuple[int, ...]) -> None:
    """Not even where NumPy would repeat the one until it has the shape of the other."""
    assert largest_difference(np.zeros((3, 1)), np.zeros(shape)) == np.inf
