"""Rounds: their order, their journal, what they cost, and how progress is told."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from measured import one_round, window

from assay.load.input_data import request_bytes
from assay.measuring import bench
from assay.measuring.bench import ask_references, asked, exported
from assay.measuring.journal import Journal, complete_starts, digest
from assay.measuring.resources import (
    cpu_seconds,
    finished_children_cpu_seconds,
    memory_bytes,
    peak_memory_bytes,
)
from assay.measuring.rounds import Rounds, measure_rounds
from assay.params.measuring import Conditions, Load
from assay.params.triton import Timeouts, Triton
from assay.serving.client import Server
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG, Part, files_of, write_folder
from assay.telling.progress import Progress
from assay.tensors.named import examples_in

MODELS = {"anchor": "the-anchor", "candidate": "a-cell"}


SERVER = Server("127.0.0.1:1", "127.0.0.1:1", pid=os.getpid())


class CountedWindows:
    """Windows that measure nothing and remember what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def measure(self, model: str) -> Any:
        self.asked.append(model)
        return {**window(1000), "model": model}


NOTHING: Any = {}


def measure(windows: CountedWindows, journal: Journal, count: int, concurrency: int = 8) -> Rounds:
    return measure_rounds(
        SERVER,
        {role: partial(windows.measure, model) for role, model in MODELS.items()},
        concurrency,
        journal,
        seed=42,
        enough=lambda rounds: len(rounds) >= count,
        progress=lambda _: None,
    )


def test_a_round_has_a_window_of_each_model_in_random_order(tmp_path: Path) -> None:
    """One discarded window of each comes first; then both orders occur."""
    windows = CountedWindows()
    rounds = measure(windows, Journal("cell", "inputs", tmp_path), 12)
    assert windows.asked[:2] == ["the-anchor", "a-cell"]
    assert len(windows.asked) == 2 * 13
    orders = [each["order"] for each in rounds]
    assert {tuple(order) for order in orders} == {("anchor", "candidate"), ("candidate", "anchor")}
    assert [list(each["windows"]) for each in rounds] == orders


def test_the_order_depends_on_the_seed_alone(tmp_path: Path) -> None:
    """A run that was interrupted goes on as if it had not been."""
    whole = measure(CountedWindows(), Journal("whole", "inputs", tmp_path), 12)
    measure(CountedWindows(), Journal("parts", "inputs", tmp_path), 5)
    parts = measure(CountedWindows(), Journal("parts", "inputs", tmp_path), 12)
    assert [each["order"] for each in parts] == [each["order"] for each in whole]


def test_a_killed_run_goes_on_from_its_rounds(tmp_path: Path) -> None:
    """Only the missing rounds are measured, in a second start of the server."""
    journal = Journal("cell", "inputs", tmp_path)
    journal.new_start()
    measure(CountedWindows(), journal, 5)
    again, windows = Journal("cell", "inputs", tmp_path), CountedWindows()
    again.new_start()
    rounds = measure(windows, again, 12)
    assert [each["start"] for each in rounds] == [1] * 5 + [2] * 7
    assert len(windows.asked) == 2 * 8


def test_a_finished_level_is_not_warmed_up_again(tmp_path: Path) -> None:
    """A level whose rounds suffice asks nothing of the server."""
    measure(CountedWindows(), Journal("cell", "inputs", tmp_path), 3, concurrency=1)
    windows = CountedWindows()
    measure(windows, Journal("cell", "inputs", tmp_path), 3, concurrency=1)
    assert windows.asked == []


def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path: Path) -> None:
    """Half a round is no round, and the next one does not end up on its line."""
    journal = Journal("cell", "inputs", tmp_path)
    measure(CountedWindows(), journal, 2)
    with journal.path.open("a") as file:
        file.write('{"concurrency": 8, "round": {"sta')
    again = Journal("cell", "inputs", tmp_path)
    assert len(again.rounds(8)) == 2
    measure(CountedWindows(), again, 3)
    assert [json.loads(line)["concurrency"] for line in journal.path.read_text().splitlines()] == [8, 8, 8]


