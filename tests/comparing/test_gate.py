"""The gate: a working tree against another revision, and its four exit codes."""

import argparse
import base64
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from conftest import (
    ROOT,
    FinishedRun,
    commit,
    environment,
    linear_model,
    quantised_as_it_comes,
    read_params,
    run,
    taking_bytes,
)
from ruamel.yaml import YAML

from assay.comparing.reference import MODELS, check_out, default_cell, refuse_other_dataset, resolve, restore_models
from assay.comparing.result import Result
from assay.comparing.terms import Terms, divided_alike, terms_of
from assay.ground.arguments import seconds, share
from assay.ground.files import read_json, write_json
from assay.ground.process import StageError
from assay.ground.records.learned import Learned
from assay.learning import datasets
from assay.measuring.bench import Candidate, bench
from assay.measuring.readings import throughput
from assay.statistics.interval import Interval
from assay.statistics.limit import Answer, at_least, at_most, overall
from assay.statistics.tolerance import LOOKS, paired_share_difference, ratio_at_look
from assay.tensors.arrays import SPLITS, write_split
from assay.tensors.parity import onnx_answer, onnx_session
from assay.validation.schema import validate
from gate import (
    compare,
    compare_accuracy,
    compare_throughput,
    prepared,
    verdict,
)

# Those of a reference that has ten classes in our order.
SAME = Terms(None, list(range(10)))


