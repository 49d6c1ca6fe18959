"""Kill anything at any moment: nothing of ours is left, and the next `dvc repro` completes.

Several copies of a tiny pipeline are tortured at once, so that each one's server is a
foreign one to the others. It names classes, so that its servers have processes of the Python backend's
below them. `make torture` kills more often than `make test`; `--seed` chooses the same kills again.
"""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import FinishedRun, commit, environment, run
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from assay.ground.files import read_json
from assay.ground.owner import is_dead, marked
from assay.statistics.stopping import LOOKS

pytestmark = pytest.mark.slow

COPIES = 2
SLOWER = 1.3
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where the C library puts it
FOREIGN = (f"triton_pipeline_of_another_{os.getpid()}", f"triton_python_backend_shm_region_of_{os.getpid()}")
# How often a stage is the one that is killed; `all` is the whole pipeline. Mostly those that end
# soon, so that many kills take little time, and half of the time one that starts a server.
STAGES = {
    "raw-data": 10,
    "data": 8,
    "train": 1,
    "onnx@fp32": 1,
    "machine": 10,
    "triton-config": 30,
    "serving@fp32": 60,
    "perf@fp32-1-64-off": 4,
    "finalists": 6,
    "runoff": 3,
    "report": 3,
    "all": 1,
    "gate": 5,
}
# The gate is killed in the seconds in which it builds, clones and starts its first servers.
GATE_S = 15
# Of the kills that may hit a server, or who looks after one, so many wait until there is one.
WITH_SERVER, SERVED, SERVED_S = ("serving@fp32", "perf@fp32-1-64-off", "runoff", "gate"), 0.6, 1.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Who is hit: one, or two at the same moment. The outer supervisor is the parent of the inner one,
# which is the server's; whoever was started first is the root: dvc, or the gate.
TARGETS = ("root", "stage", "server", "inner", "outer", "stage inner", "stage outer", "inner outer")
# What runs in a stage while Python still decides alone what Ctrl-C does.
FIRST_IMPORTED = ("runtime/stage.py", "runtime/environment.py", "runtime/paths.py", "runtime/process.py")


def is_whole(lock: Path) -> bool:
    """Return whether DVC accepts a dvc.lock, by its own schema."""
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe", pure=True).load(lock.read_text()))
    except (YAMLError, Invalid):
        return False
    return True


@dataclass
class Pipeline:
    """A copy of the tiny pipeline that has run once."""

    folder: Path
    temporary: Path  # its TMPDIR, and so its own benchmark lock

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command as the leader of a session, as a terminal or a CI job would."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**environment(), "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def repro(self) -> None:
        """Run `dvc repro` to its end; raise AssertionError with what it said if it fails."""
        process = self.start("dvc", "repro")
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said

    def recover(self) -> None:
        """Run `dvc repro` to its end as a user would after a kill: with the README's remedies where DVC needs them.

        DVC empties its list of locks, and each dvc.lock, before it writes them anew; killed
        between the two, it refuses the empty file ever after.
        """
        locks = self.folder / ".dvc" / "tmp" / "rwlock"
        if locks.exists() and not locks.read_text():
            print(f"{locks} is empty: removed")
            locks.unlink()
        for lock in ("dvc.lock", "checks/dvc.lock", "cells/dvc.lock"):
            if not is_whole(self.folder / lock):
                print(f"{self.folder}/{lock} is cut short: checked out")
                run("git", "checkout", lock, cwd=self.folder)
        self.repro()

    def processes(self) -> list[psutil.Process]:
        """Return the living processes that work in this copy or its temporary folder."""
        return [
            process
            for process in psutil.process_iter(["cmdline", "cwd", "status"])
            if str(self.folder.parent) in f"{process.info['cwd']} {' '.join(process.info['cmdline'] or [])}"
            and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def results(self) -> dict[str, Any]:
        """Return what must come out the same every time."""
        metrics = read_json(self.folder / "reports" / "metrics.json")
        # Their bytes are another test's business: TensorFlow rarely writes one model in two ways.
        files = sorted((self.folder / "artifacts").glob("onnx/*/*.onnx"))
        return {
            "test": metrics["test"],
            "parity": metrics["parity"],
            "onnx": [path.name for path in files],
            # On a machine as busy as this test makes it, twelve rounds now and then do not suffice.
            "ended at a look": {
                path.stem: [len(level["rounds"]) in LOOKS for level in read_json(path)["levels"]]
                for path in sorted((self.folder / "reports" / "perf" / "all").glob("*.json"))
            },
        }

    def rest(self) -> list[Path]:
        """Return half-written files, and what is left in the temporary folder; locks stay."""
        partial = [path for top in ("artifacts", "reports") for path in (self.folder / top).rglob("*.partial")]
        return [*partial, *(path for path in self.temporary.iterdir() if path.suffix != ".lock")]


@pytest.fixture(scope="module")
def pipelines(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pipeline]]:
    """Return copies of a tiny pipeline that has run once, and names classes."""
    home = tmp_path_factory.mktemp("torture")
    copies = [Pipeline(home / str(number) / "clone", home / str(number) / "tmp") for number in range(COPIES)]
    first, *others = copies
    finished_run.copy(first.folder)
    first.temporary.mkdir()
    with_names(first.folder / "params.yaml")
    first.repro()
    commit(first.folder, "Classes with names")
    for copy in others:
        shutil.copytree(first.folder, copy.folder, symlinks=True)
        copy.temporary.mkdir()
    yield copies
    shutil.rmtree(home)


