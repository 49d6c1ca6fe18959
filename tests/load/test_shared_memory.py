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
from assay.load import shared_memory
from assay.load.input_data import write_input_data
from assay.load.shared_memory import regions, reserved
from assay.measuring.readings import throughput
from assay.measuring.windows import Windows
from assay.servers.embedded import serve
from assay.serving.client import Server
from assay.validation.schema import validate

GONE_WITHIN_S = 10
# A stage that measures one long window, to be killed in it.
STAGE = """
from assay.ground.stage import run_stage
import sys
from pathlib import Path
from assay.measuring.windows import Windows
from assay.load.shared_memory import regions, reserved
from assay.servers.embedded import serve
def main():
    folder, input_data = map(Path, sys.argv[1:])
    with serve([folder], 60) as server, reserved(server, [regions(folder, input_data)]):
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
def shared(folder: Path, input_data: Path) -> Iterator[dict[str, int]]:
    """Return what is shared, by its name; whatever a failed test leaves of it is removed."""
    wanted = regions(folder, input_data)
    yield wanted
    for name in wanted:
        (SHARED_MEMORY / name).unlink(missing_ok=True)


def present(shared: dict[str, int]) -> set[str]:
    return {name for name in shared if (SHARED_MEMORY / name).exists()}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_names_are_those_of_the_tensors(folder: Path, input_data: Path) -> None:
    """An input has one for each request, an output one; no tensor's name leads out of the folder."""
    assert regions(folder, input_data) == {"image_0_0": 784, "image_0_1": 784, "image_0_2": 784, "logits": 40}
    config = folder / "config.pbtxt"
    config.write_text(config.read_text().replace('"logits"', '"/etc/logits"').replace("dims: 10", "dims: -1"))
    assert regions(folder, input_data)["etclogits"] == 102_400  # perf_analyzer's guess of an unknown size


def test_memory_that_cannot_be_shared_is_told_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes to more than there is is killed, the server as well."""
    monkeypatch.setattr(shared_memory, "SHARED_MEMORY", tmp_path)
    server, small = Server("127.0.0.1:9", "127.0.0.1:9", None, folder=tmp_path), {"image_0_0": 784, "logits": 40}
    with reserved(server, [small, small]):
        pass
    problem = r"^4,611,686,018,427,387,904 bytes cannot be shared in .* has [\d,]+ free: .*; mount a larger .* to none$"
    with pytest.raises(StageError, match=problem), reserved(server, [small, {"logits": 2**62}]):
        pass


@pytest.mark.slow
def test_everything_about_shared_memory_on_a_real_server(
    folder: Path, input_data: Path, shared: dict[str, int], tmp_path: Path
) -> None:
    """Windows in it count; a killed stage leaves none of it, and what somebody else has stays theirs."""
    with serve([folder], 60) as server, reserved(server, [shared]):
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
        wait_until(lambda: present(shared) == set(shared))
    finally:
        stage.kill()
        stage.wait()
    wait_until(lambda: not present(shared))

    (SHARED_MEMORY / "logits").write_text("not yours")
    there = pytest.raises(StageError, match="logits is there already: another load")
    with serve([folder], 60) as server, there, reserved(server, [shared]):
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
