"""Predicting: whatever a person brings along is answered, or named with what is wrong."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import linear_model, taking_bytes
from PIL import Image

import predict
from inputs import expand, read_examples
from parameters.schema import validate
from runtime.process import StageError
from server.embedded import serve

SHAPE = (28, 28, 1)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> Callable[..., pd.DataFrame]:
    """Return a function that runs the script in a folder of its own and returns the CSV it wrote."""
    monkeypatch.setattr(predict, "load_params", lambda: validate(content))
    monkeypatch.setattr(predict, "ONNX", tmp_path / "onnx")
    monkeypatch.setattr(predict, "ROOT", tmp_path)
    (tmp_path / "onnx" / "fp32").mkdir(parents=True)
    onnx.save(taking_bytes(linear_model()), tmp_path / "onnx" / "fp32" / "classifier.onnx")
    output = tmp_path / "said.csv"

    def ask(*arguments: object) -> pd.DataFrame:
        monkeypatch.setattr(sys, "argv", ["predict.py", *map(str, arguments), "--output", str(output)])
        predict.main()
        return pd.read_csv(output, dtype={"label": str})

    return ask


def write_inputs(folder: Path) -> Path:
    """Write the same three images as PNG files, one .npz and one CSV."""
    folder.mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(folder / f"{index}.png")
    np.savez(folder / "three.npz", x=PIXELS)
    pd.DataFrame(PIXELS.reshape(3, -1)).assign(label="?").to_csv(folder / "three.csv", index=False)
    return folder


def test_images_arrays_and_tables_of_the_same_get_the_same_answer(
    asked: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    """A row an example, in the order of names, with probabilities that sum to 1."""
    said = asked(write_inputs(tmp_path / "inputs"))
    assert [name.rpartition("/")[2] for name in said["input"]] == [
        *("0.png", "1.png", "2.png"),
        *("three.csv#0", "three.csv#1", "three.csv#2"),
        *("three.npz#0", "three.npz#1", "three.npz#2"),
    ]
    probabilities = said.filter(like="probability_").to_numpy()
    assert probabilities.shape == (9, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(probabilities[:3], probabilities[3:6])
    assert np.allclose(probabilities[:3], probabilities[6:])
    assert said["label"].tolist() == [str(index) for index in probabilities.argmax(axis=1)]


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
    assert first == "3 of 8 inputs were not answered:"
    assert "cut.png is not a readable image" in problems[0]
    assert "foreign.npz has examples of the shape [5], not [28, 28, 1]" in problems[1]
    assert "small.png is 28x10, not 28x28; --resize scales images" in problems[2]
    assert len(pd.read_csv(tmp_path / "said.csv")) == 9
    assert len(asked("--resize", folder / "small.png")) == 1


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("words.csv", "a,b\n1,x\n", "has no number in row 1 of column b"),
        ("empty.csv", "", "is not a readable CSV file"),
        ("foreign.npz", "no archive", "is not a readable .npz file"),
        ("text.txt", "hello", "is not a readable image"),
        ("header.csv", "a,b\n", "has examples of the shape"),
        ("long.csv", "a,b\n1,2,3\n", "is not a readable CSV file"),
        ("negative.csv", ",".join(map(str, range(784))) + "\n" + ",".join(["-1"] * 784), "must hold pixels"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """Whatever is in it, never a traceback."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_examples(tmp_path / name, SHAPE, resize=False)


