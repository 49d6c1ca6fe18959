"""One's own images in class folders: every file is read, or named."""

import os
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT, run
from own_data import CLASSES, description, own
from PIL import Image

from assay.ground.process import StageError
from assay.learning.datasets.own import describe, files
from assay.learning.formats import decoding
from assay.learning.loading import load
from assay.params.own import Description


def write_images(folder: Path, size: tuple[int, int] = (6, 4)) -> None:
    for shade, name in enumerate(CLASSES, start=1):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", size, (shade * 50, number, 0)).save(folder / name / f"{number}.png")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with three sound images for each class."""
    write_images(tmp_path / "pictures")
    return tmp_path / "pictures"


def refusal(folder: Path) -> str:
    with pytest.raises(StageError) as raised:
        load(own("images", [4, 6, 3]), folder)
    return str(raised.value)


def test_own_images_become_arrays_in_the_order_of_their_names(images: Path) -> None:
    """A folder a class; colours as the shape asks; labels are places in data.own.classes."""
    examples = load(own("images", [4, 6, 3]), images)
    assert examples.x.shape == (6, 4, 6, 3)
    assert examples.x[:, 0, 0].tolist() == [[50, 0, 0], [50, 1, 0], [50, 2, 0], [100, 0, 0], [100, 1, 0], [100, 2, 0]]
    assert examples.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert load(own("images", [4, 6, 1]), images).x.shape == (6, 4, 6, 1)
    assert load(own("images", [8, 8, 1], resize=True), images).x.shape == (6, 8, 8, 1)


def test_every_bad_image_is_named(images: Path) -> None:
    """Unreadable, cut short and wrongly sized images are listed together."""
    (images / "cat" / "notes.txt").write_text("not an image")
    whole = (images / "cat" / "0.png").read_bytes()
    (images / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (9, 9)).save(images / "dog" / "large.png")
    no_image = "is not a readable image: it is damaged, or none of PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM"
    assert [line.strip() for line in refusal(images).splitlines()] == [
        f"pictures/cat/0.png {no_image}",
        f"pictures/cat/notes.txt {no_image}",
        "pictures/dog/large.png is 9x9, not 6x4; data.own.resize: true scales images",
    ]


def test_no_sentence_is_longer_than_a_screen(images: Path) -> None:
    """Of many bad files the first are named, and how many more there are."""
    for number in range(500):
        (images / "cat" / f"{number}.txt").touch()
    lines = refusal(images).splitlines()
    assert (len(lines), lines[-1]) == (11, "  and 490 more")


def test_whatever_is_no_class_folder_is_named(images: Path) -> None:
    """A mistyped folder, a file beside the folders, a folder in one: none is left out in silence."""
    (images / "catz").mkdir()
    (images / "notes.txt").touch()
    (images / "cat" / "more").mkdir()
    Image.new("RGB", (6, 4)).save(images / "cat" / "more" / "0.png")
    assert [line.strip() for line in refusal(images).splitlines()] == [
        "pictures/catz is a folder for no class; data.own.classes: 'cat', 'dog'",
        "pictures/notes.txt is beside the class folders; put it into one, or away",
        "pictures/cat/more is a folder, and images lie in their class's own; move them there, or put it away",
    ]


def test_hidden_files_are_left_out(images: Path) -> None:
    """What a system keeps beside images is no image, and no class."""
    for name in (".DS_Store", "cat/.DS_Store", "cat/._0.png"):
        (images / name).touch()
    (images / ".ipynb_checkpoints").mkdir()
    assert len(load(own("images", [4, 6, 3]), images).y) == 6


def test_a_name_that_dvc_leaves_out_is_refused(images: Path) -> None:
    """Images that DVC would not hand on to another clone are named, and those are all of them."""
    (images / "cat" / "0.png").rename(images / "cat" / "0.partial")
    (images / "dog" / "__pycache__").mkdir()
    said = refusal(images)
    assert "pictures/cat/0.partial has a name that DVC leaves out (.dvcignore): rename it" in said
    assert "pictures/dog/__pycache__ is a folder" in said
    names = [f"datasets/own/cat/{name}" for name in ("0.partial", "0.png", "partial.png", "0.tmp")]
    assert run("dvc", "check-ignore", *names, cwd=ROOT, check=False).stdout.split() == names[:1]


