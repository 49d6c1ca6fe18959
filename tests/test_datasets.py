"""Datasets that are fetched or brought along: what is read, and how bad files are named."""

import gzip
import io
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import datasets
from datasets import Dataset, Edition, Examples, cifar10, known_files
from datasets.own import describe
from parameters.own import Description
from runtime.process import StageError
from sources.files import RawFile, check_files, sha256_of
from sources.idx import read_idx

CLASSES = ["cat", "dog"]


def own(format: str, shape: list[int], resize: bool = False) -> Dataset:  # noqa: A002  the parameter's name
    return describe(
        Description.model_validate({"format": format, "shape": shape, "classes": CLASSES, "resize": resize})
    )


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
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong inside, the message says which file."""
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(StageError, match=r"/images\.gz is not "):
        read_idx(tmp_path / "images.gz")


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
        (np.zeros((3, 4)), np.array([0, 1]), "the examples are 3, their labels 2"),
        (np.zeros((2, 5)), np.array([0, 1]), r"have the shape \[5\], expected \[4\]"),
        (np.zeros((3, 4)), np.array([0, 1, 7]), r"have the labels \[7\], outside 0 to 1"),
        (np.zeros((2, 4)), np.array([0, 0]), "have none of the class dog"),
    ],
)
def test_examples_that_break_the_datasets_promise_are_refused(
    tmp_path: Path, x: np.ndarray, y: np.ndarray, sentence: str
) -> None:
    """Counts, shapes, label ranges and absent classes are checked whatever the format."""
    edition = Edition("toys", (), lambda _: Examples(x, y))
    with pytest.raises(StageError, match=sentence):
        Dataset("toys", (4,), ("cat", "dog"), (edition,)).load(tmp_path)


def test_a_missing_dataset_says_which_command_to_run(tmp_path: Path) -> None:
    """Bundled ones are pulled, others fetched, one's own comes from a folder."""
    description = Description(format="npz", shape=[4], classes=CLASSES, resize=False)
    for name, command in [
        ("mnist", "run `python tools/fetch_dataset.py mnist`"),
        ("own", "run `python tools/fetch_dataset.py own --from FOLDER`"),
        ("iris", "dvc pull --force data.dvc`"),
    ]:
        with pytest.raises(StageError, match=f"{name} is missing; .*{command}"):
            datasets.get(name, description).load(tmp_path / name)


def write_images(folder: Path, size: tuple[int, int] = (6, 4)) -> None:
    for shade, name in enumerate(CLASSES, start=1):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", size, (shade * 50, number, 0)).save(folder / name / f"{number}.png")


def test_own_images_become_arrays_in_the_order_of_their_names(tmp_path: Path) -> None:
    """A folder a class; colours as the shape asks; labels are places in data.own.classes."""
    write_images(tmp_path)
    examples = own("images", [4, 6, 3]).load(tmp_path)
    assert examples.x.shape == (6, 4, 6, 3)
    assert examples.x[:, 0, 0].tolist() == [[50, 0, 0], [50, 1, 0], [50, 2, 0], [100, 0, 0], [100, 1, 0], [100, 2, 0]]
    assert examples.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert own("images", [4, 6, 1]).load(tmp_path).x.shape == (6, 4, 6, 1)
    assert own("images", [8, 8, 1], resize=True).load(tmp_path).x.shape == (6, 8, 8, 1)


def test_every_bad_image_is_named(tmp_path: Path) -> None:
    """Unreadable, cut short and wrongly sized images are listed together."""
    write_images(tmp_path)
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    whole = (tmp_path / "cat" / "0.png").read_bytes()
    (tmp_path / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (9, 9)).save(tmp_path / "dog" / "large.png")
    with pytest.raises(StageError) as raised:
        own("images", [4, 6, 3]).load(tmp_path)
    message = str(raised.value)
    assert "/cat/0.png is not a readable image" in message
    assert "/cat/notes.txt is not a readable image: it is cut short, or of no known format" in message
    assert "/dog/large.png is 9x9, not 6x4; data.own.resize: true scales images" in message


