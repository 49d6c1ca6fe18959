"""Columns of one's own that are no features, or lose themselves: what is refused, and how it may be meant."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_data import own, refusal

from assay.ground.process import StageError
from assay.learning.loading import load


def test_a_column_that_counts_the_examples_is_no_feature(tmp_path: Path) -> None:
    """An index of pandas' is refused with its name and remedy, whatever data.own.shape says."""
    noise = np.random.default_rng(0).normal(size=20)
    rows = pd.DataFrame({"noise": noise, "label": ["cat", "dog"] * 10})
    unnamed = "has no name for column 1 of 3; leave out what is no feature: pandas does not write its index with to_csv"
    for features in (1, 2):
        assert refusal(tmp_path, rows.to_csv(), features) == f"{unnamed}(…, index=False); or name it"
    for start in (0, 1, 100):
        named = rows.assign(id=range(start, start + 20))
        assert refusal(tmp_path, named.to_csv(index=False)).startswith(
            f"has a running number in the column 'id', from {start} to {start + 19}; leave it out, as "
        )
    np.savez(tmp_path / "own.npz", x=np.stack([noise, np.arange(20)], axis=1), y=np.arange(20) % 2)
    (tmp_path / "own.csv").unlink()
    with pytest.raises(StageError, match=r"own\.npz has a running number in column 1 of x, from 0 to 19; leave it out"):
        load(own("npz", [2]), tmp_path)


def noisy(count: int = 20, **columns: Any) -> pd.DataFrame:
    """Return cats and dogs in turns, with noise and more columns."""
    noise = np.random.default_rng(0).normal(size=count)
    return pd.DataFrame({"noise": noise, **columns, "label": ["cat", "dog"] * (count // 2)})


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(np.arange(20)[::-1], id="downwards"),
        pytest.param(np.arange(20) * 2 + 7, id="in steps"),
        pytest.param(np.random.default_rng(0).permutation(20), id="shuffled"),
        pytest.param(np.random.default_rng(0).permutation(20) * 1000.0 - 500_000, id="shuffled, in steps, as floats"),
    ],
)
def test_a_running_number_is_one_in_whatever_order(tmp_path: Path, numbers: np.ndarray) -> None:
    """Whole numbers at equal distances, as many as there are examples, count them."""
    said = refusal(tmp_path, noisy(id=numbers).to_csv(index=False))
    assert said == (
        f"has a running number in the column 'id', from {numbers.min():.0f} to {numbers.max():.0f}; leave it out, "
        "as to_csv(…, index=False) does with pandas' index, and count one feature less in data.own.shape; "
        "or, if it is a feature, say so: add 0.5 to every value of it, here and in all that the model is asked"
    )


@pytest.mark.parametrize("column", [range(20), [10, 20] * 10])
def test_a_column_of_numbers_may_be_meant(tmp_path: Path, column: list[int]) -> None:
    """With fractions, as the sentence says, it counts nothing and is no class."""
    assert "add 0.5 to every value of it" in refusal(tmp_path, noisy(a=column).to_csv(index=False))
    noisy(a=np.array(column) + 0.5).to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x[:, 1].tolist() == [each + 0.5 for each in column]


@pytest.mark.parametrize("numbers", [[*range(19), 20], [0, *range(19)], [1, 4, 9, 16, 25, 36, 49, 64, 81, 100] * 2])
def test_numbers_that_do_not_count_are_features(tmp_path: Path, numbers: list[int]) -> None:
    """One that is missing, one that is there twice, other distances: such a column may have been measured."""
    noisy(a=numbers).to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x[:, 1].tolist() == numbers


@pytest.mark.parametrize("codes", [[0, 1], [1, 0], [1, 2], [20, -10]])
def test_a_column_that_repeats_the_class_is_no_feature(tmp_path: Path, codes: list[int]) -> None:
    """A table that has the class as a number beside its name, whichever, would be learned by heart."""
    rows = noisy(target=codes * 10)
    assert refusal(tmp_path, rows.to_csv(index=False)) == (
        "has the class itself in the column 'target', as a number for each; "
        "leave it out, and count one feature less in data.own.shape; "
        "or, if it is a feature, say so: add 0.5 to every value of it, here and in all that the model is asked"
    )
    rows.loc[0, "target"] = codes[1]
    rows.to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x.shape == (20, 2)


def test_a_class_among_few_examples_or_many_columns_may_be_chance(tmp_path: Path) -> None:
    """Of two values in ten rows, one column in a hundred divides them as the classes do; a rare class is met easily."""
    noisy(8, a=[0, 1] * 4).to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x.shape == (8, 2)
    labels = ["cat"] + ["dog"] * 29
    pd.DataFrame({"a": [1] + [0] * 29, "b": [2, 1, 1] * 10, "label": labels}).to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x.shape == (30, 2)
    many = {f"a{place}": [0, 1] * 12 for place in range(1000)}
    assert "has the class itself in the column 'a0'" in refusal(tmp_path, noisy(24, **many).to_csv(index=False), 1001)
    noisy(14, **{name: values[:14] for name, values in many.items()}).to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [1001]), tmp_path).x.shape == (14, 1001)


