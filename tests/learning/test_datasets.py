"""Published datasets: what is read, and how bad files are named."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import run

from assay.ground.files import sha256_of
from assay.ground.process import StageError
from assay.learning import datasets, loading
from assay.learning.datasets import Dataset, Edition, Examples, cifar10, known_files
from assay.learning.formats.idx import read_idx
from assay.learning.formats.published import RawFile, check_files
from assay.learning.loading import load, remedy
from assay.params.own import Description


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(header + values.astype(np.uint8).tobytes(), mtime=0)


def test_an_idx_file_is_read_as_its_header_shapes_it(tmp_path: Path) -> None:
    """Sizes come from the header, bytes follow."""
    images = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    (tmp_path / "images.gz").write_bytes(idx(images))
    assert np.array_equal(read_idx(tmp_path / "images.gz"), images)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"plain text", id="not gzip"),
        pytest.param(idx(np.zeros((10, 4)))[:-12], id="gzip cut short"),
        pytest.param(gzip.compress(gzip.decompress(idx(np.zeros((10, 4))))[:-1]), id="values missing"),
        pytest.param(gzip.compress(b"\0\0"), id="header missing"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 0, 0x0D, 1, 0)), id="another type"),
        pytest.param(gzip.compress(gzip.decompress(idx(np.zeros((10, 4)))) + b"0"), id="a value too many"),
        pytest.param(gzip.compress(struct.pack(">HBB5I", 0, 8, 5, *[2**32 - 1] * 5)), id="sizes beyond all memory"),
        pytest.param(gzip.compress(struct.pack(">HBB255I", 0, 8, 255, *[1] * 255) + b"0"), id="255 axes"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong inside, the message says which file."""
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(StageError, match=r"/images\.gz (is not|holds) "):
        read_idx(tmp_path / "images.gz")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(1, "promises 2 values, 1 follows"), (0, "promises 2 values, 0 follow"), (3, "promises 2 values, more follow")],
)
def test_an_idx_file_says_how_many_values_follow(tmp_path: Path, values: int, sentence: str) -> None:
    """As many as its header promises, or it is not whole."""
    header = gzip.decompress(idx(np.zeros(2)))[:-2]
    (tmp_path / "labels.gz").write_bytes(gzip.compress(header + bytes(values)))
    with pytest.raises(StageError, match=f"is not a whole idx file: its header {sentence}$"):
        read_idx(tmp_path / "labels.gz")


def test_cifars_archive_is_read_plane_by_plane(tmp_path: Path) -> None:
    """A record is a label and three planes; five batches train, one tests."""
    record = bytes([3]) + bytes([10]) * 1024 + bytes([20]) * 1024 + bytes([30]) * 1024
    with tarfile.open(tmp_path / cifar10.ARCHIVE.name, "w:gz") as archive:
        for name in (*cifar10.TRAIN_BATCHES, *cifar10.TEST_BATCHES):
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = 2 * len(record)
            archive.addfile(entry, io.BytesIO(2 * record))
    examples = cifar10.load_archive(tmp_path)
    assert examples.x.shape == (10, 32, 32, 3)
    assert examples.x[0, 0, 0].tolist() == [10, 20, 30]
    assert examples.y.tolist() == [3] * 10
    assert examples.test is not None
    assert len(examples.test[1]) == 2


def published(tmp_path: Path, **contents: bytes) -> tuple[RawFile, ...]:
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tuple(RawFile(name, len(content), sha256_of(tmp_path / name)) for name, content in contents.items())


def test_every_bad_file_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    """Missing, truncated, corrupt, swapped: one line names each file and the command that mends it."""
    files = published(tmp_path, first=b"first file", second=b"second file", third=b"third", fourth=b"fourth")
    owners = {file.sha256: f"{file.name} of toys" for file in files}
    (tmp_path / "first").write_bytes(b"first")
    (tmp_path / "second").write_bytes(b"SECOND FILE")
    (tmp_path / "third").unlink()
    (tmp_path / "fourth").write_bytes(b"third")
    with pytest.raises(StageError) as raised:
        check_files(tmp_path, files, lambda: owners, "fetch it again")
    message = str(raised.value)
    assert "/first is truncated: 5 of 10 bytes" in message
    assert "/second is corrupt: its sha256 is " in message
    assert "/third is missing" in message
    assert "/fourth is another file under this name: third of toys" in message
    assert message.endswith("; fetch it again")
    assert "\n" not in message


