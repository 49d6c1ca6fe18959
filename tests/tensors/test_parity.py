"""Whether two answers are the same, within what rounding explains."""

import numpy as np
import pytest

from assay.tensors.parity import alike, largest_difference, magnitude


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ([0.5, 0.25], [0.5, 0.5], 0.5),
        ([1.6e-5, 6e-8], [0.0, 0.0], 1.0),
        ([4e-9, 1e-9], [4e-9, 2e-9], 0.25),
        ([-8.0, 1.0], [-8.0, 1.5], 0.0625),
        ([9e6, 1.0], [9e6 + 3, 1.0], 3 / 9e6),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [np.inf], np.inf),
        ([np.inf, 1.0], [1.0, 1.0], np.inf),
        ([1.0], [np.inf], np.inf),
    ],
)
def test_a_difference_is_a_share_of_the_largest_output(
    expected: list[float], found: list[float], difference: float
) -> None:
    """Large logits are rounded in proportion, small answers differ as much, and what is no number is no answer."""
    assert largest_difference(np.array([expected]), np.array([found])) == pytest.approx(difference)


@pytest.mark.parametrize("shape", [(3, 10), (1, 1), (3,), (3, 1, 1), (0, 1)])
def test_answers_of_other_shapes_are_never_equal(shape: tuple[int, ...]) -> None:
    """Not even where NumPy would repeat the one until it has the shape of the other."""
    assert largest_difference(np.zeros((3, 1)), np.zeros(shape)) == np.inf


def test_what_rounding_to_half_precision_explains_is_no_difference() -> None:
    """It has three digits: another order of sums may change the last of them, and two units are not another answer."""
    answer = np.array([3.0, -0.01], np.float16)
    assert largest_difference(answer, answer + np.array([2**-9, 0], np.float16)) == 0
    assert largest_difference(answer, answer + np.array([2**-6, 0], np.float16)) == pytest.approx(2**-6 / 3)


def test_what_was_nothing_and_is_something_now_is_as_far_as_it_is() -> None:
    """Of zeros there is no share."""
    assert largest_difference(np.zeros(3), np.array([0, 0.02, 0])) == 0.02


def test_an_answer_may_be_measured_by_more_than_itself() -> None:
    """What is small beside others, of which it is the rest, is rounded as they are."""
    small, others = np.array([0.01]), np.array([1000.0])
    assert (
        largest_difference(small, small + 5e-5, magnitude(small, others))
        < 1e-7
        < largest_difference(small, small + 5e-5)
    )


@pytest.mark.parametrize("mask", [-1e4, -1e9])
def test_a_class_that_is_masked_is_no_measure_of_the_others(mask: float) -> None:
    """Differences are shares of what is first or second in a row, in the rows of examples and of steps alike."""
    scores = np.array([[3.0, 4.0, 1.0, mask], [-2.0, mask, -8.0, 5.0]])
    other = scores.copy()
    other[0, 1] = 4.5
    assert largest_difference(scores, other) == largest_difference(scores[None], other[None]) == 0.1
    assert not alike(scores[:1], other[:1])


def test_what_is_certain_is_measured_by_what_it_is_certain_against() -> None:
    """A log-probability of 0 is the largest there is, and no measure; where the two largest are 0, all are one."""
    sure = np.array([[-1e-8, -20.0, -30.0]])
    assert largest_difference(sure, sure - [[0, 0, 2e-6]]) == pytest.approx(1e-7)
    assert largest_difference(np.array([[0.0, 0, -4]]), np.array([[0.0, 0, -5]])) == 0.25


@pytest.mark.parametrize(
    ("answer", "other", "are"),
    [
        (np.array([100_000]), np.array([100_001]), False),
        (np.array([2**62]), np.array([2**62 + 1]), False),
        (np.array([True]), np.array([False]), False),
        (np.array([7]), np.array([7]), True),
        (np.array(["é"], object), np.array(["é".encode()], object), True),
        (np.array(["a"], object), np.array(["b"], object), False),
        (np.array([1000.0]), np.array([1000.01]), True),
        (np.array([1.6e-5]), np.array([6e-8]), False),
        (np.array([1.0]), np.array([[1.0]]), False),
    ],
)
def test_floats_alone_are_rounded(answer: np.ndarray, other: np.ndarray, are: bool) -> None:
    """A whole number, a truth value or a text that is another is another answer, however large it is."""
    assert alike(answer, other) is are