def test_whole_numbers_are_pixels_whatever_their_type(tmp_path: Path) -> None:
    """Read as bytes, 0 and 1 among them; fractions are refused, and nothing is an error."""
    for name, x in (("whole", PIXELS.astype(np.float64)), ("truths", PIXELS > 127), ("nearly black", PIXELS // 128)):
        np.savez(tmp_path / f"{name}.npz", x=x)
        _, read = read_examples(tmp_path / f"{name}.npz", SHAPE, resize=False)
        assert read.dtype == np.uint8
        assert np.array_equal(read[..., 0], x)
    np.savez(tmp_path / "fractions.npz", x=PIXELS / 255)
    with pytest.raises(ValueError, match="must hold pixels as whole numbers from 0 to 255"):
        read_examples(tmp_path / "fractions.npz", SHAPE, resize=False)
    np.savez(tmp_path / "none.npz", x=PIXELS[:0])
    with pytest.raises(ValueError, match="has no examples"):
        read_examples(tmp_path / "none.npz", SHAPE, resize=False)


def test_a_folder_is_no_output(
    asked: Callable[..., pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would be replaced, with all that is in it."""
    (tmp_path / "kept").mkdir()
    inputs = write_inputs(tmp_path / "inputs")
    asked(inputs)
    monkeypatch.setattr(sys, "argv", ["predict.py", str(inputs), "--output", str(tmp_path / "kept")])
    with pytest.raises(SystemExit):
        predict.main()
    assert "kept is a folder; name a file" in capsys.readouterr().err
    assert (tmp_path / "kept").is_dir()


def test_rows_of_features_are_taken_as_they_are(tmp_path: Path) -> None:
    """Only pixels are scaled; an image says nothing to a dataset of rows."""
    (tmp_path / "rows.csv").write_text("a,b,c,d\n5.7,2.8,4.5,1.3\n6,3,5,2\n")
    names, x = read_examples(tmp_path / "rows.csv", (4,), resize=False)
    assert [name.rpartition("#")[2] for name in names] == ["0", "1"]
    assert np.array_equal(x, np.array([[5.7, 2.8, 4.5, 1.3], [6, 3, 5, 2]], np.float32))
    with pytest.raises(ValueError, match=r"is neither \.npz nor \.csv"):
        read_examples(tmp_path / "image.png", (4,), resize=False)


def test_a_server_that_fails_halfway_ends_it_and_takes_no_answer_along(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered before is written, and the input is named at which it ended."""
    paths = sorted(write_inputs(tmp_path / "inputs").glob("*.png"))
    scores = iter([np.eye(10)[:1]])

    def answer(_: np.ndarray) -> np.ndarray:
        try:
            return next(scores)
        except StopIteration:
            raise StageError("the Triton server died") from None

    monkeypatch.setattr(predict, "exported", lambda *_: answer)
    with pytest.raises(StageError) as raised:
        asked(*paths)
    assert str(raised.value).splitlines() == [
        "2 of 3 inputs were not answered:",
        f"  {paths[1]} and all after it: the Triton server died",
    ]
    assert list(pd.read_csv(tmp_path / "said.csv")["label"]) == [0]


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
    onnx.save(linear_model(), tmp_path / "onnx" / "fp32" / "classifier.onnx")
    with pytest.raises(StageError, match=r"takes float32, and examples of dataset digits are uint8.* `dvc repro onnx`"):
        asked(write_inputs(tmp_path / "inputs"))


def test_a_model_for_other_examples_is_refused(
    asked: Callable[..., pd.DataFrame], tmp_path: Path, content: dict[str, Any]
) -> None:
    """The dataset in params.yaml says what the inputs are; the model must take the same."""
    content |= {"dataset": "iris", "model": "mlp"}
    with pytest.raises(StageError, match=r"takes \[28, 28, 1\] and gives \[10\]; for dataset iris, .* must take \[4\]"):
        asked(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_running_server_says_what_the_export_says(
    asked: Callable[..., pd.DataFrame], model_folder: Callable[..., Path], tmp_path: Path, protocol: str
) -> None:
    """More examples than its largest batch, over either protocol."""
    inputs = write_inputs(tmp_path / "inputs")
    expected = asked(inputs / "three.npz")
    models = [model_folder(model=taking_bytes(linear_model()), max_batch_size=2), model_folder("of_fractions")]
    with serve(models, 60) as server:
        address = server.http_address if protocol == "http" else server.grpc_address
        said = asked(inputs / "three.npz", f"--{protocol}", address, "--model", "linear")
        with pytest.raises(StageError, match="did not say how it serves absent"):
            asked(inputs / "three.npz", f"--{protocol}", address, "--model", "absent")
        with pytest.raises(StageError, match=r"of_fractions at .* takes float32, and examples of dataset digits are"):
            asked(inputs / "three.npz", f"--{protocol}", address, "--model", "of_fractions")
    pd.testing.assert_frame_equal(said, expected, atol=1e-5)