def test_known_files_tell_mnist_from_fashion_mnist() -> None:
    """The two publish files of the same names: a swapped one is recognised by its checksum."""
    owners = known_files()
    assert owners["3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"] == (
        "train-images-idx3-ubyte.gz of fashion_mnist"
    )


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (np.zeros((3, 4), np.float32), np.array([0, 1]), "the examples are 3, their labels 2"),
        (np.zeros((2, 5), np.float32), np.array([0, 1]), r"have the shape \[5\], expected \[4\]"),
        (np.zeros((2, 4)), np.array([0, 1]), "are float64, expected float32"),
        (np.zeros((3, 4), np.float32), np.array([0, 1, 7]), r"have the label \[7\], outside 0 to 1"),
        (np.zeros((3, 4), np.float32), np.array([0, 7, 9]), r"have the labels \[7, 9\], outside 0 to 1"),
        (np.zeros((2, 4), np.float32), np.array([0, 0]), "have none of the class dog"),
    ],
)
def test_examples_that_break_the_datasets_promise_are_refused(
    tmp_path: Path, x: np.ndarray, y: np.ndarray, sentence: str
) -> None:
    """Counts, shapes, types, label ranges and absent classes are checked whatever the format."""
    edition = Edition("toys", (), lambda _: Examples(x, y))
    with pytest.raises(StageError, match=sentence):
        load(Dataset("toys", (4,), ("cat", "dog"), (edition,)), tmp_path)


def test_images_that_are_no_bytes_are_refused(tmp_path: Path) -> None:
    """A model would be asked what its dataset stores, and takes bytes of an image."""
    edition = Edition("toys", (), lambda _: Examples(np.zeros((2, 8, 8, 1), np.float32), np.array([0, 1])))
    with pytest.raises(StageError, match="are float32, expected uint8"):
        load(Dataset("toys", (8, 8, 1), ("cat", "dog"), (edition,)), tmp_path)


def test_a_missing_dataset_says_which_command_to_run(tmp_path: Path) -> None:
    """Bundled ones are pulled, others fetched, one's own comes from a folder."""
    description = Description(format="npz", shape=[4], classes=["cat", "dog"], resize=False)
    for name, command in [
        ("mnist", "run `python tools/fetch_dataset.py mnist`"),
        ("own", "run `python tools/fetch_dataset.py own --from FOLDER`"),
        ("iris", "dvc pull --force data.dvc`"),
    ]:
        with pytest.raises(StageError, match=f"{name} is missing; .*{command}"):
            load(datasets.get(name, description), tmp_path / name)


def test_a_queued_experiment_sees_what_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a copy inside of .dvc, where fetching lasts for one experiment: the error says what does."""
    monkeypatch.setattr(loading, "ROOT", Path("/somewhere/.dvc/tmp/exps/temp"))
    fetch = "`python tools/fetch_dataset.py mnist`"
    commit = "and commit datasets/mnist.dvc: a queued experiment sees no other"
    assert remedy(datasets.get("mnist")) == f"run {fetch}, {commit}"


def test_a_tracked_dataset_comes_back_by_commands_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git brings back what it knows of; of any other set, DVC has noted the damage: it is fetched again."""
    monkeypatch.setattr(loading, "DATASETS", tmp_path)
    (tmp_path / "mnist.dvc").touch()
    pull, fetch = "dvc pull --force datasets/mnist.dvc`", "`python tools/fetch_dataset.py mnist`"
    fetched = datasets.get("mnist")
    assert remedy(fetched) == f"run {fetch}"
    run("git", "init", "--quiet", cwd=tmp_path)
    assert remedy(fetched) == f"run {fetch}"
    run("git", "add", "mnist.dvc", cwd=tmp_path)
    (tmp_path / "mnist.dvc").write_text("changed")
    assert remedy(fetched) == f"run `git checkout datasets/mnist.dvc && {pull}, or {fetch}"