def test_an_image_that_would_fill_the_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that claims far more pixels than its neighbours is refused, with no talk of attacks."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    write_images(tmp_path)
    Image.new("L", (9, 9)).save(tmp_path / "dog" / "bomb.png")
    with pytest.raises(StageError, match=r"/dog/bomb\.png claims to be far larger than any image to learn from"):
        own("images", [4, 6, 3]).load(tmp_path)


def test_a_class_folder_is_found_however_its_accents_are_written(tmp_path: Path) -> None:
    """A folder `é` of an e and an accent is the class `é` of one character, and the other way round."""
    for name, character in (("composed", "caf\u00e9"), ("decomposed", "cafe\u0301")):
        for folder in (character, "dog"):
            (tmp_path / name / folder).mkdir(parents=True)
            Image.new("L", (6, 4)).save(tmp_path / name / folder / "0.png")
        for spelling in ("caf\u00e9", "cafe\u0301"):
            description = Description(format="images", shape=[4, 6, 1], classes=[spelling, "dog"], resize=False)
            assert describe(description).load(tmp_path / name).y.tolist() == [0, 1]


def test_a_folder_that_is_no_class_is_named(tmp_path: Path) -> None:
    """A mistyped class folder is an error, not lost images."""
    write_images(tmp_path)
    (tmp_path / "catz").mkdir()
    with pytest.raises(StageError, match=r"has the folder catz; data\.own\.classes: cat, dog"):
        own("images", [4, 6, 3]).load(tmp_path)


def test_own_arrays_take_names_or_numbers_as_labels(tmp_path: Path) -> None:
    """Grey images need no channel axis; labels are class names or their places."""
    x = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    for y in (np.array([1, 0]), np.array(["dog", "cat"])):
        np.savez(tmp_path / "own.npz", x=x, y=y)
        examples = own("npz", [4, 6, 1]).load(tmp_path)
        assert (examples.x.dtype, examples.x.shape) == (np.uint8, (2, 4, 6, 1))
        assert examples.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.zeros((2, 4))}, "has no array y"),
        (
            {"x": np.array([[1, 2, 3, np.nan], [1, 2, 3, 4]]), "y": np.array([0, 1])},
            "not finite 32-bit floats, the first in example 0",
        ),
        ({"x": np.array([["a"] * 4] * 2), "y": np.array([0, 1])}, "x holds <U1, not numbers"),
        ({"x": np.zeros((2, 4)), "y": np.array(["cat", "cow"])}, "example 1 has the label 'cow'"),
        ({"x": np.zeros((2, 4)), "y": np.array([0, 5])}, r"have the labels \[5\]"),
        ({"x": np.array([[object()] * 4] * 2), "y": np.array([0, 1])}, "is not a readable .npz file"),
        ({"x": np.zeros((2, 4)), "y": np.eye(2)}, r"their shapes are \[2, 4\] and \[2, 2\]"),
        ({"x": np.float64(1), "y": np.array([0, 1])}, r"their shapes are \[\] and \[2\]"),
        ({"x": np.full((2, 4), 1e300), "y": np.array([0, 1])}, "not finite 32-bit floats, the first in example 0"),
        ({"x": np.zeros((2, 4), complex), "y": np.array([0, 1])}, "x holds complex128, not numbers"),
    ],
)
def test_bad_own_arrays_are_named(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    """Missing arrays, values that are no numbers, unknown labels and pickled objects are refused."""
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(StageError, match=sentence):
        own("npz", [4]).load(tmp_path)


def test_pixels_beyond_a_byte_are_refused(tmp_path: Path) -> None:
    """An image's values must be whole numbers from 0 to 255, so that every image is scaled alike."""
    for x in (np.full((2, 4, 6, 1), 256), np.full((2, 4, 6, 1), 0.5), np.full((2, 4, 6, 1), -1)):
        np.savez(tmp_path / "own.npz", x=x, y=np.array([0, 1]))
        with pytest.raises(StageError, match="whole numbers from 0 to 255"):
            own("npz", [4, 6, 1]).load(tmp_path)


def test_a_truncated_npz_is_named(tmp_path: Path) -> None:
    """Half a file is one sentence."""
    np.savez(tmp_path / "own.npz", x=np.zeros((2, 4)), y=np.array([0, 1]))
    content = (tmp_path / "own.npz").read_bytes()
    (tmp_path / "own.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(StageError, match=r"/own\.npz is not a readable \.npz file"):
        own("npz", [4]).load(tmp_path)


def test_an_own_table_has_a_label_column(tmp_path: Path) -> None:
    """All columns but `label` are features."""
    table = pd.DataFrame({"a": [1.5, 2], "label": ["dog", "cat"], "b": [3, 4]})
    table.to_csv(tmp_path / "own.csv", index=False)
    examples = own("csv", [2]).load(tmp_path)
    assert examples.x.tolist() == [[1.5, 3.0], [2.0, 4.0]]
    assert examples.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a readable CSV file"),
        ("a,b\n1,2\n", "has no column `label`; its columns: a, b"),
        ("a,b,label\n1,2,cat\n1,x,dog\n", "line 3: b is 'x', not a number"),
        ("a,b,label\n1,2,cat\n1,,dog\n", "line 3: b is '', not a number"),
        ("a,b,label\n1,2,cat\n1,2,\n", "line 3: the label is empty"),
        ("a,b,label\n1,2,cat\n1,2,cow\n", "example 1 has the label 'cow'"),
        ("a,b,label\n1,2,cat\n1,2,3,4,dog\n", "is not a readable CSV file"),
        ("a,b,label\n1,2,cat,9\n1,2,dog,9\n", "is not a readable CSV file"),
        ("a,b,label\n1,2,cat\n\n1,x,dog\n", "line 3: "),
        ('a,b,label\n1,2,"c\nat"\n1,x,dog\n', "line 4: b is 'x', not a number"),
        ("a,b,label\n1,2,0\n1,2,1\n", "example 0 has the label '0'"),
        ("a,label\n1,cat\n1,dog\n", r"have the shape \[1\], expected \[2\]"),
    ],
)
def test_a_bad_own_table_is_named_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    """Each mistake in a CSV file is found where it stands."""
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(StageError, match=sentence):
        own("csv", [2]).load(tmp_path)


