"""Inputs and answers in the system's shared memory: measured, and never left behind."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import environment, errors, linear_model, taking_bytes

from assay.ground.process import StageError
from assay.ground.supervisor import SHARED_MEMORY
from assay.load.input_data import write_input_data
from assay.load.shared_memory import names, reserved
from assay.measuring.readings import throughput
from assay.measuring.windows import Windows
from assay.servers.embedded import serve
from assay.validation.schema import validate

GONE_WITHIN_S = 10
# A stage that measures one long window, to be killed in it.
STAGE = """
from assay.ground.stage import run_stage
import sys
from pathlib import Path
from assay.measuring.windows import Windows
from assay.load.shared_memory import names, reserved
from assay.servers.embedded import serve
def main():
    folder, input_data = map(Path, sys.argv[1:])
    with serve([folder], 60) as server, reserved(server, names(folder, input_data)):
        Windows(server, {folder.name: input_data}, folder, "grpc", 60_000, shared_memory=True).measure(folder.name, 2)
run_stage(main)
"""


@pytest.fixture
def folder(model_folder: Callable[..., Path]) -> Path:
    return model_folder(model=taking_bytes(linear_model()))


@pytest.fixture
def input_data(tmp_path: Path) -> Path:
    path = tmp_path / "input.json"
    write_input_data(path, {"image": np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)})
    return path


@pytest.fixture
def shared(folder: Path, input_data: Path) -> Iterator[set[str]]:
    """Return the names of what is shared; whatever a failed test leaves of it is removed."""
    wanted = names(folder, input_data)
    yield wanted
    for name in wanted:
        (SHARED_MEMORY / name).unlink(missing_ok=True)


def present(shared: set[str]) -> set[str]:
    return {name for name in shared if (SHARED_MEMORY / name).exists()}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_names_are_those_of_the_tensors(folder: Path, input_data: Path) -> None:
    """An input has one for each request, an output one; no tensor's name leads out of the folder."""
    assert names(folder, input_data) == {"image_0_0", "image_0_1", "image_0_2", "logits"}
    config = folder / "config.pbtxt"
    config.write_text(config.read_text().replace('"logits"', '"/etc/logits"'))
    assert "etclogits" in names(folder, input_data)


@pytest.mark.slow
def test_everything_about_shared_memory_on_a_real_server(
    folder: Path, input_data: Path, shared: set[str], tmp_path: Path
) -> None:
    """Windows in it count; a killed stage leaves none of it, and what somebody else has stays theirs."""
    with serve([folder], 60) as server, reserved(server, shared):
        inputs = {folder.name: input_data}
        for protocol in ("grpc", "http"):
            (tmp_path / protocol).mkdir()
            windows = Windows(server, inputs, tmp_path / protocol, protocol, 50, shared_memory=True)
            assert throughput(windows.measure(folder.name, 2)) > 0
            assert not present(shared)

    (tmp_path / "stage.py").write_text(STAGE)
    stage = subprocess.Popen(
        [sys.executable, str(tmp_path / "stage.py"), str(folder), str(input_data)],
        env=environment(),
    )
    try:
        wait_until(lambda: present(shared) == shared)
    finally:
        stage.kill()
        stage.wait()
    wait_until(lambda: not present(shared))

    (SHARED_MEMORY / "logits").write_text("not yours")
    there = pytest.raises(StageError, match="logits is there already: another load")
    with serve([folder], 60) as server, there, reserved(server, shared):
        pass
    assert (SHARED_MEMORY / "logits").read_text() == "not yours"


@pytest.mark.parametrize("kind", ["docker", "url"])
def test_only_a_server_on_this_machine_shares_memory(content: dict[str, Any], kind: str) -> None:
    """A container or another machine does not see it, and is refused before any work."""
    content["load"]["shared_memory"] = "system"
    assert validate(content)
    content["triton"]["server"] = kind
    (found,) = errors(content)
    assert f"triton.server {kind} may not; choose none, or the server embedded or local" in found
