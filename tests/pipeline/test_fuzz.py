"""Damaged parameters, reports and server answers, thrown at the product for a while, with a seed.

It answers rightly or says in a sentence what is wrong: no traceback, no hang, nothing accepted that makes no sense,
nothing lost. `make torture` does so for minutes, the suite for seconds.
"""

from assay.ground.stage import run_stage

import gc
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering import answering, damages
from conftest import ROOT, environment, read_params
from corpus import keep, known
from forked import Outcome, forked
from made_up import write_workspace
from odd_values import changed, damaged_text
from ruamel.yaml import YAML

from assay.servers.embedded import serve
from assay.serving.client import Server
from assay.validation.schema import load_params

pytestmark = pytest.mark.slow
EXAMPLES = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
# A call that waits for its deadline, and the start of a process on a busy machine.
PATIENCE_S = 30.0
# Of what Triton counts, what is read.
PARTS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


@pytest.fixture
def chances(request: pytest.FixtureRequest) -> Iterator[random.Random]:
    """Return chance after chance, each from a seed of its own, until the time is spent."""
    seed, ends = request.config.getoption("seed"), time.monotonic() + request.config.getoption("fuzz_seconds")

    def until_spent() -> Iterator[random.Random]:
        count = 0
        while count == 0 or time.monotonic() < ends:
            yield random.Random(f"{request.node.name} {seed} {count}")  # noqa: S311  no secret
            count += 1

    return until_spent()


class Left:
    """What another test left: two of them hold each other."""

    def __init__(self) -> None:
        self.other: Left | None = None
        self.of = os.getpid()

    def __del__(self) -> None:
        if os.getpid() != self.of:
            print("collected", flush=True)


def test_a_child_collects_nothing_of_its_parents() -> None:
    """What other tests left may be what a forked process cannot end: a segmentation fault would be the answer."""
    gc.disable()
    one, two = Left(), Left()
    one.other, two.other = two, one
    del one, two
    try:
        assert forked(lambda: print(gc.collect() > 0), seconds=30) == Outcome(0, "False\n")
    finally:
        gc.enable()


def told(complaints: list[str]) -> str:
    """Return the first complaints as a failed test tells them."""
    return f"{len(complaints)} of what was tried:\n" + "\n\n".join(complaints[:5])


def describe(path: Path) -> None:
    """Read parameters and say what they describe, as `make check` begins."""
    params = load_params(path)
    print(*(cell.name for cell in params.cells))


def test_damaged_parameters_are_refused_by_name(tmp_path: Path, chances: Iterator[random.Random]) -> None:
    """Or they are as good as others: whatever params.yaml holds, it is read or an error says what is wrong in it."""
    path, yaml, complaints = tmp_path / "params.yaml", YAML(typ="safe", pure=True), []

    def tried(text: str) -> Outcome:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        os.utime(path, (0, 0))  # nobody is at it any more
        return forked(partial(run_stage, partial(describe, path)), PATIENCE_S)

    def written(chance: random.Random) -> str:
        if chance.random() < 0.4:
            return damaged_text((ROOT / "params.yaml").read_text(), chance)
        with path.open("w") as file:
            try:
                yaml.dump(changed(read_params(), chance), file)
            except Exception:
                file.write("{")
        return path.read_text()

    kept = (each.read_text(encoding="utf-8", errors="surrogateescape") for each in known("params"))
    for text in itertools.chain(kept, map(written, chances)):
        outcome = tried(text)
        if outcome.complaint:
            case = keep("params", "yaml", text.encode(errors="surrogateescape"))
            complaints.append(f"{outcome.complaint}, in {case}: {outcome.said[-1500:]}")
    assert not complaints, told(complaints)


def ask(question: Callable[[], Any], expected: Any) -> None:
    """Print `right` for the answer that is expected, `wrong` for another."""
    answer = question()
    same = np.array_equal(answer, expected) if isinstance(answer, np.ndarray) else answer == expected
    print("right" if same else f"wrong: {str(answer)[:300]}")


def senseless(statistics: dict[str, Any]) -> bool:
    """Return whether statistics hold anything else than counts where counts are read."""
    counts = [statistics[name] for name in ("inference_count", "execution_count")]
    counts += [statistics["inference_stats"][part][what] for part in PARTS for what in ("count", "ns")]
    return any(not (str(count).isdigit() and int(count) <= 10**18) for count in counts)


def questions(asked: Server, truths: dict[str, Any]) -> dict[str, tuple[Callable[[], Any], Any]]:
    """Return what can be asked over HTTP, each with the answer that is true."""
    every: dict[str, Callable[[], Any]] = {
        "version": asked.version,
        "has_model": lambda: asked.has_model("linear"),
        "configuration": lambda: asked.effective_config("linear", "http").max_batch_size,
        "statistics": lambda: senseless(asked.statistics("linear")),
        "answer": lambda: asked.infer("linear", {"image": EXAMPLES}, ["logits"], "http")["logits"],
    }
    return {name: (question, truths.get(name)) for name, question in every.items()}


def test_a_server_that_answers_oddly_is_not_believed(
    model_folder: Callable[..., Path], chances: Iterator[random.Random]
) -> None:
    """Answers that come late, cut, byte by byte, altered or without end: the truth, or a sentence in bounded time."""
    complaints, folder = [], model_folder()
    with serve([folder], timeout_s=60) as server:
        truths = {name: question() for name, (question, _) in questions(server, {}).items()}
        for chance in chances:
            name, damage = chance.choice(list(damages(chance).items()))
            with answering(server.http_address, damage) as address:
                asked = Server(address, server.grpc_address, pid=None, request_timeout_s=1.0)
                asked_for, (question, expected) = chance.choice(sorted(questions(asked, truths).items()))
                outcome = forked(partial(run_stage, partial(ask, question, expected)), PATIENCE_S)
            what = f"{asked_for} was {name}: {outcome.said[-1500:]}"
            if complaint := outcome.complaint:
                complaints.append(f"{complaint} when {what}")
            elif "wrong" in outcome.said and (
                asked_for == "statistics" or name in ("later", "cut", "dripping", "endless")
            ):
                complaints.append(f"a wrong answer was taken when {what}")
    assert not complaints, told(complaints)


def test_damaged_reports_are_named(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A file of our own that a person or a merge damaged is named, and nothing that was written is lost."""
    folder = write_workspace(tmp_path / "workspace")
    (folder / "tests").symlink_to(ROOT / "tests")  # where what it finds is kept
    options = [request.config.getoption(name) for name in ("seed", "fuzz_seconds")]
    finished = subprocess.run(
        [sys.executable, folder / "tests" / "damage_reports.py", *map(str, options)],
        cwd=folder,
        env={**environment(), "PYTHONPATH": "stages"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
