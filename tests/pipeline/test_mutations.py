"""Damaged raw files, some thousand ways: each is read as something sound, or refused in one sentence."""

import itertools
import random
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import numpy as np
import pytest
from corpus import keep, known
from mutations import FEATURES, ROWS, SHAPE, mutated, mutated_inside, valid_files

from assay.ground.process import StageError
from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.idx import read_idx
from assay.learning.formats.images import read_image
from assay.learning.formats.npz import read_npz
from assay.learning.formats.stored import as_stored
from assay.learning.formats.table import read_table

FILES = valid_files()
REFUSED = {"animated.gif", "animated.png", "palette.png"}
PATIENCE_S = 5
LONGEST_SENTENCE = 600


class _HangError(BaseException):
    """No reader may take this for damage."""


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    def give_up(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _HangError

    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def check(path: Path) -> None:
    """Read a file as a dataset of one's own, or a published one, is read; raise AssertionError if what comes is odd."""
    if path.suffix == ".gz":
        assert read_idx(path).dtype == np.uint8
        return
    if path.suffix == ".npz":
        x, y = read_npz(path, (FEATURES,))
        assert y.shape == (len(x),)
        x = as_stored(x, (FEATURES,))
    elif path.suffix == ".csv":
        _, x, y = read_table(path, FEATURES)
        assert y.shape == (len(x),)
        x = as_stored(x, (FEATURES,))
    else:
        image = read_image(path, SHAPE, resize=False)
        assert (image.shape, image.dtype) == (SHAPE, np.uint8)
        return
    assert (x.shape[1:], x.dtype) == ((FEATURES,), np.float32)
    assert np.isfinite(x).all()


def sentence(path: Path) -> str | None:
    """Return how a file is refused; None if it is read."""
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        check(path)
    except (UnreadableError, StageError) as error:
        return str(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_read(tmp_path: Path, name: str) -> None:
    """What is damaged below is sound before; three kinds are refused for what they hold."""
    path = tmp_path / name
    path.write_bytes(FILES[name])
    assert (sentence(path) is None) == (name not in REFUSED)
    if path.suffix == ".csv":
        assert len(read_table(path, FEATURES).x) == ROWS


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(
    tmp_path: Path, name: str, pytestconfig: pytest.Config, capfd: pytest.CaptureFixture[str]
) -> None:
    """No other exception, no warning, nothing that a library prints, no hang, no screen full of its content."""
    path, seed = tmp_path / name, pytestconfig.getoption("seed")

    def damaged(number: int) -> bytes:
        chance = random.Random(f"{name} {seed} {number}")  # noqa: S311  the same damage again from the same seed
        return (mutated_inside if number % 2 else mutated)(FILES[name], chance)

    kept = (each.read_bytes() for each in known("raw", f"*.{name}"))
    for content in itertools.chain(kept, map(damaged, range(pytestconfig.getoption("mutations")))):
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                said = sentence(path)
            assert said is None or ("\n" not in said and len(said) <= LONGEST_SENTENCE), said
            assert capfd.readouterr() == ("", "")
        except BaseException:
            keep("raw", name, content)
            raise
