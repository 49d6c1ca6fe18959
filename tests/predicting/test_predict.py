"""Predicting: whatever a person brings along is answered, or named with what is wrong."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, linear_model, quantised_as_it_comes, run, taking_bytes
from left_behind import EXPORT, learn, tenths
from listening import answering
from own_data import own
from PIL import ExifTags, Image

import predict
from assay.ground.process import StageError
from assay.ground.records.learned import LEARNED_FROM, Learned, as_text
from assay.learning.datasets.fashion_mnist import DATASET as FASHION
from assay.learning.datasets.iris import SPECIES
from assay.learning.loading import load
from assay.predicting import provenance
from assay.predicting.inputs import expand, read_examples
from assay.servers.embedded import serve
from assay.serving.client import Server
from assay.serving.model_config import read_config, render
from assay.tensors.parity import onnx_answer, onnx_session
from assay.validation.schema import validate

SHAPE = (28, 28, 1)
LABELS = [f"c{number}" for number in range(10)]
COLUMNS = ",".join(f"p{place}" for place in range(784))
PIXELS = np.random.default_rng(0).integers(0, 256, (10, 28, 28), dtype=np.uint8)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> Callable[..., pd.DataFrame]:
    """Return a function that runs the script in a folder of its own and returns the CSV it wrote."""
    monkeypatch.setattr(predict, "load_params", lambda: validate(content))
    for module in (predict, provenance):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(predict, "ONNX", tmp_path / "artifacts" / "onnx")
    learn(tmp_path)

    def ask(*arguments: object, output: Path = tmp_path / "said.csv") -> pd.DataFrame:
        monkeypatch.setattr(sys, "argv", ["predict.py", "--output", str(output), *map(str, arguments)])
        predict.main()
        return pd.read_csv(output, dtype={"label": str})

    return ask


def write_inputs(folder: Path) -> Path:
    """Write the same ten images as PNG files, one .npz and one CSV."""
    folder.mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(folder / f"{index}.png")
    np.savez(folder / "ten.npz", x=PIXELS)
    pd.DataFrame(PIXELS.reshape(10, -1)).assign(label="?").to_csv(folder / "ten.csv", index=False)
    return folder


def test_images_arrays_and_tables_of_the_same_get_the_same_answer(
    asked: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    """A row an example, in the order of names, with probabilities that sum to 1."""
    said = asked(write_inputs(tmp_path / "inputs"))
    assert [name.rpartition("/")[2] for name in said["input"]] == [
        *(f"{index}.png" for index in range(10)),
        *(f"ten.csv#{index}" for index in range(10)),
        *(f"ten.npz#{index}" for index in range(10)),
    ]
    probabilities = said.filter(like="probability_").to_numpy()
    assert probabilities.shape == (30, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(probabilities[:10], probabilities[10:20])
    assert np.allclose(probabilities[:10], probabilities[20:])
    assert said["label"].tolist() == [str(index) for index in probabilities.argmax(axis=1)]


def test_columns_that_nobody_knows_by_name_are_taken_in_order(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where training read no table, a header cannot say which column is which, and a person hears that."""
    inputs = write_inputs(tmp_path / "inputs")
    capsys.readouterr()
    asked(inputs / "ten.npz")
    assert "columns of tables" not in capsys.readouterr().out
    asked(inputs / "ten.csv")
    assert "columns of tables were taken in the order in which they stand" in capsys.readouterr().out
    learn(tmp_path, columns=tuple(pd.read_csv(inputs / "ten.csv", nrows=0).columns[:-1]))
    asked(inputs / "ten.csv")
    assert "in the order" not in capsys.readouterr().out
    asked(inputs / "ten.npz")
    assert "arrays name no columns: they were taken in the order of '0', '1'" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["bad.csv", "bad.npz", "missing.csv", "last.csv"])