def test_a_repositorys_model_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence about it comes first, and not that of a stage that cannot run."""
    monkeypatch.setattr("gate.resolve", lambda revision: revision)
    monkeypatch.setattr("gate.check_out", lambda *_: None)
    monkeypatch.setattr("gate.read_parameters", lambda _: {"model": "own"})
    monkeypatch.setattr("gate.are_brought", lambda *_: True)
    monkeypatch.setattr("gate.brought_here", lambda: SimpleNamespace(found={"model": "theirs"}))
    monkeypatch.setattr("gate.build_workspace", lambda: pytest.fail("it was built"))
    with pytest.raises(StageError, match="the gate compares ONNX files"):
        compare(argparse.Namespace(revision="main"), tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(0.96, 1.1, "meets"), (0.95, 0.99, "meets"), (0.80, 0.94, "fails"), (0.90, 1.0, "cannot tell")],
)
def test_an_interval_meets_a_limit_fails_it_or_cannot_tell(low: float, high: float, answer: str) -> None:
    """Beyond the tolerance only if the whole interval is; within it only if the whole interval is."""
    assert at_least(0.95, Interval((low + high) / 2, low, high)) == answer
    assert at_most(-0.95, Interval(-(low + high) / 2, -high, -low)) == answer


def test_looking_again_and_again_is_paid_for() -> None:
    """Over 2,000 comparisons of equals that look after every block due, at most 5 % miss the truth at any look."""
    random = np.random.default_rng(1)
    missed = 0
    for _ in range(2000):
        logs = random.normal(0, 0.05, LOOKS[-1]).tolist()
        missed += any(not (each.low <= 1 <= each.high) for each in (ratio_at_look(logs[:n]) for n in LOOKS))
    assert missed / 2000 < 0.05


@pytest.mark.parametrize(("examples", "doubt"), [(30, 0.1135), (98, 0.0377), (1000, 0.00383)])
def test_equal_answers_leave_the_doubt_that_few_examples_do(examples: int, doubt: float) -> None:
    """Two models that are right on the same 30 examples may differ on others, more than after 1,000."""
    right = np.arange(examples) % 4 > 0
    found = paired_share_difference(right, right)
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -doubt, doubt), rel=0.001)


@pytest.mark.parametrize(
    ("examples", "gained", "lost"), [(98, 0, 0.0201), (359, 0, 0.0201), (359, 0.01, 0.02), (100, 0.03, 0.03)]
)
def test_a_change_of_accuracy_is_missed_as_rarely_as_its_interval_says(
    examples: int, gained: float, lost: float
) -> None:
    """Each end by a fortieth, within what chance does to 2,000 of them: also where most examples show nothing."""
    random, low, high = np.random.default_rng(0), 0, 0
    for gains, losses, _ in random.multinomial(examples, [gained, lost, 1 - gained - lost], 2000):
        first, second = np.ones(examples, bool), np.ones(examples, bool)
        first[:gains] = False
        second[gains : gains + losses] = False
        found = paired_share_difference(first, second)
        low, high = low + (found.low > gained - lost), high + (found.high < gained - lost)
    assert low / 2000 < 0.04
    assert high / 2000 < 0.04


def test_only_examples_that_differ_count() -> None:
    """10 gained and 2 lost of 1,000: a change of 0.8 %, of 0.15 at least."""
    first, second = np.ones(1000, bool), np.ones(1000, bool)
    first[:10] = False
    second[10:12] = False
    found = paired_share_difference(first, second)
    assert found.value == pytest.approx(0.008)
    assert (found.low, found.high) == pytest.approx((0.0015, 0.0165), abs=1e-4)


def test_no_change_is_more_than_all() -> None:
    """Of few examples, all of them gained or lost, the interval ends where shares do."""
    lost, gained = np.zeros(30, bool), np.ones(30, bool)
    assert paired_share_difference(lost, gained).high == 1
    assert paired_share_difference(gained, lost).low == -1


def test_a_failure_outweighs_a_doubt() -> None:
    """One thing that got worse fails whatever else cannot be told."""
    answers: list[Answer] = ["meets", "cannot tell", "fails"]
    assert overall(answers) == "fails"
    assert overall(answers[:2]) == "cannot tell"
    assert overall(answers[:1]) == "meets"


def test_what_cannot_be_told_is_named_with_what_would_tell_it() -> None:
    """In the last line, as long as it is the answer."""
    found = [
        Result("throughput", "", "meets", "a longer --budget"),
        Result("accuracy", "", "cannot tell", "more test examples"),
        Result("parity", "", "meets"),
    ]
    assert (
        verdict(found)
        == "the gate: this working tree may or may not be worse: accuracy takes more test examples to tell"
    )
    found.append(Result("throughput", "", "cannot tell", "a longer --budget"))
    assert verdict(found).endswith("takes more test examples to tell; throughput takes a longer --budget to tell")
    found.append(Result("parity", "", "fails"))
    assert verdict(found) == "the gate: this working tree is worse than is tolerated"
    assert verdict(found[2:3]) == "the gate: this working tree is not worse, beyond what is tolerated"


@pytest.mark.parametrize(
    ("budget_s", "starts", "takes"),
    [
        (5, 1, "a longer --budget"),
        (45, 4, "a longer --budget or a wider --tolerance"),
        (10_000, LOOKS[-1], "a wider --tolerance"),
    ],
)
def test_a_longer_budget_is_advised_only_where_it_brings_another_look(
    monkeypatch: pytest.MonkeyPatch, budget_s: float, starts: int, takes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first look nothing else helps, after the last one it does not."""
    clock = [0.0]

    @contextlib.contextmanager
    def start(*_: object) -> Iterator[SimpleNamespace]:
        clock.append(clock[-1] + 10)
        ratio = 2 if len(clock) % 2 else 0.5
        yield SimpleNamespace(measure=lambda name, _concurrency: ratio if name == "workspace" else 1)

    monkeypatch.setattr("gate.bench", start)
    monkeypatch.setattr("gate.throughput", float)
    monkeypatch.setattr("gate.time", SimpleNamespace(monotonic=lambda: clock[-1]))
    reference, workspace = (Candidate(Path(name), Path(), {}) for name in ("reference", "workspace"))
    found = compare_throughput((reference, workspace), validate(read_params()), 0.05, budget_s)
    assert (found.answer, found.takes) == ("cannot tell", takes)
    assert capsys.readouterr().out.count("server start ") == starts


@pytest.mark.parametrize(
    ("alike", "takes"),
    [
        (True, "more test examples or a wider --accuracy-tolerance"),
        (False, "examples that are divided as the reference's, by its seed and data"),
    ],
)
def test_accuracy_that_cannot_be_told_takes_other_examples(
    folders: tuple[Path, Path], tmp_path: Path, alike: bool, takes: str
) -> None:
    """By 40 of them, equally accurate models that differ somewhere may be worse; no budget changes that."""
    path = folders[0] / "1" / "model.onnx"
    onnx.save(linear_model(scale=0.1001), path)
    found = compare_accuracy(prepared(folders, datasets.get("digits"), SAME, tmp_path), SAME, 0.02, alike=alike)
    assert "a change of +0.0000 (" in found.found
    assert (found.answer, found.takes) == ("cannot tell", takes)


