"""The bundled data: what it is, how it is divided, and what happens to a changed file."""

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run
from sklearn.datasets import load_digits, load_iris

import data
import datasets
from runtime.arrays import read_split, write_split
from runtime.files import read_json, replacing, replacing_directory, write_json
from runtime.process import StageError


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pull the bundled data as a fresh clone does."""
    folder = tmp_path_factory.mktemp("raw")
    run("git", "clone", "--quiet", str(ROOT), str(folder / "clone"), cwd=folder)
    run("dvc", "pull", "data.dvc", cwd=folder / "clone")
    return folder / "clone" / "data"


def test_digits_are_scikit_learns(raw: Path) -> None:
    """All 1,797 images, in order, with their labels; enlarged, they keep their mean grey."""
    x, y = datasets.get("digits").load(raw / "digits")
    original = load_digits()
    assert x.shape == (1797, 28, 28, 1)
    assert x.dtype == np.uint8
    assert np.array_equal(y, original.target)
    assert np.abs(x.mean(axis=(1, 2, 3)) / 255 - original.images.mean(axis=(1, 2)) / 16).max() < 0.02
    corners = x[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert np.array_equal(corners, np.rint(original.images[:, [0, 0, -1, -1], [0, -1, 0, -1]] * 255 / 16))


def test_iris_is_scikit_learns(raw: Path) -> None:
    """All 150 flowers, features and species."""
    x, y = datasets.get("iris").load(raw / "iris")
    original = load_iris()
    assert np.array_equal(x, original.data.astype(np.float32))
    assert np.array_equal(y, original.target)


@pytest.mark.parametrize("damage", [b"", b"pixel_0_0\n1\n", None])
def test_a_changed_or_missing_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    """A truncated, replaced or missing raw file is one sentence with the command that restores it."""
    folder = tmp_path / "data" / "digits"
    folder.mkdir(parents=True)
    if damage is not None:
        (folder / "digits.csv").write_bytes(damage)
    with pytest.raises(StageError, match=r"data/digits/digits\.csv is .*`"):
        datasets.get("digits").load(folder)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    """Every example is in exactly one split, and each split has every class in proportion."""
    y = np.repeat(np.arange(5), 40)
    x = np.arange(200).reshape(-1, 1)
    splits = data.split(x, y, validation_fraction=0.15, test_fraction=0.2, seed=1)
    assert {name: len(labels) for name, (_, labels) in splits.items()} == {"train": 130, "validation": 30, "test": 40}
    assert sorted(np.concatenate([part for part, _ in splits.values()]).ravel()) == list(range(200))
    for part, labels in splits.values():
        assert len(set(np.bincount(labels))) == 1
        assert np.array_equal(y[part.ravel()], labels)


def test_the_seed_decides_the_splits() -> None:
    """The same seed gives the same splits, another seed others."""
    x, y = np.arange(100), np.repeat(np.arange(2), 50)
    first, again, other = (data.split(x, y, 0.2, 0.2, seed)["test"][0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_splits_too_small_for_every_class_are_refused() -> None:
    """Fractions that leave a class out of a split are refused by their names."""
    x, y = np.arange(40), np.repeat(np.arange(10), 4)
    with pytest.raises(StageError, match=r"data\.validation_fraction and data\.test_fraction split 40 examples"):
        data.split(x, y, validation_fraction=0.1, test_fraction=0.5, seed=1)


def test_stored_pixels_are_scaled_and_features_are_not(tmp_path: Path) -> None:
    """Images come back between 0 and 1, features as they were."""
    path = tmp_path / "split.npz"
    write_split(path, np.array([[0, 255]], np.uint8), np.array([1]))
    assert read_split(path)[0].tolist() == [[0.0, 1.0]]
    write_split(path, np.array([[5.1, 0.2]], np.float32), np.array([1]))
    assert np.array_equal(read_split(path)[0], np.array([[5.1, 0.2]], np.float32))


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    """What a reader sees is the whole old file until the whole new one is there."""
    path = tmp_path / "result.json"
    write_json(path, {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": float("nan")})

    def interrupted() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert read_json(path) == {"value": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Files of the former content do not survive in the new one."""
    folder = tmp_path / "repository"
    for name in ("old", "new"):
        with replacing_directory(folder) as partial:
            (partial / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