def test_nothing_is_said_of_columns_that_were_not_answered(
    asked: Callable[..., pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Whether a table or an array was refused, is not there, or came after a server's failure."""
    inputs = write_inputs(tmp_path / "inputs")
    learn(tmp_path, columns=COLUMNS.split(",") if name == "bad.npz" else ())
    for bad in ("bad.csv", "bad.npz"):
        (tmp_path / bad).write_text("no such thing")
    if name == "last.csv":
        shutil.copy(inputs / "ten.csv", tmp_path / name)
        scores = [np.eye(10)[:1]]
        monkeypatch.setattr(predict, "onnx_answer", lambda *_: scores.pop() if scores else fail())
    with pytest.raises(StageError, match="1 of 2 inputs was not answered"):
        asked(inputs / "0.png", tmp_path / name)
    assert capsys.readouterr().out == f"1 answer in {tmp_path / 'said.csv'}\n"


def fail() -> np.ndarray:
    raise StageError("the Triton server died")


def test_what_cannot_be_read_is_named_and_the_rest_is_answered(
    asked: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    """A cut image, one of another size and a foreign array: three sentences, and a CSV without them."""
    folder = write_inputs(tmp_path / "inputs")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:200])
    Image.fromarray(PIXELS[0, :10]).save(folder / "small.png")
    np.savez(folder / "foreign.npz", x=np.zeros((2, 5)))
    with pytest.raises(StageError) as refused:
        asked(folder)
    first, *problems = str(refused.value).splitlines()
    assert first == "3 of 15 inputs were not answered:"
    assert "cut.png is not a readable image" in problems[0]
    assert "foreign.npz has examples of the shape [5], not [28, 28, 1]" in problems[1]
    assert "small.png is 28x10, not 28x28; --resize scales images" in problems[2]
    assert len(pd.read_csv(tmp_path / "said.csv")) == 30
    assert len(asked("--resize", folder / "small.png")) == 1


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("words.csv", f"{COLUMNS}\n{'1,' * 783}x\n", "has 'x' for 'p783' in line 2, not a number"),
        ("empty.csv", "", "is not a readable CSV file"),
        ("huge.csv", f"{COLUMNS}\n{'1,' * 783}1e300\n", "has '1e300' for 'p783' in line 2, beyond the largest"),
        ("foreign.npz", "no archive", "is not a readable .npz file"),
        ("text.txt", "hello", "is not a readable image"),
        ("header.csv", COLUMNS, "has no examples, only a header"),
        ("long.csv", f"{COLUMNS}\n{'1,' * 784}1\n", "has 785 fields in line 2, and 784 in its header"),
        ("narrow.csv", "a,b\n1,2\n", "has 2 columns of features, not 784: 'a', 'b'"),
        ("negative.csv", f"{COLUMNS}\n{'-1,' * 783}0\n", "has -1 in example 0, and 782 more .*; pixels are whole"),
        ("fractions.csv", f"{COLUMNS}\n{'0.5,' * 783}0\n", "has 0.5 in example 0, and 782 more .*; pixels are whole"),
        ("numbers.csv", f"{'1,' * 783}0\n", "has several columns named '1'"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """Whatever is in it, never a traceback."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_examples(tmp_path / name, SHAPE, resize=False)


def arrays_of(kind: Any) -> Callable[[Path], None]:
    """Return how to write black and white as 0 and 1, in whatever type."""
    return lambda path: np.savez(path, x=(PIXELS // 128).astype(kind), y=LABELS)


def write_table(path: Path) -> None:
    """Write a row an image; its labels are not looked at by who predicts."""
    pd.DataFrame(PIXELS.reshape(10, -1) // 128).assign(label=LABELS).to_csv(path, index=False)


def write_images(path: Path) -> None:
    """Write images of another size that lie on their side, a folder a class, in place of a file."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for label, pixels in zip(LABELS, PIXELS, strict=True):
        (path.parent / label).mkdir()
        Image.fromarray(pixels).resize((40, 30)).save(path.parent / label / "one.png", exif=exif)


@pytest.mark.parametrize(
    ("format_", "write"),
    [
        *(("npz", arrays_of(kind)) for kind in (np.uint8, bool, np.float64, np.int64)),
        ("csv", write_table),
        ("images", write_images),
    ],
)
def test_the_training_files_get_the_answer_that_the_model_gives_on_them(
    asked: Callable[..., pd.DataFrame],
    tmp_path: Path,
    content: dict[str, Any],
    format_: str,
    write: Callable[[Path], None],
) -> None:
    """One file, one rule: 0 and 1 are those of 255, images are upright, and scaled where training may scale them."""
    content["dataset"] = "own"
    content["data"]["own"] |= {"format": format_, "shape": list(SHAPE), "classes": LABELS}
    content["data"]["own"]["resize"] = format_ == "images"
    learn(tmp_path, "own", LABELS)
    inputs = tmp_path / "data"
    inputs.mkdir()
    write(inputs / f"x.{format_}")
    examples = load(validate(content).raw_data, inputs)
    assert examples.x.dtype == np.uint8
    scores = onnx_answer(onnx_session(taking_bytes(linear_model()).SerializeToString()), examples.x)
    said = asked(inputs)
    assert np.allclose(said.filter(like="probability_"), predict.softmax(scores), atol=1e-5)
    assert said["label"].tolist() == [LABELS[index] for index in scores.argmax(axis=1)]


def test_an_answer_is_that_of_the_example_alone(asked: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """Where values are quantised as they come, a bright image beside them would change the answers to dark ones."""
    learn(tmp_path, model=quantised_as_it_comes())
    dark = np.random.default_rng(0).integers(0, 20, (8, 28, 28), np.uint8)
    np.savez(tmp_path / "dark.npz", x=dark)
    np.savez(tmp_path / "beside.npz", x=np.concatenate([dark, np.full((1, 28, 28), 255, np.uint8)]))
    for index, pixels in enumerate(dark):
        np.savez(tmp_path / f"{index}.npz", x=pixels[np.newaxis])
    numbers = [f"probability_{label}" for label in range(10)]
    alone = np.concatenate([asked(tmp_path / f"{index}.npz")[numbers] for index in range(8)])
    session = onnx_session(str(tmp_path / "artifacts" / "onnx" / "fp32" / "classifier.onnx"))
    together = predict.softmax(onnx_answer(session, np.load(tmp_path / "beside.npz")["x"][..., np.newaxis])[:8])
    assert np.abs(together - alone).max() > 1e-3
    for name in ("dark", "beside"):
        assert np.array_equal(asked(tmp_path / f"{name}.npz")[numbers][:8], alone)


def test_what_training_reads_is_what_predict_reads(tmp_path: Path) -> None:
    """The same bytes of the same file; rows of features the same floats."""
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "x.csv").write_text("a,b,label\n0.1,1e-3,cat\n16777217,5,dog\n")
    _, x = read_examples(tmp_path / "rows" / "x.csv", (2,), resize=False)
    assert np.array_equal(x, load(own("csv", [2]), tmp_path / "rows").x)
    np.savez(tmp_path / "x.npz", x=PIXELS)  # without labels
    assert np.array_equal(read_examples(tmp_path / "x.npz", SHAPE, resize=False)[1], PIXELS[..., np.newaxis])
    np.savez(tmp_path / "x.npz", x=PIXELS[:0])
    with pytest.raises(ValueError, match="has no examples"):
        read_examples(tmp_path / "x.npz", SHAPE, resize=False)


def test_features_are_found_by_the_names_that_were_learned(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any]
) -> None:
    """In another order they mean the same, under other names nothing; where no names were learned, none count."""
    content |= {"dataset": "iris", "model": "mlp"}
    learn(tmp_path, "iris", SPECIES, "abcd", model=tenths(), family="mlp")
    (tmp_path / "rows.csv").write_text("d,c,b,a\n4,3,2,1\n")
    assert asked(tmp_path / "rows.csv").iloc[0, 2:].tolist() == [0.1, 0.2, 0.3]
    (tmp_path / "rows.csv").write_text("d,c,b,id\n4,3,2,1\n")
    with pytest.raises(StageError, match=r"rows\.csv has no column 'a'; its columns: 'd', 'c', 'b', 'id'"):
        asked(tmp_path / "rows.csv")
    learn(tmp_path, "iris", SPECIES, model=tenths(), family="mlp")
    assert asked(tmp_path / "rows.csv").iloc[0, 2:].tolist() == [0.4, 0.3, 0.2]


def test_pixels_are_found_by_the_names_that_were_learned(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any]
) -> None:
    """As features are: in the order of their names as text, as another program may write them, they mean the same."""
    content["dataset"] = "own"
    content["data"]["own"] |= {"format": "csv", "shape": list(SHAPE), "classes": LABELS}
    rows = pd.DataFrame(PIXELS.reshape(10, -1), columns=COLUMNS.split(","))
    (tmp_path / "own").mkdir()
    rows.assign(label=LABELS).to_csv(tmp_path / "own" / "own.csv", index=False)
    learn(tmp_path, "own", LABELS, load(validate(content).raw_data, tmp_path / "own").columns or ())
    rows[sorted(rows)].to_csv(tmp_path / "sorted.csv", index=False)
    expected, said = asked(tmp_path / "own"), asked(tmp_path / "sorted.csv")
    pd.testing.assert_frame_equal(said.drop(columns="input"), expected.drop(columns="input"))
    rows.rename(columns={"p0": "P0"}).to_csv(tmp_path / "renamed.csv", index=False)
    with pytest.raises(StageError, match=r"renamed\.csv has no column 'p0'"):
        asked(tmp_path / "renamed.csv")


