"""What is said of examples that may be as they should."""

import numpy as np
import pytest

from assay.learning.fetching.remarks import copies, remarks

NOISE = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32)
Y = np.arange(120) % 2


def test_examples_that_are_there_again_are_counted() -> None:
    """A split divides copies, too: whoever brings them along is told how many, and their share."""
    said = list(remarks(np.tile(NOISE[:6], (20, 1)), Y, None))
    assert said == [
        "114 of 120 (95 %) have all values of an earlier one; "
        "leave out what is a copy: a model is not tested by what it has learned from"
    ]
    assert list(remarks(NOISE, Y, None)) == []
    (one,) = remarks(np.concatenate([NOISE[:19], NOISE[:1]]), Y[:20], None)
    assert one.startswith("1 of 20 (5 %) has all values of an earlier one; ")


@pytest.mark.parametrize("shape", [(3,), (4, 6, 3)])
def test_copies_are_found_in_images_and_in_a_test_split(shape: tuple[int, ...]) -> None:
    """Whatever an example is, all of it counts; a publisher's test split should hold nothing that is learned from."""
    x = np.arange(10 * np.prod(shape)).reshape(10, *shape).astype(np.uint8)
    assert copies(x) == 0
    changed = x.copy()
    changed[0].flat[-1] += 1
    assert copies(x, changed) == 9
    assert next(remarks(x, np.arange(10) % 2, None, changed)).startswith("9 of 20 (45 %) have all values of an")


def test_a_column_that_orders_the_examples_is_named() -> None:
    """An index from which rows were left out counts no more, and still says where in the file an example stood."""
    x = NOISE.copy()
    x[:, 1] = np.cumsum(np.arange(len(x)) % 3 + 1)
    said = "a column only rises, or only falls, from one example to the next: 'b'; will it be known of new examples?"
    assert list(remarks(x, Y, ("a", "b", "c"))) == [said]
    assert list(remarks(x[::-1], Y, ("a", "b", "c"))) == [said]
    x[5, 1] = x[4, 1]
    assert list(remarks(x, Y, ("a", "b", "c"))) == []


def test_a_column_that_alone_says_the_class_is_named() -> None:
    """Standardised, a class is no whole number any more, and may still be none of the features."""
    x = NOISE.copy()
    x[:, 1] = (Y - 0.5) / 0.51
    said = "a single column says the class, by a value for each: {}; will it be known of new examples?"
    assert list(remarks(x, Y, ("a", "b", "c"))) == [said.format("'b'")]
    assert list(remarks(x, Y, None)) == [said.format("1")]
    assert list(remarks(x[:8], Y[:8], None)) == []
    x[:, 2] = Y
    assert list(remarks(x, Y, ("a", "b", "c"))) == [
        "each of several columns alone says the class, by a value for each: 'b', 'c'; "
        "will they be known of new examples?"
    ]
