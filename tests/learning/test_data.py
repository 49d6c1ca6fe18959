"""The bundled data, and how examples are divided and stored."""

from pathlib import Path

import data
import numpy as np
import pytest
from conftest import ROOT, run
from sklearn.datasets import load_digits, load_iris

from assay.ground.process import StageError
from assay.learning.datasets import Dataset, Examples, digits, iris
from assay.learning.loading import load, too_rare
from assay.tensors.arrays import read_split, write_split


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pull the bundled data as a fresh clone does."""
    folder = tmp_path_factory.mktemp("raw")
    run("git", "clone", "--quiet", str(ROOT), str(folder / "clone"), cwd=folder)
    run("dvc", "pull", "data.dvc", cwd=folder / "clone")
    return folder / "clone" / "datasets"


def test_digits_are_scikit_learns(raw: Path) -> None:
    """All 1,797 images, in order, with their labels; enlarged, they keep their mean grey."""
    examples = load(digits.DATASET, raw / "digits")
    x, original = examples.x, load_digits()
    assert x.shape == (1797, 28, 28, 1)
    assert x.dtype == np.uint8
    assert np.array_equal(examples.y, original.target)
    assert np.abs(x.mean(axis=(1, 2, 3)) / 255 - original.images.mean(axis=(1, 2)) / 16).max() < 0.02
    corners = x[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert np.array_equal(corners, np.rint(original.images[:, [0, 0, -1, -1], [0, -1, 0, -1]] * 255 / 16))


def test_iris_is_scikit_learns(raw: Path) -> None:
    """All 150 flowers, features and species."""
    examples, original = load(iris.DATASET, raw / "iris"), load_iris()
    assert np.array_equal(examples.x, original.data.astype(np.float32))
    assert np.array_equal(examples.y, original.target)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    """Every example is in exactly one split, and each split has every class in proportion."""
    y = np.repeat(np.arange(5), 40)
    examples = Examples(np.arange(200).reshape(-1, 1), y)
    splits = data.split(examples, validation_fraction=0.15, test_fraction=0.2, seed=1)
    assert {name: len(labels) for name, (_, labels) in splits.items()} == {"train": 130, "validation": 30, "test": 40}
    assert sorted(np.concatenate([part for part, _ in splits.values()]).ravel()) == list(range(200))
    for part, labels in splits.values():
        assert len(set(np.bincount(labels))) == 1
        assert np.array_equal(y[part.ravel()], labels)


def test_a_publishers_test_split_is_kept() -> None:
    """Where a dataset brings its own test split, none of it trains and none is taken from the rest."""
    y = np.repeat(np.arange(2), 50)
    test = (np.arange(1000, 1010), np.repeat(np.arange(2), 5))
    splits = data.split(Examples(np.arange(100), y, test), validation_fraction=0.2, test_fraction=0.5, seed=1)
    assert np.array_equal(splits["test"][0], test[0])
    assert (len(splits["train"][1]), len(splits["validation"][1])) == (80, 20)


def test_the_seed_decides_the_splits() -> None:
    """The same seed gives the same splits, another seed others."""
    examples = Examples(np.arange(100), np.repeat(np.arange(2), 50))
    first, again, other = (data.split(examples, 0.2, 0.2, seed)["test"][0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_splits_too_small_for_every_class_are_refused() -> None:
    """Fractions that leave a class out of a split are refused by their names."""
    examples = Examples(np.arange(40), np.repeat(np.arange(10), 4))
    with pytest.raises(StageError, match=r"data\.test_fraction divides 40 examples into 36 and 4, .* of every class"):
        data.split(examples, validation_fraction=0.5, test_fraction=0.1, seed=1)
    with pytest.raises(StageError, match=r"data\.validation_fraction or .* divides 20 examples into 16 and 4"):
        data.split(examples, validation_fraction=0.1, test_fraction=0.5, seed=1)


@pytest.mark.parametrize("stored", [np.array([[0, 255]], np.uint8), np.array([[5.1, 0.2]], np.float32)])
def test_examples_come_back_as_they_were_stored(tmp_path: Path, stored: np.ndarray) -> None:
    """Pixels stay bytes, whatever they mean to a model; features stay 32-bit floats."""
    path = tmp_path / "split.npz"
    write_split(path, stored, np.array([1]))
    read, _ = read_split(path)
    assert (read.dtype, read.tolist()) == (stored.dtype, stored.tolist())


@pytest.mark.parametrize(
    ("count", "test", "said"),
    [
        (1, False, "class 'b' has 1 example, and each of 3 splits (training, validation, test) needs one"),
        (2, False, "class 'b' has 2 examples, and each of 3 splits (training, validation, test) needs one"),
        (1, True, "class 'b' has 1 example, and each of 2 splits (training, validation) needs one"),
        (2, True, None),
        (3, False, None),
    ],
)
def test_a_class_of_fewer_examples_than_splits_is_named(count: int, test: bool, said: str | None) -> None:
    """No fractions would help: the class, what it has, and what each split needs."""
    y = np.array([0] * 20 + [1] * count)
    x = np.zeros((len(y), 2), np.float32)
    rare = too_rare(Dataset("own", (2,), ("a", "b"), ()), Examples(x, y, test=(x, y) if test else None))
    assert rare == (
        said and f"{said}: add examples of it, or take {'it' if count == 1 else 'them'}, and the class, out"
    )


def test_a_class_that_is_too_rare_for_the_splits_is_an_error() -> None:
    """A class with one example, or with none left for a split, is counted in one sentence."""
    for rare in (1, 2):
        y = np.array([0] * 20 + [1] * rare)
        examples = Examples(np.zeros((len(y), 2), np.float32), y)
        with pytest.raises(StageError, match=rf"the rarest of 2 classes has {rare}"):
            data.split(examples, validation_fraction=0.2, test_fraction=0.2, seed=1)