def test_what_was_not_learned_names_no_answer(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any]
) -> None:
    """Another dataset of the same shape in params.yaml, or the classes in another order: an error, and no answers."""
    inputs = write_inputs(tmp_path / "inputs")
    content["dataset"] = "fashion_mnist"
    with pytest.raises(StageError, match=r"classifier\.onnx learned from digits, and params\.yaml names fashion_mnist"):
        asked(inputs)
    content["dataset"] = "own"
    content["data"]["own"] |= {"format": "npz", "shape": list(SHAPE), "classes": LABELS}
    learn(tmp_path, "own", LABELS[::-1])
    with pytest.raises(StageError, match=r"learned the classes 'c9', 'c8', .*, and own has, in this order, 'c0'"):
        asked(inputs)
    assert not (tmp_path / "said.csv").exists()


def test_scores_that_are_no_numbers_are_no_answer(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that is too much for the model is named; no class is made of nothing."""
    infinite = np.zeros((10, 10), np.float32)
    infinite[3] = np.inf
    inputs = write_inputs(tmp_path / "inputs")
    monkeypatch.setattr(predict, "onnx_answer", lambda *_: infinite)
    with pytest.raises(StageError, match="is beyond what the model can compute: no numbers for example 3") as raised:
        asked(inputs / "ten.npz")
    assert str(raised.value).startswith("1 of 1 input was not answered:")
    assert not (tmp_path / "said.csv").exists()


def test_names_are_text_that_no_spreadsheet_computes(asked: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are escaped, and a name that looks like a formula is a path; numbers stay numbers."""
    inputs = write_inputs(tmp_path / "inputs")
    names = [os.fsdecode(b"\xff.png"), "=1+1.png", "-1.png", "+1.png", "@a.png", "\ta.png", "plain.png", "é.png"]
    for name in names:
        (inputs / "0.png").rename(tmp_path / name) if name == names[-1] else shutil.copy(
            inputs / "0.png", tmp_path / name
        )
    with contextlib.chdir(tmp_path):
        said = asked("--", *names)
    assert said["input"].tolist() == [
        *("./\\xff.png", "./=1+1.png", "./-1.png", "./+1.png", "./@a.png", "./\\ta.png", "plain.png", "é.png"),
    ]
    assert said.filter(like="probability_").map(np.isreal).to_numpy().all()


def test_of_folders_every_file_is_answered_or_named(asked: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """However deep; hidden ones are left out, links to folders named, pipes not waited for."""
    inputs = write_inputs(tmp_path / "inputs")
    (inputs / "deep" / "deeper").mkdir(parents=True)
    (inputs / "0.png").rename(inputs / "deep" / "deeper" / "0.png")
    (inputs / ".hidden").mkdir()
    (inputs / ".hidden" / "0.png").touch()
    (inputs / ".0.png").touch()
    (inputs / "deep" / "up").symlink_to(inputs)
    os.mkfifo(inputs / "pipe.csv")
    with pytest.raises(StageError) as raised:
        asked(inputs, tmp_path / "missing.csv", "long" * 100)
    assert [line.replace(str(tmp_path), "") for line in str(raised.value).splitlines()] == [
        "4 of 16 inputs were not answered:",
        "  /inputs/deep/up is a link to a folder, which is not followed",
        "  /inputs/pipe.csv is neither a file nor a folder",
        "  /missing.csv cannot be read: No such file or directory",
        f"  {'long' * 100} cannot be read: File name too long",
    ]
    assert len(pd.read_csv(tmp_path / "said.csv")) == 30


def test_a_folder_that_is_locked_is_named(tmp_path: Path) -> None:
    """What cannot be looked into stands for what is in it; all else is read."""
    (tmp_path / "locked").mkdir(mode=0o000)
    (tmp_path / "a.png").touch()
    script = f"""
import sys
from pathlib import Path
from assay.predicting.inputs import expand, out_of_reach
print([(path.name, out_of_reach(path)) for path in expand([Path({str(tmp_path)!r})])])
"""
    # Root may look into any folder, unless it gives that right up.
    bounds = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    said = run(*bounds, sys.executable, "-c", script, cwd=ROOT).stdout
    locked = f"{tmp_path}/locked cannot be read: Permission denied"
    assert said == f"{[('a.png', None), ('locked', locked)]}\n"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "user:secret@127.0.0.1:8000", "127.0.0.1", "127.0.0.1:0"])
