"""Whether neighbours in a batch change an answer."""

from collections.abc import Callable

import numpy as np
import pytest

from assay.ground.process import StageError
from assay.ground.records.prepared import Batch, neighbours_in_words
from assay.tensors.batch_safety import EXAMPLES_A_BATCH, LARGEST_BATCH_BYTES, batch_safety
from assay.tensors.named import Ask, Tensors, each_alone, examples_in, only
from assay.tensors.parity import UnansweredError, largest_difference

X = {"x": np.array([[1, 2], [3, 1], [0, 5], [100, 99], [2, 1]], np.float32)}


def asked(compute: Callable[[np.ndarray], np.ndarray]) -> Ask:
    return lambda inputs: {"y": compute(only(inputs))}


def safety(
    compute: Callable[[np.ndarray], np.ndarray],
    inputs: dict[str, np.ndarray] = X,
    scores: tuple[str, ...] = ("y",),
) -> Batch:
    ask = asked(compute)
    return batch_safety(ask, inputs, each_alone(ask, inputs), scores, "a model")


def rounded_by_the_whole(x: np.ndarray) -> np.ndarray:
    """Return values with as many steps as a batch's largest has room for."""
    step = np.abs(x).max() / 10
    return np.asarray(np.round(x / step) * step)


def test_a_model_that_takes_examples_one_by_one_is_safe() -> None:
    """The last batch may be shorter, and all together are asked, too."""
    found = safety(lambda x: 2 * x)
    assert found == {"examples": 5, "safe": True, "difference": 0, "other_class": 0, "rows": 5}


def test_what_a_large_neighbour_does_to_others_is_counted() -> None:
    """One example a hundred times the others takes the steps between them away: two get another class."""
    found = safety(rounded_by_the_whole)
    assert (found["safe"], found["other_class"]) == (False, 2)
    assert found["difference"] == pytest.approx(0.05)
    assert neighbours_in_words(found) == (
        "asked 4 different examples together, 2 of 5 answers are others, values differ by up to 0.05"
    )


def less_the_mean(x: np.ndarray) -> np.ndarray:
    return np.asarray(x - x.mean(axis=0) * [0, 0.1])


def beside(scores: np.ndarray, other: float) -> np.ndarray:
    return np.concatenate([scores, np.full((len(scores), 1), other, scores.dtype)], axis=1)


def test_a_class_that_is_masked_hides_no_neighbour() -> None:
    """Its score is a constant, and a million times as large as what the others get from their neighbours."""
    found = safety(lambda x: beside(less_the_mean(x), -1e9))
    assert (found["safe"], found["other_class"]) == (False, 1)
    assert found["difference"] == pytest.approx(0.072, abs=0.001)


def test_an_example_that_is_large_hides_no_others() -> None:
    """It decides by itself how finely its neighbours are told apart, and nothing is left of them."""
    many = np.random.default_rng(0).normal(0, 1, (8, 5)).astype(np.float32)
    many[::4] *= 1e6
    found = safety(rounded_by_the_whole, {"x": many})
    assert not found["safe"]
    assert found["other_class"] > 2


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (0, 1, 2, 3)])
def test_pixels_hide_no_confidences(axes: tuple[int, ...]) -> None:
    """What is found in an image: places of hundreds of pixels beside shares of 1 that neighbours change."""

    def compute(x: np.ndarray) -> np.ndarray:
        found = np.concatenate([6.4 * x, 6.4 * x, less_the_mean(x) / 150], axis=1)
        found = np.stack([found, found / 2, found], axis=1)
        return np.asarray((found if len(axes) == 3 else found[:, :, None]).transpose(axes))

    alone = {"y": np.concatenate([compute(each[None]) for each in X["x"]])}
    assert largest_difference(alone["y"], np.concatenate([compute(X["x"][:4]), compute(X["x"][4:])])) < 1e-4
    found = safety(compute)
    assert not found["safe"]
    assert found["difference"] == pytest.approx(0.0076, abs=1e-4)


def test_what_is_left_where_sums_cancel_is_rounding() -> None:
    """A value that is nothing but for the order of sums makes no model unsafe."""
    assert safety(lambda x: np.concatenate([x, x, np.full((len(x), 1), 1e-7 * len(x))], axis=1))["safe"]