NONSENSE = window(1000)["perf_analyzer"] | {"Inferences/Second": -3.0}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"<<<<<<< HEAD", "Expecting value"),
        (b'{"concurrency": 8\xff}', "codec can't decode"),
        (b"5", "it has no concurrency"),
        (b"[" * 100_000, "recursion"),
        (b'{"concurrency": "8"}', "it has no concurrency"),
        (b'{"concurrency": 8}', "it is incomplete"),
        (
            b'{"concurrency": 8, "round": {"start": null, "windows": {}}}',
            "it says None of its start, and has 0 windows",
        ),
        (
            json.dumps(
                {"concurrency": 8, "round": one_round(anchor={**window(1000), "perf_analyzer": NONSENSE})}
            ).encode(),
            r"anchor: perf_analyzer reports Inferences/Second -3",
        ),
    ],
)
def test_a_journal_is_read_as_far_as_it_makes_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: bytes, why: str
) -> None:
    """A damaged line, or one with values that nobody measured, is told, and measured again with the rest."""
    journal = Journal("cell", "inputs", tmp_path)
    measure(CountedWindows(), journal, 4)
    lines = journal.path.read_bytes().splitlines()
    journal.path.write_bytes(b"\n".join([*lines[:2], line, *lines[3:], b""]))
    again = Journal("cell", "inputs", tmp_path)
    assert len(again.rounds(8)) == 2
    assert re.search(
        rf"cell\.inputs\.jsonl, line 3 is damaged \(.*{why}.*\): 2 rounds from there on are measured again\n$",
        capsys.readouterr().out,
    )
    measure(CountedWindows(), again, 4)
    assert len(Journal("cell", "inputs", tmp_path).rounds(8)) == 4
    assert capsys.readouterr().out == ""
    journal.path.write_bytes(b"\n".join([*lines[:3], line, b""]))
    assert len(Journal("cell", "inputs", tmp_path).rounds(8)) == 3
    assert capsys.readouterr().out.endswith(": 1 round from there on is measured again\n")


def test_rounds_of_other_inputs_are_forgotten(tmp_path: Path) -> None:
    """A journal of the same cell with another digest is removed; another cell's stays."""
    measure(CountedWindows(), Journal("cell", "old", tmp_path), 2)
    measure(CountedWindows(), Journal("cell-2", "old", tmp_path), 2)
    assert Journal("cell", "new", tmp_path).rounds(8) == []
    assert [path.name for path in tmp_path.iterdir()] == ["cell-2.old.jsonl"]


def test_a_journal_that_is_closed_leaves_nothing(tmp_path: Path) -> None:
    """After the cell is written, forcing it measures anew."""
    journal = Journal("cell", "inputs", tmp_path)
    measure(CountedWindows(), journal, 2)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_large_examples_are_fewer_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_folder: Callable[..., Path]
) -> None:
    """perf_analyzer holds all of them as text: as many are sent as fit, and at most 256."""
    examples = np.zeros((300, 28, 28, 1), np.float32)
    monkeypatch.setattr("assay.measuring.bench.inputs_of_test", lambda names, _: dict.fromkeys(names, examples))
    folder = model_folder()
    (candidate,) = exported([folder], tmp_path)
    assert len(request_bytes(candidate.input_data)) == 256
    monkeypatch.setattr("assay.measuring.bench._LARGEST_REQUESTS", 10 * examples[0].nbytes)
    (candidate,) = exported([folder], tmp_path)
    assert (len(request_bytes(candidate.input_data)), examples_in(candidate.examples)) == (10, 300)