def test_an_address_is_host_and_port(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """With a scheme, a user or no port it is refused in one sentence, which repeats no password."""
    for protocol in ("--http", "--grpc"):
        with pytest.raises(SystemExit):
            asked(write_inputs(tmp_path / protocol), protocol, address)
        said = capfd.readouterr().err
        assert f"error: argument {protocol}: write host:port, without http:// or a user, as in 127.0.0.1:8000" in said
        assert "Exception" not in said
        assert "secret" not in said


def test_rows_of_features_are_taken_as_they_are(tmp_path: Path) -> None:
    """Only pixels are scaled; an image says nothing to a dataset of rows."""
    (tmp_path / "rows.csv").write_text("a,b,c,d\n5.7,2.8,4.5,1.3\n6,3,5,2\n")
    names, x = read_examples(tmp_path / "rows.csv", (4,), resize=False)
    assert [name.rpartition("#")[2] for name in names] == ["0", "1"]
    assert np.array_equal(x, np.array([[5.7, 2.8, 4.5, 1.3], [6, 3, 5, 2]], np.float32))
    (tmp_path / "image.png").touch()
    with pytest.raises(ValueError, match=r"is neither \.npz nor \.csv"):
        read_examples(tmp_path / "image.png", (4,), resize=False)


def test_a_server_that_fails_halfway_ends_it_and_takes_no_answer_along(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered before is written, and the input is named at which it ended."""
    paths = sorted(write_inputs(tmp_path / "inputs").glob("*.png"))
    scores = iter([np.eye(10)[:1]])

    def answer(*_: object) -> np.ndarray:
        try:
            return next(scores)
        except StopIteration:
            raise StageError("the Triton server died") from None

    monkeypatch.setattr(predict, "onnx_answer", answer)
    with pytest.raises(StageError) as raised:
        asked(*paths)
    assert str(raised.value).splitlines() == [
        "9 of 10 inputs were not answered:",
        f"  {paths[1]} and all after it: the Triton server died",
    ]
    assert list(pd.read_csv(tmp_path / "said.csv")["label"]) == [0]


def test_what_can_be_refused_at_once_waits_for_nobody(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a measurement has the machine, who has nothing to ask, or nobody to ask it, is told so."""

    def wait() -> None:
        raise TimeoutError

    monkeypatch.setattr(predict, "machine_shared", wait)
    inputs = write_inputs(tmp_path / "inputs")
    with pytest.raises(TimeoutError):
        asked(inputs, "missing.png")
    with pytest.raises(
        StageError, match=r"2 of 2 inputs were not answered:\n  missing.png cannot be read: No such file"
    ):
        asked("missing.png", "missing.csv")
    content["dataset"] = "fashion_mnist"
    with pytest.raises(StageError, match=r"learned from digits, and params\.yaml names fashion_mnist"):
        asked(inputs)
    (tmp_path / EXPORT / "classifier.onnx").unlink()
    with pytest.raises(StageError, match=r"classifier\.onnx is missing"):
        asked(inputs)


def test_every_input_without_an_answer_is_named(asked: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """However many there are: no other place does it."""
    inputs = write_inputs(tmp_path / "inputs")
    names = [str(tmp_path / f"{number}.png") for number in range(30)]
    with pytest.raises(StageError) as raised:
        asked(inputs, *names)
    first, *others = str(raised.value).splitlines()
    assert first == "30 of 42 inputs were not answered:"
    assert others == [f"  {name} cannot be read: No such file or directory" for name in names]
    assert len(pd.read_csv(tmp_path / "said.csv")) == 30


@pytest.mark.parametrize(
    "arguments", [[""], ["x.png", ""], ["x.png", "--model", ""], ["x.png", "--output", ""], ["x.png", "--variant", ""]]
)
def test_an_empty_name_is_refused(
    asked: Callable[..., pd.DataFrame], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be this folder with all that is in it, or what is meant where no name is given."""
    with pytest.raises(SystemExit):
        asked(*arguments)
    assert "an empty name names nothing" in capsys.readouterr().err


def test_a_model_by_name_needs_a_server(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exported file has no name; what would be ignored is refused."""
    with pytest.raises(SystemExit):
        asked(write_inputs(tmp_path / "inputs"), "--model", "linear")
    assert "--model names a served model: say where with --http or --grpc" in capsys.readouterr().err


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """Nothing to answer is no success."""
    with pytest.raises(StageError, match="no files in"):
        expand([tmp_path])


def test_an_export_that_takes_fractions_is_refused(asked: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """It is of a revision that left scaling to whoever asked: bytes would be 255 times too bright for it."""
    learn(tmp_path, model=linear_model())
    with pytest.raises(StageError, match=r"takes float32, and examples of dataset digits are uint8.* `dvc repro onnx`"):
        asked(write_inputs(tmp_path / "inputs"))


def test_a_model_for_other_examples_is_refused(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any]
) -> None:
    """The dataset in params.yaml says what the inputs are; the model must take the same."""
    content |= {"dataset": "iris", "model": "mlp"}
    learn(tmp_path, "iris", SPECIES, family="mlp")
    with pytest.raises(StageError, match=r"takes \[28, 28, 1\] and gives \[10\]; for dataset iris, .* must take \[4\]"):
        asked(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_running_server_says_what_the_export_says(
    asked: Callable[..., pd.DataFrame], model_folder: Callable[..., Path], tmp_path: Path, protocol: str
) -> None:
    """Of more than its largest batch, over either protocol; where it does not say what it learned, the stages do."""
    inputs = write_inputs(tmp_path / "inputs")
    expected = asked(inputs / "ten.npz")
    models = [model_folder(model=taking_bytes(linear_model()), max_batch_size=2), model_folder("of_fractions")]
    models.append(model_folder("of_fashion", taking_bytes(linear_model())))
    config = read_config(models[-1] / "config.pbtxt")
    other: Learned = {"dataset": "fashion_mnist", "classes": list(FASHION.classes)}
    config.parameters[LEARNED_FROM].string_value = as_text(other)
    (models[-1] / "config.pbtxt").write_text(render(config))
    with serve(models, 60) as server:
        address = server.http_address if protocol == "http" else server.grpc_address
        said = asked(inputs / "ten.npz", f"--{protocol}", address, "--model", "linear")
        with pytest.raises(StageError, match="did not say how it serves absent"):
            asked(inputs / "ten.npz", f"--{protocol}", address, "--model", "absent")
        with pytest.raises(StageError, match=r"of_fractions at .* takes float32, and examples of dataset digits are"):
            asked(inputs / "ten.npz", f"--{protocol}", address, "--model", "of_fractions")
        with pytest.raises(StageError, match=r"of_fashion at .* learned from fashion_mnist, and params.yaml names dig"):
            asked(inputs / "ten.npz", f"--{protocol}", address, "--model", "of_fashion")
        learn(tmp_path, "fashion_mnist", FASHION.classes)
        with pytest.raises(
            StageError, match=r"linear at .* does not say .*; the last training here learned from fashion_m"
        ):
            asked(inputs / "ten.npz", f"--{protocol}", address, "--model", "linear")
    pd.testing.assert_frame_equal(said, expected, atol=1e-5)


@pytest.mark.parametrize(
    "answer",
    [np.full((1, 10), b"0.1", object), np.zeros((1, 10), np.int64), np.zeros((1, 10))],
    ids=["text", "int64", "float64"],
)
def test_a_server_that_answers_with_another_type_than_it_declares_is_not_believed(
    asked: Callable[..., pd.DataFrame],
    model_folder: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: np.ndarray,
) -> None:
    """Text that looks like a number, or numbers that nobody declared."""
    config = read_config(model_folder(model=taking_bytes(linear_model())) / "config.pbtxt")
    monkeypatch.setattr(Server, "effective_config", lambda *_: config)
    monkeypatch.setattr(Server, "infer", lambda *_: {"logits": answer})
    learn(tmp_path)
    said = "text" if answer.dtype.kind == "O" else str(answer.dtype)
    with pytest.raises(StageError, match=f"answers with {said} in logits, and float32 is declared"):
        asked(write_inputs(tmp_path / "inputs"), "--http", "127.0.0.1:9")


def test_a_server_is_let_go_of(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are closed, whether it answered or not."""
    closed = []
    monkeypatch.setattr(Server, "close", lambda self: closed.append(self.http_address))
    with pytest.raises(StageError, match=r"^no Triton server answers at 127\.0\.0\.1:9; start one there, or"):
        asked(write_inputs(tmp_path / "inputs"), "--http", "127.0.0.1:9")
    assert closed == ["127.0.0.1:9"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_server_that_does_not_answer_is_waited_for_once(
    asked: Callable[..., pd.DataFrame], content: dict[str, Any], tmp_path: Path, protocol: str
) -> None:
    """The sentence says how long it had, and so long it took."""
    content["timeouts"]["request_s"] = 1
    inputs, began = write_inputs(tmp_path / "inputs"), time.monotonic()
    with answering(lambda _: time.sleep(60)) as place, pytest.raises(StageError, match=r"(?s)no Triton .* it had 1 s"):
        asked(inputs, f"--{protocol}", place)
    assert 1 <= time.monotonic() - began < 3
