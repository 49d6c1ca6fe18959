"""Kill anything at any moment: nothing of ours is left, and the next `dvc repro` completes.

Several copies of a tiny pipeline are tortured at once, so that each one's server is a
foreign one to the others. `make torture` kills more often than `make test`.
"""

import contextlib
import itertools
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
from conftest import FinishedRun, environment, run
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from runtime.files import read_json
from uncertainty.stopping import LOOKS

pytestmark = pytest.mark.slow

COPIES = 2
SLOWER = 1.3
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where the C library puts it
FOREIGN = ("triton_pipeline_of_another", "triton_python_backend_shm_region_of_another")
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
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
TARGETS = ("dvc", "stage", "server")
# What runs in a stage while Python still decides alone what Ctrl-C does.
FIRST_IMPORTED = ("runtime/stage.py", "runtime/process.py")


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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `dvc repro` as the leader of a session, as a terminal or a CI job would."""
        return subprocess.Popen(
            ["dvc", "repro", *arguments],
            cwd=self.folder,
            env={**environment(), "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def repro(self) -> None:
        """Run `dvc repro` to its end; raise AssertionError with what it said if it fails."""
        process = self.start()
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
        for lock in ("dvc.lock", "checks/dvc.lock"):
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
                for path in sorted((self.folder / "reports" / "perf").glob("*.json"))
            },
        }

    def rest(self) -> list[Path]:
        """Return half-written files."""
        return [path for top in ("artifacts", "reports") for path in (self.folder / top).rglob("*.partial")]


@pytest.fixture(scope="module")
def pipelines(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pipeline]]:
    """Return copies of a tiny pipeline that has run once."""
    home = tmp_path_factory.mktemp("torture")
    copies = [Pipeline(home / str(number) / "clone", home / str(number) / "tmp") for number in range(COPIES)]
    for copy in copies:
        finished_run.copy(copy.folder)
        copy.temporary.mkdir()
    yield copies
    shutil.rmtree(home)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def victim(dvc: psutil.Process, target: str) -> psutil.Process:
    """Return the target among DVC and its descendants; who is not there yet is stood for by its parent."""
    below = descendants(dvc)
    stages = [process for process in below if process.ppid() == dvc.pid]
    servers = [process for process in below if process.name() == "tritonserver"]
    present = {"dvc": [dvc], "stage": stages or [dvc], "server": servers or stages or [dvc]}
    return present[target][0]


def wait_until_gone(pipeline: Pipeline, what: str) -> None:
    """Raise AssertionError if a process of the pipeline's, or shared memory of a dead stage, is left after 10 s."""
    deadline = time.monotonic() + 10
    orphans = {path for path in SHARED_MEMORY.glob("triton_pipeline_[0-9]*") if not psutil.pid_exists(owner(path))}
    while True:
        processes = [f"{process.pid} {process.name()}" for process in pipeline.processes()]
        left = [*processes, *(path.name for path in orphans if path.exists())]
        if not left:
            return
        assert time.monotonic() < deadline, f"{what}: left {left}"
        time.sleep(0.1)


def owner(path: Path) -> int:
    """Return the PID in the name of a shared-memory file of a stage's server."""
    return int(path.name.removeprefix("triton_pipeline_").partition("_")[0])


def our_traceback(folder: Path, said: str) -> bool:
    """Return whether a stage of ours let an exception out.

    Python's own KeyboardInterrupt is none of ours before a stage's first import has taken
    over its signals, nor is whatever DVC says when Ctrl-C meets it in the middle of its own imports.
    """
    ours = f'File "{folder}/stages/'
    frames = re.findall(rf'{re.escape(ours)}(\S+)", line \d+, in (\S+)\n +(.+)', said)
    early = "\nKeyboardInterrupt\n" in said and all(
        name == "<module>" and (file in FIRST_IMPORTED or code.startswith("from runtime.stage import"))
        for file, name, code in frames
    )
    # A frame without a name or a line of code is one that nothing is known of.
    return ours in said and not (early and len(frames) == said.count(ours))


@pytest.mark.parametrize(
    ("frame", "ending", "is_ours"),
    [
        ('data.py", line 9, in <module>\n    from runtime.stage import run_stage', "KeyboardInterrupt", False),
        ('runtime/stage.py", line 8, in <module>\n    import errno', "KeyboardInterrupt", False),
        ('data.py", line 9, in <module>\n    from runtime.stage import run_stage', "ImportError: no", True),
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


def kill_once(pipeline: Pipeline, expected: dict[str, Any], times: dict[str, float], seed: str) -> str:
    """Kill something at some moment, check that nothing is left and that a second run completes."""
    chance = random.Random(seed)  # noqa: S311  chosen again from the same seed
    stage = chance.choices(list(STAGES), weights=list(STAGES.values()))[0]
    number, target = chance.choice(SIGNALS), chance.choice(TARGETS)
    alone = times[stage] if stage == "all" else times["start"] + times[stage]
    moment = chance.uniform(0, SLOWER * alone)
    what = f"{seed}: {number.name} to {target} {moment:.2f} s into {stage}"
    file = "checks/dvc.yaml:" if stage in ("raw-data", "machine") else ""
    dvc = pipeline.start("--force", *(["--single-item", f"{file}{stage}"] if stage != "all" else []))
    process = psutil.Process(dvc.pid)
    with contextlib.suppress(subprocess.TimeoutExpired):
        dvc.wait(moment)
    try:
        hit = victim(process, target)
        what += f" (hit {hit.name()})"
        hit.send_signal(number)
    except psutil.NoSuchProcess:
        what += " (it had ended)"
    said, _ = dvc.communicate(timeout=120)
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
    """SIGINT, SIGTERM and SIGKILL to dvc, the stage or the server, at random moments of every stage."""
    kills = pytestconfig.getoption("kills")
    expected = pipelines[0].results()
    run = f"{time.time_ns()}"
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