def test_a_revision_is_asked_and_understood_by_names(tmp_path: Path) -> None:
    """Its columns and classes in another order are the same examples, and the same model is as accurate."""
    ours: Learned = {"dataset": "own", "classes": ["cat", "dog", "eel"], "columns": ["a", "b"]}
    theirs: Learned = {"dataset": "own", "classes": ["eel", "cat", "dog"], "columns": ["b", "a"]}
    terms = terms_of(theirs, ours)
    assert terms
    x, y = np.array([[1.0, 2], [3, 4], [5, 6]], np.float32), np.array([0, 1, 2])
    assert terms.asked(x).tolist() == [[2, 1], [4, 3], [6, 5]]
    assert terms.understood(np.array([[0.1, 0.7, 0.2]])).tolist() == [[0.7, 0.2, 0.1]]
    for name in SPLITS:
        write_split(tmp_path / "ours" / f"{name}.npz", x, y)
        write_split(tmp_path / "theirs" / f"{name}.npz", x[:, ::-1], np.array([1, 2, 0]))
    assert divided_alike(tmp_path / "ours", tmp_path / "theirs", terms)
    assert not divided_alike(tmp_path / "ours", tmp_path / "theirs", terms_of(ours, ours) or terms)
    assert terms_of({**theirs, "classes": ["eel", "cat", "fox"]}, ours) is None
    assert terms_of({**theirs, "columns": ["b", "c"]}, ours) is None
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    turned = Terms([3, 2, 1, 0], [0, 1]).asked(pixels)
    assert turned.dtype == np.uint8
    assert turned.ravel().tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
    of_images: Learned = {"dataset": "digits", "classes": ["0", "1"]}
    assert terms_of(of_images, of_images) == Terms(None, [0, 1])


def test_a_reference_of_other_classes_has_no_accuracy_here(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """What it answers is something else, and no number says otherwise."""
    candidates = prepared(folders, datasets.get("digits"), None, tmp_path)
    found = compare_accuracy(candidates, None, 0.5, alike=False)
    assert found.found == "the reference learned of other classes, or from columns of other names"
    assert found.answer == "cannot tell"


def test_each_example_is_answered_alone(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """As the export asks it: where values are quantised as they come, one bright image would change all others'."""
    (tmp_path / "test.npz").unlink()
    pixels = np.random.default_rng(0).integers(0, 3, (40, 28, 28, 1), np.uint8)
    session = onnx_session(quantised_as_it_comes().SerializeToString())
    pixels[-1] = 255
    alone = np.array([onnx_answer(session, each[np.newaxis]).argmax() for each in pixels])
    assert (onnx_answer(session, pixels).argmax(axis=1) != alone).any()
    write_split(tmp_path / "test.npz", pixels, alone)
    for folder in folders:
        onnx.save(quantised_as_it_comes(), folder / "1" / "model.onnx")
    candidates = prepared(folders, datasets.get("digits"), SAME, tmp_path)
    assert compare_accuracy(candidates, SAME, 0.5, alike=True).found.startswith("1.0000 → 1.0000, ")


def test_a_reference_that_numbers_its_classes_otherwise_is_as_accurate(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """The same model with its outputs turned around: not a single example is answered otherwise."""
    path = folders[0] / "1" / "model.onnx"
    model = onnx.load(path)
    weights = onnx.numpy_helper.to_array(model.graph.initializer[0])
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights[:, ::-1].copy(), "w"))
    onnx.save(model, path)
    turned = Terms(None, list(range(10))[::-1])
    candidates = prepared(folders, datasets.get("digits"), turned, tmp_path)
    assert "a change of +0.0000" in compare_accuracy(candidates, turned, 0.5, alike=True).found
    assert "a change of +0.0000" not in compare_accuracy(candidates, SAME, 0.5, alike=True).found


def test_examples_are_divided_alike_only_where_all_are_the_same(tmp_path: Path) -> None:
    """Another seed, fraction, set of files or code that divides them: the reference may have learned what is tested."""
    x = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1)
    for folder, examples in (("ours", x), ("same", x), ("other", x[::-1])):
        for name in SPLITS:
            write_split(tmp_path / folder / f"{name}.npz", examples, np.arange(6))
    assert divided_alike(tmp_path / "ours", tmp_path / "same", SAME)
    assert not divided_alike(tmp_path / "ours", tmp_path / "other", SAME)
    (tmp_path / "same" / "validation.npz").unlink()
    assert not divided_alike(tmp_path / "ours", tmp_path / "same", SAME)


