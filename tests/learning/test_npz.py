"""One's own arrays: what is read, and what is refused before anything is decoded."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import own

from assay.ground.process import StageError
from assay.learning.datasets.own import describe
from assay.learning.formats import decoding
from assay.learning.loading import load
from assay.params.own import Description

Y = np.array([0, 1])


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archive(folder: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> None:
    """Write an .npz whose members are what they are."""
    with zipfile.ZipFile(folder / "own.npz", "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


def promising(shape: str, kind: str = "<f8") -> bytes:
    """Return the beginning of an array that promises a shape and a type, and sixteen bytes."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(16)


def test_own_arrays_take_names_or_numbers_as_labels(tmp_path: Path) -> None:
    """Grey images need no channel axis; labels are class names or their places."""
    x = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    for y in (np.array([1, 0]), np.array(["dog", "cat"])):
        np.savez(tmp_path / "own.npz", x=x, y=y)
        examples = load(own("npz", [4, 6, 1]), tmp_path)
        assert (examples.x.dtype, examples.x.shape) == (np.uint8, (2, 4, 6, 1))
        assert examples.y.tolist() == [1, 0]


def test_numbers_that_may_be_names_or_places_are_refused(tmp_path: Path) -> None:
    """Where all labels are names of classes and places of others; where they can be but one of both, they are that."""
    x, y = np.zeros((2, 4)), np.array([1, 0])

    def labelled(classes: list[str], y: np.ndarray) -> list[int]:
        np.savez(tmp_path / "own.npz", x=x, y=y)
        description = Description(format="npz", shape=[4], classes=classes, resize=False)
        labels: list[int] = load(describe(description), tmp_path).y.tolist()
        return labels

    for classes, labels, name, place in [(["1", "0"], y, 0, 1), (["1", "2"], np.array([1, 1]), 1, 0)]:
        with pytest.raises(StageError) as raised:
            labelled(classes, labels)
        assert str(raised.value).endswith(
            f"has whole numbers as labels, and data.own.classes has the class '{classes[place]}' in place {place}: "
            f"{name} may be its name or a place; save names in y, as y.astype(str) makes of them, "
            "or np.array(classes)[y] of places"
        )
    assert labelled(["1", "0"], y.astype(str)) == [0, 1]
    assert labelled(["1", "0"], np.array(["1", "0"])[y]) == [1, 0]
    for classes in (["0", "1"], ["00", "01"], ["a1", "0.5"], ["a", "02"], ["2020", "2021"], ["1", "2"]):
        assert labelled(classes, y) == [1, 0]
    assert labelled(["3", "8"], np.array([8, 3])) == [1, 0]
    assert labelled(["1", "2"], np.array([2, 1], np.uint64)) == [1, 0]