def test_links_to_files_are_followed_and_links_to_folders_are_not(images: Path, tmp_path: Path) -> None:
    """A choice of images may be made of links; folders may lead anywhere, and round in circles."""
    (tmp_path / "elsewhere.png").write_bytes((images / "cat" / "0.png").read_bytes())
    (images / "cat" / "linked.png").symlink_to(tmp_path / "elsewhere.png")
    assert len(load(own("images", [4, 6, 3]), images).y) == 7
    (images / "cat" / "again").symlink_to(images)
    (images / "dog").rename(tmp_path / "dog")
    (images / "dog").symlink_to(tmp_path / "dog")
    (images / "cat" / "circle.png").symlink_to("circle.png")
    (images / "cat" / "nowhere.png").symlink_to("missing.png")
    assert [line.strip() for line in refusal(images).splitlines()] == [
        "pictures/dog is a link to a folder, which is not followed; put its files here",
        "pictures/cat/again is a link to a folder, which is not followed",
        "pictures/cat/circle.png cannot be read: Too many levels of symbolic links",
        "pictures/cat/nowhere.png cannot be read: No such file or directory",
    ]


def test_what_is_no_file_is_named(images: Path) -> None:
    """A pipe is not waited for."""
    os.mkfifo(images / "cat" / "pipe.png")
    os.mkfifo(images / "pipe")
    assert [line.strip() for line in refusal(images).splitlines()] == [
        "pictures/pipe is neither a file nor a folder",
        "pictures/cat/pipe.png is neither a file nor a folder",
    ]


def test_a_name_that_is_no_text_is_written_in_signs_that_are(images: Path) -> None:
    """Bytes that are not UTF-8, and the end of a line, are shown as escapes."""
    (images / "cat" / os.fsdecode(b"\xff\n.png")).touch()
    assert refusal(images).startswith("pictures/cat/\\xff\\n.png is not a readable image")


def test_a_class_folder_is_found_however_its_accents_are_written(tmp_path: Path) -> None:
    """A folder `é` of an e and an accent is the class `é` of one character, and the other way round."""
    for name, character in (("composed", "caf\u00e9"), ("decomposed", "cafe\u0301")):
        for folder in (character, "dog"):
            (tmp_path / name / folder).mkdir(parents=True)
            Image.new("L", (6, 4)).save(tmp_path / name / folder / "0.png")
        for spelling in ("caf\u00e9", "cafe\u0301"):
            described = Description(format="images", shape=[4, 6, 1], classes=[spelling, "dog"], resize=False)
            assert load(describe(described), tmp_path / name).y.tolist() == [0, 1]


def test_a_class_folder_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Neither spelling of `é` hides the images of the other."""
    for folder in ("caf\u00e9", "cafe\u0301", "dog"):
        (tmp_path / folder).mkdir()
        Image.new("L", (6, 4)).save(tmp_path / folder / "0.png")
    described = Description(format="images", shape=[4, 6, 1], classes=["caf\u00e9", "dog"], resize=False)
    with pytest.raises(StageError, match=r"is there twice, written as 'cafe\\u0301' and 'caf\\xe9'; put their files"):
        load(describe(described), tmp_path)


def test_classes_that_differ_in_case_are_two(tmp_path: Path) -> None:
    """A and a are letters of their own, as their folders are."""
    for name in ("A", "a"):
        (tmp_path / name).mkdir()
        Image.new("L", (6, 4)).save(tmp_path / name / "0.png")
    described = Description(format="images", shape=[4, 6, 1], classes=["a", "A"], resize=False)
    assert load(describe(described), tmp_path).y.tolist() == [0, 1]


def test_more_images_than_fit_the_memory_are_refused(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their pixels are counted before the first is decoded."""
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 6 * 4 * 6 * 3 - 1)
    assert "pictures holds 0.0 GB of values; at most 0.0 GB are read at once" in refusal(images)
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 6 * 4 * 6 * 3)
    assert len(load(own("images", [4, 6, 3]), images).y) == 6


def test_two_files_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    """Which of two tables is meant is not guessed, nor is anything beside the one left out."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a,label\n1,cat\n")
    with pytest.raises(StageError, match=r"must hold one \.csv file and nothing else; it holds: 'a\.csv', 'b\.csv'"):
        load(own("csv", [1]), tmp_path)
    (tmp_path / "b.csv").rename(tmp_path / "notes.txt")
    with pytest.raises(StageError, match=r"it holds: 'a\.csv', 'notes\.txt'"):
        load(own("csv", [1]), tmp_path)


def test_the_one_file_must_be_a_file(tmp_path: Path) -> None:
    """A pipe, or a link to what never ends, is not copied, let alone read."""
    os.mkfifo(tmp_path / "own.csv")
    for form in (partial(load, own("csv", [1])), lambda folder: files(folder, description("csv", [1]))):
        with pytest.raises(StageError, match=r"/own\.csv is neither a file nor a folder"):
            form(tmp_path)


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    """OWN.CSV, as some programs write it, is a CSV file."""
    (tmp_path / "OWN.CSV").write_text("a,label\n1,cat\n2,dog\n")
    assert load(own("csv", [1]), tmp_path).y.tolist() == [0, 1]