def with_names(params: Path) -> None:
    """Have an ensemble name the likeliest class."""
    yaml = YAML()
    content = yaml.load(params)
    content["labels"]["top_k"] = 1
    yaml.dump(content, params)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def has_server(root: psutil.Process) -> bool:
    for each in descendants(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            if each.name() == "tritonserver":
                return True
    return False


def victims(root: psutil.Process, target: str) -> list[psutil.Process]:
    """Return the targets among the root and its descendants; who is not there yet is stood for by its parent."""
    below = descendants(root)
    found = {
        "root": [root],
        "stage": [process for process in below if "stages/" in " ".join(process.cmdline()[1:2])],
        "outer": [process for process in below if "supervisor.py" in " ".join(process.cmdline())],
        "server": [process for process in below if process.name() == "tritonserver"],
    }
    found["inner"] = [process for process in found["outer"] if process.ppid() in {each.pid for each in found["outer"]}]
    found["outer"] = [process for process in found["outer"] if process not in found["inner"]]
    stand_in = ["server", "inner", "outer", "stage", "root"]
    return [next(found[each][0] for each in stand_in[stand_in.index(name) :] if found[each]) for name in target.split()]


def wait_until_gone(pipeline: Pipeline, what: str) -> None:
    """Raise AssertionError if a process of the pipeline's, or shared memory of a dead stage, is left after 10 s."""
    deadline = time.monotonic() + 10
    orphans = {path for path in SHARED_MEMORY.iterdir() if (owner := marked(path.name)) and is_dead(owner)}
    while True:
        processes = [f"{process.pid} {process.name()}" for process in pipeline.processes()]
        left = [*processes, *(path.name for path in orphans if path.exists())]
        if not left:
            return
        assert time.monotonic() < deadline, f"{what}: left {left}"
        time.sleep(0.1)


def our_traceback(folder: Path, said: str) -> bool:
    """Return whether a stage of ours let an exception out.

    Python's own KeyboardInterrupt is none of ours before a stage's first import has taken
    over its signals, nor is whatever DVC says when Ctrl-C meets it in the middle of its own imports.
    """
    ours = rf'File "{re.escape(str(folder))}/(?:stages|tools)/'
    frames = re.findall(rf'{ours}(\S+)", line \d+, in (\S+)\n +(.+)', said)
    early = "\nKeyboardInterrupt\n" in said and all(
        name == "<module>" and (file in FIRST_IMPORTED or code.startswith("from assay.ground.stage import"))
        for file, name, code in frames
    )
    # A frame without a name or a line of code is one that nothing is known of.
    count = len(re.findall(ours, said))
    return count > 0 and not (early and len(frames) == count)


@pytest.mark.parametrize(
    ("frame", "ending", "is_ours"),
    [
        ('data.py", line 9, in <module>\n    from assay.ground.stage import run_stage', "KeyboardInterrupt", False),
        ('runtime/stage.py", line 8, in <module>\n    import errno', "KeyboardInterrupt", False),
        ('data.py", line 9, in <module>\n    from assay.ground.stage import run_stage', "ImportError: no", True),
        ('data.py", line 11, in <module>\n    import numpy as np', "KeyboardInterrupt", True),
        ('runtime/stage.py", line 61, in _unwind\n    _raise_received()', "KeyboardInterrupt", True),
        ('data.py", line 9', "KeyboardInterrupt", True),
    ],
)
def test_only_an_interrupt_before_the_first_import_is_excused(frame: str, ending: str, is_ours: bool) -> None:
    """Whatever else shows a line of ours is a traceback that a person would see."""
    said = f'Traceback (most recent call last):\n  File "/clone/stages/{frame}\n{ending}\n'
    assert our_traceback(Path("/clone"), said) == is_ours
    assert not our_traceback(Path("/elsewhere"), said)


def command(stage: str) -> list[str]:
    """Return the command that runs a stage, all of them, or the gate against what was committed last."""
    if stage == "gate":
        return ["python", "tools/gate.py", "HEAD", "--budget", "5"]
    file = "checks/dvc.yaml:" if stage in ("raw-data", "machine") else ""
    if stage.startswith(("perf", "finalists")):
        file = "cells/dvc.yaml:"
    return ["dvc", "repro", "--force", *(["--single-item", f"{file}{stage}"] if stage != "all" else [])]


def kill_once(pipeline: Pipeline, expected: dict[str, Any], times: dict[str, float], seed: str) -> str:
    """Kill something at some moment, check that nothing is left and that a second run completes."""
    chance = random.Random(seed)  # noqa: S311  chosen again from the same seed
    stage = chance.choices(list(STAGES), weights=list(STAGES.values()))[0]
    number, target = chance.choice(SIGNALS), chance.choice(TARGETS)
    alone = {"all": times["all"], "gate": GATE_S}.get(stage) or times["start"] + times[stage]
    served = stage in WITH_SERVER and target != "root" and chance.random() < SERVED
    moment = chance.uniform(0, SERVED_S if served else SLOWER * alone)
    what = f"{seed}: {number.name} to {target} {moment:.2f} s into {'a server of ' * served}{stage}"
    root = pipeline.start(*command(stage))
    process = psutil.Process(root.pid)
    while served and root.poll() is None and not has_server(process):
        time.sleep(0.02)
    with contextlib.suppress(subprocess.TimeoutExpired):
        root.wait(moment)
    try:
        hit = victims(process, target)
        what += f" (hit {' and '.join(each.name() for each in hit)})"
        for each in hit:
            each.send_signal(number)
    except psutil.NoSuchProcess:
        what += " (it had ended)"
    said, _ = root.communicate(timeout=120)
    assert not our_traceback(pipeline.folder, said), f"{what}\n{said}"
    wait_until_gone(pipeline, what)
    pipeline.recover()
    assert pipeline.results() == expected, what
    assert not pipeline.rest(), what
    wait_until_gone(pipeline, what)
    return what


@pytest.fixture
def foreign() -> Iterator[list[Path]]:
    """Return a process and shared-memory files that look like ours and are not."""
    files = [SHARED_MEMORY / name for name in FOREIGN]
    for path in files:
        path.write_text("not yours")
    process = subprocess.Popen(["bash", "-c", "exec -a tritonserver sleep 7200"])
    yield files
    assert process.poll() is None
    process.kill()
    process.wait()
    for path in files:
        path.unlink()


def test_killed_anywhere_nothing_is_left_and_the_next_run_completes(
    pipelines: list[Pipeline], finished_run: FinishedRun, foreign: list[Path], pytestconfig: pytest.Config
) -> None:
    """SIGINT, SIGTERM and SIGKILL to dvc, gate, stage, supervisors or server, at random moments of every stage."""
    kills, run = pytestconfig.getoption("kills"), pytestconfig.getoption("seed")
    expected = pipelines[0].results()
    numbers = itertools.count()

    def torture(pipeline: Pipeline) -> int:
        done = 0
        while (number := next(numbers)) < kills:
            print(kill_once(pipeline, expected, finished_run.seconds, f"{run}-{number}"), flush=True)
            done += 1
        return done

    with ThreadPoolExecutor(COPIES) as pool:
        assert sum(pool.map(torture, pipelines)) == kills
    assert all(path.read_text() == "not yours" for path in foreign)