SECONDS = 1_700_000_000 + np.random.default_rng(0).permutation(100)[:50]


def test_features_that_are_lost_in_32_bits_are_refused(tmp_path: Path) -> None:
    """Times of which two are left are named, in a table and in arrays of any type, with a way to keep them."""
    said = "has 50 different values in the column 'time', and as 32-bit floats, of seven digits, 2; subtract what they "
    assert refusal(tmp_path, noisy(50, time=SECONDS).to_csv(index=False)).startswith(said)
    (tmp_path / "own.csv").unlink()
    y = np.arange(50) % 2
    for times in (SECONDS, SECONDS.astype(np.uint32), SECONDS + 0.25, SECONDS * 10**9, SECONDS * 1e-30):
        np.savez(tmp_path / "own.npz", x=times[:, np.newaxis], y=y)
        with pytest.raises(
            StageError, match=r"own\.npz has 50 different values in column 0 of x, and as 32-bit floats, "
        ):
            load(own("npz", [1]), tmp_path)
    for meant in (SECONDS - SECONDS.min(), SECONDS.astype(np.float32)):
        np.savez(tmp_path / "own.npz", x=meant[:, np.newaxis], y=y)
        assert len(np.unique(load(own("npz", [1]), tmp_path).x)) == len(np.unique(meant))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.random.default_rng(0).uniform(size=100_000), id="dense"),
        pytest.param(np.resize([0.3, 0.1 + 0.2, 0.6, 3 * 0.2], 100), id="computed in two ways"),
        pytest.param(20_000_000 + np.arange(100) % 99, id="every other one"),
        pytest.param(np.full(100, 0.1), id="one value"),
    ],
)
def test_features_that_only_lose_digits_are_read(tmp_path: Path, values: np.ndarray) -> None:
    """Most of their values still differ, or those that do not differ by what arithmetic leaves."""
    np.savez(tmp_path / "own.npz", x=values[:, np.newaxis], y=np.arange(len(values)) // 3 % 2)
    assert np.array_equal(load(own("npz", [1]), tmp_path).x.ravel(), values.astype(np.float32))


@pytest.mark.parametrize(("scale", "shown"), [(1e-40, "9.99e-41|1e-40"), (1e38, "1e\\+38")])
def test_a_column_that_no_model_can_scale_is_refused(tmp_path: Path, scale: float, shown: str) -> None:
    """Its inverse is no 32-bit float, or one of few digits: training would fail late and say something else."""
    rows = noisy(far=np.linspace(-1, 1, 20) ** 3 * scale)
    assert re.match(
        rf"has no number in the column 'far' that is farther from 0 than ({shown}), and models can scale what lies "
        r"between 1e-30 and 1e\+30; scale all values of it",
        refusal(tmp_path, rows.to_csv(index=False), 2),
    )
    own_scale = noisy(far=np.linspace(-1, 1, 20) ** 3 * 1e-29)
    own_scale.to_csv(tmp_path / "own.csv", index=False)
    assert load(own("csv", [2]), tmp_path).x.shape == (20, 2)