def test_an_owners_configuration_is_asked_once_for_all_that_are_asked_the_same(
    model_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a server of its own; other batches, or another owner's configuration, are asked again."""
    owners = {"a": 1, "b": 1, "smaller": 1, "another": 2}
    for name, instances in owners.items():
        folder = model_folder(name, max_batch_size=4 if name == "smaller" else 64)
        config, parts = read_config(folder / CONFIG), {place: Part.at(path) for place, path in files_of(folder).items()}
        config.name = "owner"
        config.instance_group[0].count = instances
        (folder / "reference" / "owner").mkdir(parents=True)
        write_folder(folder / "reference" / "owner", config, parts)
    asked_of = list[str]()

    def answers(folder: Path, *_: Any, most: int | None) -> list[dict[str, Any]]:
        asked_of.append(folder.name)
        return [{"y": most}]

    monkeypatch.setattr(bench, "reference_answers", answers)
    candidates = asked(
        [tmp_path / "models" / name for name in owners],
        {"image": np.ones((2, 28, 28, 1), np.float32)},
        tmp_path / "requests.json",
    )
    ask_references(candidates, Conditions(0, Triton(), Timeouts(), Load(), 20), ())
    assert asked_of == ["a", "smaller", "another"]
    assert [each.reference for each in candidates] == [[{"y": None}]] * 4
    ask_references(candidates, Conditions(0, Triton(), Timeouts(), Load(), 20), ())
    assert len(asked_of) == 3


def test_the_digest_follows_content_names_and_values(tmp_path: Path) -> None:
    """A changed byte, another name or another setting is another digest; a cache of Python's is not."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    found = [digest([folder], [1])]
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("compiled")
    assert digest([folder], [1]) == found[0]
    found.append(digest([folder], [2]))
    (folder / "a").rename(folder / "b")
    found.append(digest([folder], [1]))
    (folder / "b").write_text("2")
    found.append(digest([folder], [1]))
    assert len(set(found)) == 4


def test_starts_without_all_their_rounds_are_left_out() -> None:
    """Of three starts, the one that was killed has too few."""
    rounds: list[Any] = [{"start": start} for start in (1, 1, 2, 3, 3)]
    assert [[each["start"] for each in group] for group in complete_starts(rounds, 2)] == [[1, 1], [3, 3]]


def test_processor_time_and_memory_of_a_process_tree() -> None:
    """A child that computes for half a second and holds 50 MB shows in its parent's tree."""
    child = """
import time
x = bytearray(50_000_000)
end = time.process_time() + 0.5
while time.process_time() < end: pass
print(flush=True)
time.sleep(60)
"""
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    used, memory, now = cpu_seconds(process.pid), peak_memory_bytes(process.pid), memory_bytes(process.pid)
    before = finished_children_cpu_seconds()
    for each in psutil.Process(process.pid).children():
        each.kill()
    process.wait()
    assert 0.45 < used < 5
    assert memory >= now > 50e6
    assert finished_children_cpu_seconds() - before > 0.45


def test_a_process_that_has_gone_costs_nothing() -> None:
    """Asking about a server that died is no error: what matters says so elsewhere."""
    process = subprocess.Popen(["true"])
    process.wait()
    assert (cpu_seconds(process.pid), peak_memory_bytes(process.pid)) == (0, 0)


def test_one_round_that_is_kept_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """One is kept, several are; none are not worth a word."""
    with Progress("cell 1 of 8", lambda _: 1, lambda _: "in words") as told:
        for done in (0, 1, 1200):
            told.resumed(done)
        told.update([NOTHING])
    assert capsys.readouterr().out.splitlines() == [
        "cell 1 of 8: 1 round is kept from a run that was interrupted",
        "cell 1 of 8: 1,200 rounds are kept from a run that was interrupted",
        "cell 1 of 8: 1 round, 0 s: in words",
    ]


def test_a_log_has_a_line_at_each_look(capsys: pytest.CaptureFixture[str]) -> None:
    """Plain lines with rounds, seconds and what they amount to; nothing in between."""
    with Progress(
        "cell 1 of 8", lambda done: 12 if done < 12 else 16, lambda rounds: f"{len(rounds)} in words"
    ) as told:
        told.resumed(5)
        for count in range(6, 17):
            told.update([NOTHING] * count)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "cell 1 of 8: 5 rounds are kept from a run that was interrupted",
        "cell 1 of 8: 12 rounds, 0 s: 12 in words",
        "cell 1 of 8: 16 rounds, 0 s: 16 in words",
    ]


SCRIPT = """
import time
from assay.telling.progress import Progress
with Progress("cell 1 of 8", lambda _: 12, lambda rounds: f"{len(rounds)} so far") as progress:
    for done in range(1, 13):
        time.sleep(0.05)
        progress.update([{}] * done)
"""


def on_a_terminal(*command: str) -> str:
    """Return what a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the terminal's end, once its last user is gone
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    assert process.returncode == 0, said
    return said.decode()


def test_a_terminal_has_a_bar_that_gives_way_to_a_line() -> None:
    """The bar shows rounds, the time left and the interval so far; what stays is the line of a log."""
    said = on_a_terminal(sys.executable, "-c", SCRIPT)
    shown = [line.strip() for line in said.replace("\n", "\r").split("\r") if line.strip()]
    bars = [line for line in shown if line.startswith("cell 1 of 8:  ")]
    assert any("/12 [00:00<00:00" in line and line.endswith(" so far]") for line in bars), shown
    assert shown[-1] == "cell 1 of 8: 12 rounds, 1 s: 12 so far"