@pytest.mark.parametrize(
    ("classes", "labels", "sentence"),
    [
        (
            ["10", "20", "30"],
            [10, 40, 20, 50, 40, 1],
            "has the label 40 in example 1, which is no class's name, nor its place from 0 to 2; data.own.classes: ",
        ),
        (
            ["5", "7"],
            [5, 7, 1, 0],
            "has the label 5 in example 0, which is a class's name, and 1 in example 2, which is only a place; save ",
        ),
        (["0", "1"], [0, 1, 2], "has the label 2 in example 2, which is no class's name, nor its place from 0 to 1; "),
        (
            ["cat", "dog"],
            [0, -1],
            "has the label -1 in example 1, which is no class's name, nor its place from 0 to 1; ",
        ),
    ],
)
def test_a_number_that_is_no_class_is_named(
    tmp_path: Path, classes: list[str], labels: list[int], sentence: str
) -> None:
    """With its example, as a name is: the first that is neither a name nor a place, or two that are not alike."""
    np.savez(tmp_path / "own.npz", x=np.zeros((len(labels), 4)), y=np.array(labels))
    with pytest.raises(StageError) as raised:
        load(describe(Description(format="npz", shape=[4], classes=classes, resize=False)), tmp_path)
    assert str(raised.value).startswith(f"{tmp_path.name}/own.npz {sentence}")


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, ">f8"])
def test_the_type_of_pixels_says_nothing_about_their_scale(tmp_path: Path, kind: Any) -> None:
    """1 is the 1 of 255, whether it is stored as a byte, a bool or a float of any size and order."""
    pixels = np.arange(2 * 4 * 6).reshape(2, 4, 6, 1) % 2
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "own.npz", x=pixels.astype(kind), y=Y)
        assert np.array_equal(load(own("npz", [4, 6, 1]), tmp_path).x, pixels)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.zeros((2, 4))}, "has no array y"),
        ({"y": Y}, "has no array x; its arrays: 'y'"),
        ({"X": np.zeros((2, 4)), "y": Y}, "has no array x; its arrays: 'X', 'y'"),
        ({}, "has no array x; its arrays: none"),
        (
            {"x": np.array([[1, 2, 3, np.nan], [1, np.inf, 3, 4]]), "y": Y},
            "has nan in example 0, and 1 more such value",
        ),
        ({"x": np.array([["a"] * 4] * 2), "y": Y}, "has an array x that holds <U1, not numbers"),
        (
            {"x": np.zeros((2, 4)), "y": np.array(["cat", "cow"])},
            "has the label 'cow' in example 1; data.own.classes: ",
        ),
        (
            {"x": np.zeros((2, 4)), "y": np.array([0, 5])},
            "has the label 5 in example 1, which is no class's name, nor its place from 0 to 1; data.own.classes: ",
        ),
        (
            {"x": np.zeros((2, 4)), "y": np.array([0, 2**63], np.uint64)},
            "has the label 9223372036854775808 in example 1, beyond every class",
        ),
        ({"x": np.array([[object()] * 4] * 2), "y": Y}, "has an array x that holds object, not numbers"),
        ({"x": np.zeros((2, 4)), "y": np.eye(2)}, r"has 2 examples in x, and labels of the shape \[2, 2\] in y"),
        ({"x": np.zeros((1, 4)), "y": Y}, r"has 1 example in x, and labels of the shape \[2\] in y"),
        ({"x": np.zeros((2, 4)), "y": np.zeros(3, int)}, r"has 2 examples in x, and labels of the shape \[3\] in y"),
        ({"x": np.zeros((2, 4)), "y": np.array([b"cat", b"dog"])}, "has an array y that holds |S3, not labels"),
        ({"x": np.float64(1), "y": Y}, r"has examples of the shape \[\], not \[4\]"),
        ({"x": np.zeros((2, 5)), "y": Y}, r"has examples of the shape \[5\], not \[4\]"),
        ({"x": np.zeros((0, 4)), "y": Y[:0]}, "has no examples"),
        ({"x": np.full((2, 4), 1e300), "y": Y}, r"has 1e\+300 in example 0, and 7 more .*; features are finite 32-bit"),
        (
            {"x": np.full((2, 4), -1e-50), "y": Y},
            "has -1e-50 in example 0, and 7 more such values; "
            "as 32-bit floats, which features are, 0 is left; write 0 if that is as good, or scale all values",
        ),
        ({"x": np.zeros((2, 4), complex), "y": Y}, "has an array x that holds complex128, not numbers"),
    ],
)
def test_bad_own_arrays_are_named(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    """Missing arrays, values that are no numbers, unknown labels and pickled objects are refused."""
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(StageError, match=sentence):
        load(own("npz", [4]), tmp_path)


def test_pixels_beyond_a_byte_are_refused(tmp_path: Path) -> None:
    """An image's values must be whole numbers from 0 to 255, so that every image is scaled alike."""
    for value in (256, 0.5, -1, 1e300, np.nan):
        np.savez(tmp_path / "own.npz", x=np.full((2, 4, 6, 1), value), y=Y)
        rule = "pixels are whole numbers from 0 to 255"
        with pytest.raises(StageError, match=rf"own\.npz has .* in example 0, and 47 more such values; {rule}"):
            load(own("npz", [4, 6, 1]), tmp_path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [[4], [4, 1, 1]])
def test_a_nan_that_signals_is_one_as_any_other(tmp_path: Path, shape: list[int]) -> None:
    """Processors complain about it whenever it is converted, and NumPy passes that on as a warning."""
    signalling = np.full((2, *shape), 0x7F800001, np.uint32).view(np.float32)
    np.savez(tmp_path / "own.npz", x=signalling, y=Y)
    with pytest.raises(StageError, match=r"own\.npz has nan in example 0, and 7 more such values; "):
        load(own("npz", shape), tmp_path)


def test_pixels_that_were_scaled_and_back_are_shown_in_full(tmp_path: Path) -> None:
    """What differs from a whole number in the last digits does not look like one, and the remedy is said."""
    pixels = np.arange(48.0).reshape(2, 4, 6, 1)
    pixels[0, 0, 0, 0] = 20.999999999999996
    np.savez(tmp_path / "own.npz", x=pixels, y=Y)
    rule = r"pixels are whole numbers from 0 to 255: round these, as with `x\.round\(\)`"
    with pytest.raises(StageError, match=rf"has 20\.999999999999996 in example 0; {rule}$"):
        load(own("npz", [4, 6, 1]), tmp_path)


def test_a_truncated_npz_is_named(tmp_path: Path) -> None:
    """Half a file is one sentence."""
    np.savez(tmp_path / "own.npz", x=np.zeros((2, 4)), y=Y)
    content = (tmp_path / "own.npz").read_bytes()
    (tmp_path / "own.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(StageError, match=r"/own\.npz is not a readable \.npz file"):
        load(own("npz", [4]), tmp_path)


@pytest.mark.parametrize("content", [b"\x93NUMPY", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_npz_inside_is_named(tmp_path: Path, content: bytes) -> None:
    """A file of another kind under the name of an .npz is one sentence."""
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(StageError, match=r"own\.npz (is not a readable \.npz file|has no array x)"):
        load(own("npz", [4]), tmp_path)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        pytest.param(b"hello", "is not a readable .npz file: EOF", id="no array"),
        pytest.param(b"hello, this is text", "is not a readable .npz file: the magic string is not", id="text"),
        pytest.param(
            b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b" " * 30_000,
            "is not a readable",
            id="endless header",
        ),
        pytest.param(promising("(2, 4)"), "is not a readable .npz file: EOF", id="values missing"),
        pytest.param(promising("(1000000000000, 4)"), "holds 32,000.0 GB of values; at most 4.3 GB", id="too large"),
        pytest.param(promising("(-1, 4)"), r"has an array x of less than nothing: \[-1, 4\]", id="less than nothing"),
        pytest.param(promising("(2, 4)", "|O"), "has an array x that holds object, not numbers", id="pickle"),
        pytest.param(npy(np.zeros((2, 4))) + b"more", "has more bytes in x than its header promises", id="a rest"),
    ],
)
def test_a_hostile_member_is_refused_before_it_is_decoded(tmp_path: Path, x: bytes, sentence: str) -> None:
    """What is no array, and what promises more than it has or than fits into the memory."""
    archive(tmp_path, x=x, y=npy(Y))
    with pytest.raises(StageError, match=f"own\\.npz {sentence}"):
        load(own("npz", [4]), tmp_path)


def test_a_small_file_of_large_arrays_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros shrink a thousandfold in a file: what counts is what they take in memory."""
    np.savez_compressed(tmp_path / "own.npz", x=np.zeros((50_000, 4)), y=np.zeros(50_000, int))
    assert (tmp_path / "own.npz").stat().st_size < 10_000
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 1_000_000)
    with pytest.raises(StageError, match=r"holds 0\.0 GB of values; at most 0\.0 GB are read at once"):
        load(own("npz", [4]), tmp_path)


def test_two_members_that_could_be_one_array_are_no_way_around_the_limits(tmp_path: Path) -> None:
    """NumPy itself would read the member x, whose header nobody looked at."""
    archive(tmp_path, x=npy(np.ones((2, 4))), y=npy(Y))
    with zipfile.ZipFile(tmp_path / "own.npz", "a") as file:
        file.writestr("x", npy(np.full((2, 4), 7.0)))
    assert load(own("npz", [4]), tmp_path).x.tolist() == [[1.0] * 4] * 2


def test_a_compression_that_numpy_does_not_write_is_refused(tmp_path: Path) -> None:
    """Its decoders are not ours to trust."""
    archive(tmp_path, zipfile.ZIP_LZMA, x=npy(np.zeros((2, 4))), y=npy(Y))
    with pytest.raises(StageError, match="is compressed in another way than NumPy does it"):
        load(own("npz", [4]), tmp_path)
