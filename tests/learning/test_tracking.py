"""A fetched folder and its .dvc file are both new, or both as they were, however `dvc add` ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import clone, environment, run

from assay.ground import rwlock
from assay.ground.files import beside
from assay.ground.process import StageError
from assay.learning.fetching import tracking
from assay.learning.fetching.tracking import track

pytestmark = pytest.mark.slow

OLD, NEW = "a,label\n1,cat\n2,dog\n", "a,label\n3,cat\n4,dog\n5,dog\n"


def of_cats_and_dogs(params: dict[str, Any]) -> None:
    params["data"]["own"] |= {"format": "csv", "shape": [1], "classes": ["cat", "dog"]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone whose `own` is a table of cats and dogs."""
    return clone(tmp_path_factory.mktemp("project"), of_cats_and_dogs)


@pytest.fixture(params=["without", "copy", "symlink"])
def before(project: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, bytes]]:
    """Return what lies in datasets/: nothing, or an `own` of an earlier fetch, as files or as links."""
    if request.param != "without":
        run("dvc", "config", "--local", "cache.type", request.param, cwd=project)
        (tmp_path / "own.csv").write_text(OLD)
        run(*fetching(tmp_path), cwd=project)
        assert (project / "datasets" / "own" / "own.csv").is_symlink() == (request.param == "symlink")
    (tmp_path / "own.csv").write_text(NEW)
    yield state(project)
    (project / ".dvc" / "config.local").unlink(missing_ok=True)
    run("git", "clean", "--quiet", "-xd", "--force", "datasets", cwd=project)
    run("git", "checkout", "datasets", cwd=project)


def fetching(source: Path) -> list[str]:
    return [sys.executable, "tools/fetch_dataset.py", "own", "--from", str(source)]


def state(project: Path) -> dict[str, bytes]:
    """Return all files in datasets/ and what is in them."""
    folder = project / "datasets"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reads(path: Path) -> str | None:
    """Return what a file holds, None while there is none: DVC puts one of its own into its place."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


@pytest.mark.parametrize(
    ("number", "terminal"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False)]
)
def test_a_fetch_that_is_interrupted_while_dvc_adds_leaves_all_as_it_was(
    project: Path, tmp_path: Path, before: dict[str, bytes], number: signal.Signals, terminal: bool
) -> None:
    """Folder, .dvc file and .gitignore, of an earlier fetch or none; and the next fetch finds a DVC that works."""
    process = subprocess.Popen(
        fetching(tmp_path), cwd=project, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    placed, ends = project / "datasets" / "own" / "own.csv", time.monotonic() + 30
    while reads(placed) != NEW:
        assert time.monotonic() < ends
        time.sleep(0.005)
    if terminal:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert said == ("interrupted; nothing is half-written\n" if number == signal.SIGINT else "")
    assert state(project) == before
    if "own.dvc" in before:
        assert "up to date" in run("dvc", "status", "datasets/own.dvc", cwd=project).stdout
    run(*fetching(tmp_path), cwd=project)
    assert placed.read_text() == NEW
    assert "up to date" in run("dvc", "status", "datasets/own.dvc", cwd=project).stdout


def test_a_fetch_that_dvc_does_not_take_up_leaves_all_as_it_was(
    project: Path, tmp_path: Path, before: dict[str, bytes]
) -> None:
    """As where its cache is no folder: in DVC's words."""
    run("dvc", "config", "--local", "cache.dir", str(project / "params.yaml"), cwd=project)
    finished = run(*fetching(tmp_path), cwd=project, check=False)
    assert finished.returncode == 1
    assert finished.stdout.startswith("error: `dvc add` failed:\n  ")
    assert state(project) == before


@pytest.mark.parametrize("name", ["weights.partial", "__pycache__/weights.bin", "a.partial/weights.bin"])
def test_a_name_that_dvc_leaves_out_is_not_tracked(tmp_path: Path, name: str) -> None:
    """Nobody else would get the file, and a later one of that name would not be seen to be another."""
    (tmp_path / "model" / name).parent.mkdir(parents=True)
    (tmp_path / "model" / name).write_text("1")
    with pytest.raises(
        StageError, match=rf"{name.split('/', maxsplit=1)[0]} has a name that DVC leaves out \(\.dvcignore\): rename"
    ):
        track(tmp_path / "model", tmp_path / "brought")
    assert not (tmp_path / "brought").exists()


@pytest.mark.parametrize("free", [300_000, 700_000, 1_000_000])
def test_a_fetch_that_finds_a_full_disk_leaves_all_as_it_was(project: Path, tmp_path: Path, free: int) -> None:
    """Where DVC's cache had no room for a file, DVC says nothing and ends with 0; what was there before comes back."""
    source, full = tmp_path / "source", tmp_path / "full"
    source.mkdir()
    (source / "own.csv").write_text(OLD)
    script = f"""
        mount -t tmpfs -o size=64m none {full} && git clone --quiet {project} {full}/clone && cd {full}/clone
        cp {project}/params.yaml . && export PYTHONPATH=$PWD/src
        {sys.executable} tools/fetch_dataset.py own --from {source} && md5sum datasets/own.dvc datasets/own/* > before
        for _ in $(seq 100_000); do echo 3,dog; done >> {source}/own.csv
        head -c $(($(df --output=avail -B1 . | tail -1) - {free})) /dev/zero > ../zeros
        {sys.executable} tools/fetch_dataset.py own --from {source}
        echo "ended with $?" && md5sum --check before && find datasets -name '*.before*'
    """.replace("100_000", "100000")
    full.mkdir()
    said = run(
        "unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script, cwd=tmp_path, check=False
    ).stdout

    assert re.search(
        "^error: (datasets/own/own.csv: No space left|DVC did not take all of datasets/own)", said, re.MULTILINE
    )
    assert "ended with 1\ndatasets/own.dvc: OK\ndatasets/own/own.csv: OK\n" in said


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("writes", [True, False])
def test_what_dvc_wrote_already_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool, writes: bool
) -> None:
    """Whenever it is ended: before it writes anything, or after it wrote the .dvc file and .gitignore."""
    monkeypatch.setattr(tracking, "ROOT", tmp_path)
    monkeypatch.setattr(rwlock, "ROOT", tmp_path)
    locks = tmp_path / ".dvc" / "tmp" / "rwlock"
    locks.parent.mkdir(parents=True)
    folder = tmp_path / "datasets" / "own"
    if earlier:
        folder.mkdir(parents=True)
        for path in (folder / "own.csv", tmp_path / "datasets" / "own.dvc", tmp_path / "datasets" / ".gitignore"):
            path.write_text(OLD)
    expected = state(tmp_path)

    def interrupted(*_: str, **_named: object) -> str:
        assert (folder / "own.csv").read_text() == NEW
        if writes:
            (folder.parent / "own.dvc").write_text("half of it")
            (folder.parent / ".gitignore").write_text("/own")
            locks.touch()
        raise KeyboardInterrupt

    def fetch() -> None:
        with beside(folder) as partial:
            partial.mkdir()
            (partial / "own.csv").write_text(NEW)
            track(partial, folder)

    monkeypatch.setattr(tracking, "checked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch()
    assert state(tmp_path) == expected
    assert not locks.exists(), "DVC emptied it, and refuses it ever after"
    monkeypatch.setattr(tracking, "checked", lambda *_, **_named: "{}")
    fetch()
    assert state(tmp_path) == {**expected, "own/own.csv": NEW.encode()}