@pytest.fixture
def folders(model_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A model of fractions as the reference, the same one of bytes as this working tree's, and images to ask about."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8)
    write_split(tmp_path / "test.npz", pixels, np.arange(40) % 10)
    monkeypatch.setattr("gate.ARRAYS", tmp_path)
    return model_folder("old"), model_folder("new", taking_bytes(linear_model()))


def test_each_revision_is_asked_in_the_type_that_it_takes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Bytes, or fractions where it was trained on these: the same model of both kinds is equally accurate."""
    candidates = prepared(folders, datasets.get("digits"), SAME, tmp_path)
    asked = [each.examples["image"] for each in candidates]
    assert [each.dtype for each in asked] == [np.float32, np.uint8]
    assert [float(each.max()) for each in asked] == [1, 255]
    requests = [read_json(each.input_data)["data"][0]["image"]["b64"] for each in candidates]
    assert [len(base64.b64decode(each)) for each in requests] == [4 * 784, 784]
    found = compare_accuracy(candidates, SAME, 0.5, alike=True)
    assert "a change of +0.0000" in found.found
    assert found.answer == "meets"


@pytest.mark.slow
def test_both_kinds_of_revision_answer_side_by_side(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """In one server, each under the load of its own requests."""
    content = read_params()
    content["perf"]["window_ms"] = 20
    with bench(prepared(folders, datasets.get("digits"), SAME, tmp_path), validate(content).conditions) as windows:
        assert min(throughput(windows.measure(name, 2)) for name in ("reference", "workspace")) > 0


@pytest.mark.parametrize(
    ("kind", "width", "problem"),
    [
        (onnx.TensorProto.FLOAT, 27, r"old of the reference takes \[28, 27, 1\] and gives \[10\]; for dataset digits"),
        (onnx.TensorProto.INT32, 28, "old of the reference takes int32, and examples are uint8"),
    ],
)
def test_other_shapes_and_unknown_types_are_no_answer(
    folders: tuple[Path, Path], tmp_path: Path, kind: int, width: int, problem: str
) -> None:
    """A type says how to ask; a shape says that the two were made for other examples."""
    path = folders[0] / "1" / "model.onnx"
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = kind
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = width
    onnx.save(model, path)
    with pytest.raises(StageError, match=problem):
        prepared(folders, datasets.get("digits"), SAME, tmp_path)


def test_what_is_no_classifier_has_no_accuracy(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """An autoencoder's pixels have a largest one, too, and that is no class."""
    path = folders[1] / "1" / "model.onnx"
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.CopyFrom(model.graph.input[0].type.tensor_type.shape)
    onnx.save(model, path)
    with pytest.raises(StageError, match=r"new of this working tree takes \[28, 28, 1\] and gives \[28, 28, 1\]; for"):
        prepared(folders, datasets.get("digits"), SAME, tmp_path)


def test_tensors_may_be_called_otherwise(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Model families call their input what they like; each is asked by its own name for it."""
    path = folders[0] / "1" / "model.onnx"
    model = onnx.load(path)
    for node in model.graph.node:
        node.input[:] = ["example" if name == "image" else name for name in node.input]
    model.graph.input[0].name = "example"
    onnx.save(model, path)
    config = folders[0] / "config.pbtxt"
    config.write_text(config.read_text().replace('"image"', '"example"'))
    candidates = prepared(folders, datasets.get("digits"), SAME, tmp_path)
    assert [list(read_json(each.input_data)["data"][0]) for each in candidates] == [["example"], ["image"]]
    assert compare_accuracy(candidates, SAME, 0.5, alike=True).answer == "meets"


@pytest.mark.parametrize("now", [True, False])
def test_only_an_export_that_strays_now_is_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: bool
) -> None:
    """No models come of it, and what the export measured says why; what an earlier one measured does not."""

    def export_strays() -> bool:
        write_json(tmp_path / "fp32.json", {"classifier": {"parity": 1e-6}, "autoencoder": {"parity": 0.5}})
        return False

    export_strays()
    monkeypatch.setattr("gate.build_workspace", export_strays if now else lambda: False)
    monkeypatch.setattr("gate.resolve", lambda revision: revision)
    monkeypatch.setattr("gate.check_out", lambda _commit, folder: write_parameters(folder, {"dataset": "digits"}))
    monkeypatch.setattr("gate.load_params", lambda: validate(read_params()))
    monkeypatch.setattr("gate.PARITY", tmp_path)
    given = argparse.Namespace(revision="main")
    if now:
        (only,) = compare(given, tmp_path)
        assert (only.what, only.answer) == ("parity", "fails")
    else:
        with pytest.raises(StageError, match="own models could not be built"):
            compare(given, tmp_path)


def write_parameters(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(content, file)


def test_what_is_worse_already_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An accuracy that is lost is the answer, whatever the throughput is: nobody waits for that."""
    worse = Result("accuracy", "0.95 → 0.83", "fails")
    write_json(tmp_path / "fp32.json", {"classifier": {"parity": 1e-6}})
    for name, value in {
        "resolve": lambda revision: revision,
        "check_out": lambda _commit, folder: write_parameters(folder, {"dataset": "digits"}),
        "load_params": lambda: validate(read_params()),
        "build_workspace": lambda: True,
        "learned_in": lambda _folder: {"dataset": "digits", "classes": list("0123456789")},
        "restore_models": lambda _folder: "DVC's cache",
        "default_cell": lambda _folder, _name, _whose: "cell",
        "prepared": lambda *_: (),
        "divided_alike": lambda *_: True,
        "compare_accuracy": lambda *_, **_named: worse,
        "PARITY": tmp_path,
    }.items():
        monkeypatch.setattr(f"gate.{name}", value)
    given = argparse.Namespace(revision="main", cell=None, accuracy_tolerance=0.02)
    assert [each.what for each in compare(given, tmp_path)] == ["accuracy", "parity"]


def test_another_dataset_is_no_answer_at_once(tmp_path: Path) -> None:
    """Where it has another shape; one that is not known here, or of the same shape, is looked at later."""
    for name in ("mnist", "no-such", "own", 5):
        write_parameters(tmp_path, {"dataset": name})
        refuse_other_dataset("0123456789", tmp_path, datasets.get("digits"))
    write_parameters(tmp_path, {"dataset": "iris"})
    with pytest.raises(
        StageError, match=r"01234567 learned from iris, whose examples are \[4\], and params\.yaml names digits"
    ):
        refuse_other_dataset("0123456789", tmp_path, datasets.get("digits"))


def test_wrong_arguments_are_no_answer() -> None:
    """They end with 3, where argparse's own 2 would mean that nobody can tell."""
    code, said = gate(ROOT, "main", "--budget", "soon")
    assert code == 3
    assert said == "error: argument --budget: invalid seconds value: 'soon'\n"


def test_a_python_without_the_environment_is_no_answer() -> None:
    """One that finds neither this project's package nor any other ends the gate with 3, too."""
    finished = run(sys.executable, "-S", "tools/gate.py", "main", cwd=ROOT, check=False)
    said = "No module named 'assay'; `make environment` prepares the environment that this takes\n"
    assert (finished.returncode, finished.stdout) == (3, said)
    finished = run("env", "PYTHONPATH=src", sys.executable, "-S", "tools/gate.py", "main", cwd=ROOT, check=False)
    assert finished.returncode == 3
    assert finished.stdout.endswith("ModuleNotFoundError: No module named 'numpy'\n")


@pytest.mark.parametrize("text", ["5", "1", "-0.1", "nan"])
def test_a_tolerance_of_everything_is_refused(text: str) -> None:
    """Five is what somebody writes who means five percent: it would let any loss pass."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no share; choose one from 0 up to 1"):
        share(text)


@pytest.mark.parametrize("text", ["0", "-3", "inf", "nan"])
def test_a_budget_that_never_ends_is_refused(text: str) -> None:
    """Nor is there one that has passed before it begins."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no time; choose seconds above 0"):
        seconds(text)


@pytest.mark.parametrize("text", ["seed: [", "", "onnx: 3", "onnx: {variants: []}"])
def test_a_revision_without_a_matrix_is_no_answer(tmp_path: Path, text: str) -> None:
    """Whatever its params.yaml is, the sentence says so; a cell that is named needs no matrix."""
    (tmp_path / "params.yaml").write_text(text)
    os.utime(tmp_path / "params.yaml", (0, 0))  # nobody is at it any more
    with pytest.raises(StageError, match=r"the revision's params\.yaml"):
        default_cell(tmp_path, None, "the revision")
    for name in ("fp32-1-64-off", "head-fp32"):
        (tmp_path / MODELS / name).mkdir(parents=True)
    for whose in ("the revision", "this working tree"):
        with pytest.raises(
            StageError, match=rf"^{whose} has no model some; choose one with --cell, of: 'fp32-1-64-off'$"
        ):
            default_cell(tmp_path, "some", whose)


def test_a_revision_without_parameters_is_no_answer(tmp_path: Path) -> None:
    """Nothing would make them: it is another project's, or one before this was one."""
    with pytest.raises(StageError, match=r"^the revision has no params\.yaml: it is none of this project's$"):
        default_cell(tmp_path, None, "the revision")


def gate(folder: Path, *arguments: str) -> tuple[int, str]:
    finished = run(sys.executable, "tools/gate.py", *arguments, cwd=folder, check=False)
    assert "Traceback" not in finished.stdout, finished.stdout
    return finished.returncode, finished.stdout


@pytest.mark.parametrize("arguments", [[""], ["HEAD", "--cell", ""]])
def test_an_empty_name_is_no_answer(arguments: list[str]) -> None:
    """It would be what is meant where no name is given."""
    code, said = gate(ROOT, *arguments)
    assert code == 3
    assert "an empty name names nothing" in said


def set_batching(folder: Path, value: str) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["perf"]["dynamic_batching"] = [value]
    yaml.dump(content, folder / "params.yaml")


@pytest.mark.slow
def test_the_gate_on_a_real_project(finished_run: FinishedRun, tmp_path: Path) -> None:
    """No change passes, a delay of 20 ms fails, a second is too little to tell, no such revision is an error."""
    folder = finished_run.copy(tmp_path / "clone")
    code, said = gate(folder, "HEAD", "--tolerance", "0.5")
    assert code == 0, said
    assert " comes from DVC's cache\n" in said
    assert "accuracy on 359 test examples: meets" in said
    code, said = gate(folder, "HEAD", "--budget", "1")
    assert code == 2, said
    assert "throughput at concurrency 2: cannot tell" in said
    set_batching(folder, "delay_20000us")
    code, said = gate(folder, "HEAD", "--tolerance", "0.2")
    assert code == 1, said
    assert "side by side: fp32-1-64-off of" in said
    assert "throughput at concurrency 2: fails" in said
    code, said = gate(folder, "no-such-branch")
    assert code == 3, said
    assert said.endswith("error: no revision 'no-such-branch' here; git says:\n  fatal: Needed a single revision\n")


@pytest.mark.slow
def test_a_reference_that_nobody_kept_is_built_again(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Without its models in the cache or on a remote, its own stages run again, wherever it lies, and are seen to."""
    folder = finished_run.copy(tmp_path / "a clone é")
    set_batching(folder, "delay_0us")
    run("dvc", "repro", "triton-config", cwd=folder)
    commit(folder, "Another default configuration")
    run("dvc", "gc", "--workspace", "--force", cwd=folder)
    code, said = gate(folder, "HEAD~1", "--tolerance", "0.9", "--budget", "60")
    assert code == 0, said
    assert " comes from its own stages, run again: triton-config\n" in said
    lines = said.splitlines()
    begun = next(index for index, line in enumerate(lines) if line.endswith("dvc repro triton-config, in a checkout"))
    assert "  Running stage 'triton-config':" in lines[begun:]


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [True, False])
def test_a_gate_that_is_ended_while_the_reference_is_built_leaves_nothing(
    finished_run: FinishedRun, tmp_path: Path, terminal: bool
) -> None:
    """By Ctrl-C, which reaches its stages, or by a signal to it alone: it ends with 3, and they have ended."""
    folder, temporary = finished_run.copy(tmp_path / "clone"), tmp_path / "temporary"
    temporary.mkdir()
    shipped = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(shipped.replace("seed: 42", "seed: 43"))
    commit(folder, "Another seed")
    (folder / "params.yaml").write_text(shipped)
    gate = subprocess.Popen(
        [sys.executable, "tools/gate.py", "HEAD"],
        cwd=folder,
        env={**environment(), "TMPDIR": str(temporary)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert gate.stdout
    assert any(line.startswith("  Running stage 'train'") for line in gate.stdout)
    if terminal:
        os.killpg(gate.pid, signal.SIGINT)
    else:
        gate.terminate()
    said, _ = gate.communicate(timeout=60)
    assert gate.returncode == 3, said
    assert "Traceback" not in said
    assert [path.name for path in temporary.iterdir() if path.suffix != ".lock"] == []
    assert [each for each in psutil.process_iter(["cwd"]) if str(tmp_path) in str(each.info["cwd"])] == []


@pytest.mark.slow
def test_a_lock_file_that_is_out_of_date_is_not_believed(
    finished_run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters that were committed and never run: the reference is the model that they describe, not the last one."""
    folder = finished_run.copy(tmp_path / "clone")
    model = Path("artifacts/onnx/fp32/classifier.onnx")
    stale = (folder / model).read_bytes()
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["models"]["autoencoder"]["head"]["epochs"] = 2
    yaml.dump(content, folder / "params.yaml")
    commit(folder, "Two epochs")
    monkeypatch.setattr("assay.comparing.reference.ROOT", folder)
    check_out(resolve("HEAD"), tmp_path / "checkout")
    assert restore_models(tmp_path / "checkout") == "its own stages, run again: train, onnx@fp32, triton-config"
    assert (tmp_path / "checkout" / model).read_bytes() != stale


def test_why_git_finds_no_revision_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own words; that a clone is shallow only where it is."""
    monkeypatch.setattr("assay.comparing.reference.ROOT", tmp_path)
    with pytest.raises(StageError, match=r"^no revision 'main' here; git says:\n  fatal: not a git repository"):
        resolve("main")
    repository = tmp_path / "repository"
    run("git", "init", "--quiet", str(repository), cwd=tmp_path)
    (repository / "file").touch()
    commit(repository, "First")
    run("git", "branch", "other", cwd=repository)
    (repository / "file").write_text("other")
    commit(repository, "Second")
    monkeypatch.setattr("assay.comparing.reference.ROOT", repository)
    assert resolve(":/Fir") == resolve("HEAD~1")
    run("git", "clone", "--quiet", "--depth", "1", repository.as_uri(), str(tmp_path / "shallow"), cwd=tmp_path)
    monkeypatch.setattr("assay.comparing.reference.ROOT", tmp_path / "shallow")
    assert resolve("HEAD") == run("git", "rev-parse", "HEAD", cwd=repository).stdout.strip()
    with pytest.raises(StageError, match=r"this clone is shallow: `git fetch .*` brings the rest; git says:") as failed:
        resolve("origin/other")
    (remedy,) = re.findall("`(.*)`", str(failed.value))
    run("sh", "-c", remedy, cwd=tmp_path / "shallow")
    assert resolve("origin/other") == run("git", "rev-parse", "other", cwd=repository).stdout.strip()
    assert resolve("HEAD~1") == run("git", "rev-parse", "HEAD~1", cwd=repository).stdout.strip()
