"""tools/fetch_dataset.py against a web server on loopback, and from folders."""

import base64
import contextlib
import hashlib
import io
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from conftest import clone, environment, run

from assay.ground.process import StageError
from assay.learning import datasets
from assay.learning.fetching import download
from fetch_dataset import fetch_published

CLASSES = 2
MODULE = """
from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.published import RawFile
from assay.learning.formats.npz import read_npz

FILE = RawFile("toys.npz", {size}, "{sha256}")
EDITION = Edition("toys", (FILE,), lambda folder: Examples(*read_npz(folder / FILE.name, (4,))), "http://127.0.0.1:9/toys")
DATASET = Dataset("toys", (4,), ("cat", "dog"), (EDITION,))
"""


def toys() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=np.random.default_rng(0).random((20, 4), np.float32), y=np.arange(20) % CLASSES)
    return stream.getvalue()


class Mirror(BaseHTTPRequestHandler):
    """Serves the toys under addresses that say how to misbehave."""

    content = toys()
    asked_by: str | None = None

    def do_GET(self) -> None:
        Mirror.asked_by = self.headers["Authorization"]
        manner = self.path.split("/")[1]
        if manner == "absent":
            self.send_error(404)
            return
        content = {"other": self.content[::-1], "endless": self.content * 3}.get(manner, self.content)
        self.send_response(200)
        if manner != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        if manner == "cut":
            return
        if manner == "slow":
            time.sleep(0.5)
        if manner == "stalled":
            self.server.stalled.wait(30)  # type: ignore[attr-defined]
        self.wfile.write(content[half:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[str]:
    """Return the address of a mirror."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.daemon_threads = True
    server.stalled = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stalled.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone to which the dataset `toys` was added: one file."""
    folder = clone(tmp_path_factory.mktemp("project"))
    content = toys()
    module = MODULE.format(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    (folder / "src" / "assay" / "learning" / "datasets" / "toys.py").write_text(module)
    return folder


def fetch(project: Path, *arguments: str) -> tuple[int, str]:
    finished = run(sys.executable, "tools/fetch_dataset.py", *arguments, cwd=project, check=False)
    assert "Traceback" not in finished.stdout
    return finished.returncode, finished.stdout


def rest(project: Path) -> list[str]:
    """Return what lies in datasets/."""
    return sorted(path.name for path in (project / "datasets").glob("*") if path.name != ".gitignore")


@pytest.mark.slow
def test_a_download_is_checked_tracked_and_not_repeated(project: Path, mirror: str) -> None:
    """A slow mirror is waited for; the second time nothing is fetched; git sees only the .dvc file."""
    code, said = fetch(project, "toys", "--from", f"{mirror}/slow")
    assert code == 0, said
    assert "toys: 20 examples of 2 classes, checked\ntracked by datasets/toys.dvc\n" in said
    assert 'next: git add datasets && git commit -m "Add toys", or queued experiments do not see it;' in said
    # The chosen autoencoder takes images of 28×28 pixels: the command is one that works.
    assert said.endswith("      dvc exp run -S dataset=toys -S model=mlp\n")
    assert rest(project) == ["toys", "toys.dvc"]
    assert fetch(project, "toys")[0] == 0
    status = run("git", "status", "--porcelain", "--untracked-files=all", "datasets", cwd=project).stdout
    assert status == "?? datasets/toys.dvc\n"
    # DVC must know the file, or `dvc checkout` and `dvc exp run` take the folder for an unused link.
    run("dvc", "checkout", cwd=project, check=False)  # outputs of the pipeline are missing here
    assert rest(project) == ["toys", "toys.dvc"]
    run("git", "checkout", "datasets", cwd=project)
    run("git", "clean", "--quiet", "-xd", "--force", "datasets", cwd=project)


@pytest.mark.parametrize(
    ("manner", "sentence"),
    [
        ("absent", "answered 404 Not Found; try a mirror or a folder: --from"),
        ("cut", "cannot be downloaded: ('Connection broken"),
        ("other", "is corrupt: its sha256 is"),
        ("endless", "sends more than the"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(
    project: Path, mirror: str, manner: str, sentence: str
) -> None:
    """404, a cut connection, a wrong checksum, too many bytes: said, and nothing half-written."""
    code, said = fetch(project, "toys", "--from", f"{mirror}/{manner}")
    assert code == 1
    assert sentence in said
    assert said.count("error: ") == 1
    assert rest(project) == []


def test_a_public_address_that_is_down_is_named(project: Path) -> None:
    """Without --from, the publisher's address is asked; nobody listens there."""
    code, said = fetch(project, "toys")
    assert code == 1
    assert "http://127.0.0.1:9/toys/toys.npz cannot be downloaded" in said
    assert rest(project) == []


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://me:secret@127.0.0.1:9", r"Failed to establish a new connection: \[Errno 111\] Connection refused;"),
        ("http://me:secret@:9", "Please check proxy URL. It is malformed and could be missing the host;"),
    ],
)
def test_a_proxy_that_fails_is_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, words: str) -> None:
    """Not the address that was asked for, in the words of a library's objects, or with the proxy's password."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(StageError, match=f"through the proxy that http_proxy, .*: {words}") as raised:
        download.download("https://assay.invalid/toys.npz", tmp_path / "toys.npz", len(Mirror.content))
    assert [part for part in ("secret", "Error(") if part in str(raised.value)] == []


def test_a_dataset_without_an_address_asks_for_a_folder(project: Path) -> None:
    """Whatever names the command says so, too; an address, or a folder, is all that it takes."""
    content = (project / "src" / "assay" / "learning" / "datasets" / "toys.py").read_text()
    (project / "src" / "assay" / "learning" / "datasets" / "unpublished.py").write_text(
        content.replace(', "http://127.0.0.1:9/toys")', ")").replace('Dataset("toys"', 'Dataset("unpublished"')
    )
    code, said = fetch(project, "unpublished")
    assert (code, said) == (
        1,
        "error: unpublished names no address to download it from: give `--from` with the folder, or the address, "
        "that has its files\n",
    )
    assert (
        "http://127.0.0.1:9/there/toys.npz cannot be downloaded"
        in fetch(project, "unpublished", "--from", "http://127.0.0.1:9/there")[1]
    )
    asked = """
from assay.learning import datasets, loading
loading.edition_in(datasets.get("unpublished"), loading.DATASETS / "unpublished")
"""
    told = run(sys.executable, "-c", asked, cwd=project, check=False).stdout
    assert "unpublished is missing; run `python tools/fetch_dataset.py unpublished --from FOLDER`" in told
    assert rest(project) == []


def test_a_stalled_download_ends(mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stops sending is not waited for without end."""
    monkeypatch.setattr(download, "TIMEOUT_S", 0.3)
    with pytest.raises(StageError, match=r"cannot be downloaded: .*Read timed out"):
        download.download(f"{mirror}/stalled/toys.npz", tmp_path / "toys.npz", len(Mirror.content))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_download_leaves_nothing(project: Path, mirror: str, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM in the middle of a file: no half of it remains."""
    command = [sys.executable, "tools/fetch_dataset.py", "toys", "--from", f"{mirror}/stalled"]
    process = subprocess.Popen(
        command, cwd=project, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while not list(project.glob("datasets/toys.*.partial/toys/toys.npz")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert rest(project) == []


def test_git_never_takes_a_folder_of_raw_data(project: Path) -> None:
    """Not even one that a killed fetch has put there and DVC does not know, which `git add datasets` would commit."""
    folder = project / "datasets" / "own"
    folder.mkdir()
    (folder / "own.csv").write_text("a,label\n")
    (project / "datasets" / "own.dvc").touch()
    run("git", "add", "datasets", cwd=project)
    assert run("git", "status", "--porcelain", "datasets", cwd=project).stdout == "A  datasets/own.dvc\n"
    run("git", "rm", "--quiet", "--force", "datasets/own.dvc", cwd=project)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_folder_is_copied_after_the_same_checks(project: Path, tmp_path: Path) -> None:
    """`--from FOLDER` takes the published files; a folder without them is refused by their names."""
    assert "that is no folder, and no address" in fetch(project, "toys", "--from", "ftp://mirror")[1]
    assert "an empty name names nothing" in fetch(project, "toys", "--from", "")[1]
    code, said = fetch(project, "toys", "--from", str(tmp_path))
    assert (code, rest(project)) == (1, [])
    assert "lacks toys.npz" in said
    (tmp_path / "toys.npz").write_bytes(toys()[:-1])
    code, said = fetch(project, "toys", "--from", str(tmp_path))
    assert (code, rest(project)) == (1, [])
    assert "toys/toys.npz is truncated" in said
    (tmp_path / "toys.npz").write_bytes(toys())
    assert fetch(project, "toys", "--from", str(tmp_path))[0] == 0
    assert rest(project) == ["toys", "toys.dvc"]


@pytest.mark.slow
def test_ones_own_folder_is_fetched_as_described(project: Path, tmp_path: Path) -> None:
    """`own` is checked against data.own before it is tracked, and a bad one replaces nothing."""
    lines = "\n".join(f"{number * 3 % 7},{number % 2}" for number in range(20))
    (tmp_path / "own.csv").write_text(f"width,label\n{lines}\n")
    params = (project / "params.yaml").read_text().replace("dataset: digits", "dataset: own")
    params = params.replace("model: autoencoder", "model: mlp")
    description = 'own:\n    format: csv\n    shape: [1]\n    classes: ["0", "1"]\n    resize: false\n'
    start = params.index("own:")
    (project / "params.yaml").write_text(params[:start] + description + params[params.index("model:") :])
    code, said = fetch(project, "own", "--from", str(tmp_path))
    assert code == 0, said
    assert "20 examples of 2 classes, checked\n13 of 20 (65 %) have all values of an earlier one; leave out " in said
    assert "nothing can be learned" not in said
    (tmp_path / "own.csv").write_text("width,label\n1,0\n3,0\n2,0\n5,1\n")
    assert (
        "nothing can be learned from it as it is: class '1' has 1 example, and each of 3 splits"
        in fetch(project, "own", "--from", str(tmp_path))[1]
    )
    run("python", "stages/raw_data.py", cwd=project)
    said = run("python", "stages/data.py", cwd=project, check=False).stdout
    assert "error: own: class '1' has 1 example, and" in said
    before = (project / "datasets" / "own" / "own.csv").read_bytes()
    (tmp_path / "own.csv").write_text("width,label\nwide,0\n")
    code, said = fetch(project, "own", "--from", str(tmp_path))
    assert code == 1
    assert "own/own.csv has 'wide' for 'width' in line 2, not a number" in said
    assert (project / "datasets" / "own" / "own.csv").read_bytes() == before
    assert "holds the folder that it would be copied to" in fetch(project, "own", "--from", ".")[1]
    (tmp_path / "nowhere").symlink_to("missing")
    assert "nothing else; it holds: 'nowhere', 'own.csv'" in fetch(project, "own", "--from", str(tmp_path))[1]
    (tmp_path / "nowhere").unlink()
    (tmp_path / "own.csv").rename(tmp_path / "two\nlines.csv")
    assert (
        "error: 'two\\nlines.csv': rename it; DVC cannot track such a name"
        in fetch(project, "own", "--from", str(tmp_path))[1]
    )


@pytest.mark.parametrize("manner", ["absent", "other", "endless"])
def test_a_mirrors_password_is_used_and_not_shown(project: Path, mirror: str, manner: str) -> None:
    """Not in what is fetched, nor in what is wrong with it."""
    code, said = fetch(project, "toys", "--from", mirror.replace("//", "//me:se%20cret@") + f"/{manner}")
    assert code == 1
    assert Mirror.asked_by == "Basic " + base64.b64encode(b"me:se cret").decode()
    assert f"from http://…@127.0.0.1:{mirror.rpartition(':')[2]}/{manner}\n" in said
    assert "cret" not in said


@pytest.mark.parametrize(
    "place",
    [
        "http://me:geheim@127.0.0.1:9/x",
        "http://me:p/geheim@127.0.0.1:9",
        "http://me:geh eim@127.0.0.1:9",
        "http://me:@geheim@127.0.0.1:9",
        "http://127.0.0.1:9/x?token=geheim",
        "http://me:geheim@[::1/x",
        "ftp://me:geheim@mirror",
        "HTTP://me:geheim@mirror",
        "me:geheim@mirror:/data",
    ],
)
def test_no_failure_shows_a_password(place: str, tmp_path: Path) -> None:
    """However an address is written, and whatever a library says about it."""
    dataset = datasets.get("mnist")
    with pytest.raises(StageError) as raised, contextlib.redirect_stdout(io.StringIO()) as said:
        fetch_published(dataset, place, tmp_path)
    for text in (str(raised.value), said.getvalue()):
        assert [part for part in ("me:", "geh", "eim") if part in text] == []


def test_bundled_sets_are_not_fetched(project: Path) -> None:
    """Digits and iris come with the repository, and the message says how."""
    code, said = fetch(project, "digits")
    assert code == 1
    assert "`dvc pull data.dvc`" in said