def test_a_label_in_a_table_is_a_name_even_if_it_looks_like_a_number(tmp_path: Path) -> None:
    """Classes called 01 and 2 are found by their names, not taken for places."""
    description = Description(format="csv", shape=[1], classes=["2", "01", "NA"], resize=False)
    (tmp_path / "own.csv").write_text("a,label\n1,01\n2,2\n3,NA\n")
    assert describe(description).load(tmp_path).y.tolist() == [1, 0, 2]


@pytest.mark.parametrize("content", [b"\x93NUMPY", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_npz_inside_is_named(tmp_path: Path, content: bytes) -> None:
    """A file of another kind under the name of an .npz is one sentence."""
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(StageError, match=r"own\.npz (is not a readable \.npz file|has no array)"):
        own("npz", [4]).load(tmp_path)


def test_an_image_with_16_bits_is_refused(tmp_path: Path) -> None:
    """Values beyond a byte are not cut off in silence."""
    write_images(tmp_path)
    Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "cat" / "deep.png")
    with pytest.raises(StageError, match=r"/cat/deep\.png has more than 8 bits a channel"):
        own("images", [4, 6, 1]).load(tmp_path)


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    """OWN.CSV, as some programs write it, is a CSV file."""
    (tmp_path / "OWN.CSV").write_text("a,label\n1,cat\n2,dog\n")
    assert own("csv", [1]).load(tmp_path).y.tolist() == [0, 1]


def test_two_files_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    """Which of two tables is meant is not guessed."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a,label\n1,cat\n")
    with pytest.raises(StageError, match=r"must hold one \.csv file; it holds: a\.csv, b\.csv"):
        own("csv", [1]).load(tmp_path)