def test_another_class_is_no_rounding_where_an_example_has_a_large_one() -> None:
    """A score of one row that makes every difference small: in others, the likeliest class is another."""

    def compute(x: np.ndarray) -> np.ndarray:
        return np.asarray(beside(less_the_mean(x), -1e9) + np.where(x[:, :1] == 100, [[0, 0, 2e9]], 0))

    found = safety(lambda x: compute(x).astype(np.float64))
    assert (found["safe"], found["other_class"]) == (False, 1)
    assert found["difference"] == pytest.approx(0.081, abs=0.001)


def test_a_tie_that_rounding_breaks_is_safe() -> None:
    """Two classes with the same score but for the order of sums, near zero or not."""

    def compute(x: np.ndarray) -> np.ndarray:
        moved = 1e-6 * (len(x) > 1)
        first, second = np.where(x[:, :1] == 3, 0, x[:, :1]), np.where(x[:, :1] == 3, 5e-7, x[:, 1:])
        return np.concatenate([first + moved, second], axis=1)

    found = safety(compute)
    assert (found["safe"], found["other_class"]) == (True, 1)


def test_every_step_of_a_sequence_is_a_row() -> None:
    """A label flips in one of them: the others of its example are as they were."""

    def a_step_more_where_others_are(x: np.ndarray) -> np.ndarray:
        scores = np.zeros((len(x), 3, 2), np.float32)
        scores[:, 1, int(len(x) > 1)] = 1
        return scores

    found = safety(a_step_more_where_others_are, {"x": X["x"][:4]})
    assert (found["other_class"], found["rows"]) == (4, 12)


def test_another_text_is_no_number_of_difference() -> None:
    """It is not safe all the same."""

    def whether_alone(x: np.ndarray) -> np.ndarray:
        return np.full(len(x), "alone" if len(x) == 1 else "not", object)

    found = safety(whether_alone, {"x": X["x"][:4]}, scores=())
    assert (found["safe"], found["difference"], found["other_class"], found["rows"]) == (False, None, 4, 4)
    assert neighbours_in_words(found) == "asked 4 different examples together, 4 of 4 answers are others"


def where_more_than_four_meet(x: np.ndarray) -> np.ndarray:
    return np.flip(x, axis=1) if len(x) > EXAMPLES_A_BATCH else x


def test_what_begins_with_a_larger_batch_is_seen() -> None:
    """Four together change nothing, and five do: what is found is of five."""
    found = safety(where_more_than_four_meet)
    assert (found["examples"], found["safe"], found["other_class"], found["rows"]) == (5, False, 5, 5)


def test_no_more_are_asked_together_than_may_be() -> None:
    """A server refuses batches beyond what its owner allows, were it one example."""

    def refusing(limit: int) -> Ask:
        def ask(inputs: Tensors) -> Tensors:
            assert examples_in(inputs) <= limit
            return {"y": 2 * only(inputs)}

        return ask

    for limit in (1, 3, 4):
        ask = refusing(limit)
        found = batch_safety(ask, X, each_alone(ask, X), ("y",), "a model", largest=limit)
        assert (found["examples"], found["safe"]) == (limit, True)


def test_a_batch_of_large_examples_is_small() -> None:
    """Four are always asked, and of what takes as many bytes as a large batch may have, no more."""
    sizes = set()

    def compute(x: np.ndarray) -> np.ndarray:
        sizes.add(len(x))
        return np.asarray(x[:, :2] + x[:, -1:])

    large = np.zeros((12, LARGEST_BATCH_BYTES // 4 // 6), np.float32)
    assert safety(compute, {"x": large})["examples"] == 6
    assert sizes == {1, 4, 6}


def test_a_model_that_takes_no_larger_batch_is_judged_by_four() -> None:
    """One that a file's own shapes hold to so many: whoever serves it in larger batches is told there."""

    def compute(x: np.ndarray) -> np.ndarray:
        if len(x) > EXAMPLES_A_BATCH:
            raise UnansweredError("it takes no more")
        return x

    assert safety(compute)["examples"] == EXAMPLES_A_BATCH


def test_equal_examples_together_hide_it() -> None:
    """So what is asked together are different ones."""
    assert safety(rounded_by_the_whole, {"x": np.repeat(X["x"][:1], 4, axis=0)})["safe"]


def test_one_answer_for_a_whole_batch_is_refused() -> None:
    """A model that adds its batch up has a free axis and no answer for each."""
    with pytest.raises(
        StageError, match=r"a model answers 4 examples together with \[1, 2\] values in y, and \[4, 2\] would be"
    ):
        safety(lambda x: x.sum(axis=0, keepdims=True))
