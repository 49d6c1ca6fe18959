"""How stages start and fail: light imports, one sentence, an exit code."""

import ast
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, as_workspace, run

from assay.ground.files import read_json
from assay.ground.process import GOES_ON, INTERRUPTED
from assay.ground.programs import not_started
from assay.machine.fingerprint import fingerprint

STAGES = ROOT / "stages"


@pytest.mark.slow  # an interpreter with much to import for each
@pytest.mark.parametrize(
    "module", ["assay.validation.schema", "machine", "triton_config", "serving", "perf", "report", "data"]
)
def test_a_stage_that_does_not_train_imports_no_tensorflow(module: str) -> None:
    """Only train and export wait for TensorFlow and Keras."""
    code = f"import sys, {module}; print(sorted({{'tensorflow', 'keras'}} & {{*sys.modules}}))"
    assert run(sys.executable, "-c", code, cwd=STAGES).stdout == "[]\n"


def test_a_wrong_argument_is_one_sentence() -> None:
    """A cell that is not in params.yaml is refused with the names of those that are."""
    finished = run(sys.executable, "stages/perf.py", "fp32-9-9-off", cwd=ROOT, check=False)
    assert finished.returncode == 1
    assert finished.stdout.startswith("error: perf.py takes one argument, one of: fp32-1-64-off, ")
    assert "it got: fp32-9-9-off" in finished.stdout


def test_wrong_parameters_stop_a_stage_before_its_work(tmp_path: Path) -> None:
    """A stage with bad parameters prints every error, exits 1 and writes nothing."""
    text = (ROOT / "params.yaml").read_text().replace("seed: 42", "sed: 42").replace("protocol: grpc", "protocol: ftp")
    (tmp_path / "params.yaml").write_text(text)
    os.utime(tmp_path / "params.yaml", (0, 0))  # nobody is at it any more
    code = """
import sys
import pathlib
from assay.validation.schema import load_params
from assay.ground.stage import run_stage
run_stage(lambda: load_params(pathlib.Path("params.yaml")))
"""
    finished = run(sys.executable, "-c", code, cwd=as_workspace(tmp_path), check=False)
    assert finished.returncode == 1
    assert finished.stdout.startswith("error: params.yaml has 3 errors:\n  ")
    for sentence in ("seed: missing", "sed: unknown key", "load.protocol: Input should be 'grpc' or 'http'"):
        assert sentence in finished.stdout


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_meets_a_destructor_still_ends_the_stage(number: str, code: int) -> None:
    """Python drops what is raised there: it is raised again, and what was begun is cleaned up."""
    script = f"""
import sys
import os, signal, time
from assay.ground.stage import run_stage
signal.signal(signal.SIGINT, signal.default_int_handler)
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.{number})
        time.sleep(0.01)
def main():
    try:
        Last()
        time.sleep(20)
        print("it went on")
    finally:
        print("cleaned up")
run_stage(main)
"""
    began = time.monotonic()
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, "cleaned up" in finished.stdout) == (code, True), finished.stdout
    assert "it went on" not in finished.stdout
    assert "Traceback" not in finished.stdout
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_second_signal_does_not_interrupt_the_cleaning_up(second: str) -> None:
    """Whichever it is, and however many: the first one is answered, and nothing is said of the others."""
    script = f"""
import sys
import os, signal, time
from assay.ground.stage import run_stage
signal.signal(signal.SIGINT, signal.default_int_handler)
def main():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.{second})
        time.sleep(20)
    finally:
        for _ in range(20):
            os.kill(os.getpid(), signal.{second})
            time.sleep(0.001)
        print("cleaned up", flush=True)
run_stage(main)
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout) == (130, f"cleaned up\n{INTERRUPTED}\n")


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_another_thread_got_ends_a_stage_that_waits(tmp_path: Path, number: str, code: int) -> None:
    """The kernel chooses the thread: what the main one waits in, as a lock, is interrupted all the same."""
    held = tmp_path / "lock"
    script = f"""
import fcntl, signal, sys, threading
from assay.ground.stage import run_stage
signal.signal(signal.SIGINT, signal.default_int_handler)
def get_it():
    signal.pthread_kill(threading.get_ident(), signal.{number})
def main():
    with open({str(held)!r}) as lock:
        threading.Timer(0.2, get_it).start()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            print("cleaned up", flush=True)
run_stage(main)
"""
    with held.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout.splitlines()[0]) == (code, "cleaned up")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stage_that_hangs_ends_after_its_grace(number: str, code: int) -> None:
    """C code that waits for ever lets Python see no signal; the process ends all the same, and says so."""
    script = f"""
import sys
import ctypes, os, signal, threading
from assay.ground import hanging, stage
signal.signal(signal.SIGINT, signal.default_int_handler)
hanging.GRACE_S = 0.2
def main():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.{number})).start()
    library, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(lock), library.pthread_mutex_lock(lock)
stage.run_stage(main)
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    said = f"error: it did not end within 0.2 s of signal {getattr(signal, number):d}, and was ended\n"
    assert (finished.returncode, finished.stdout) == (code, said)


@pytest.mark.parametrize(("folder", "and_then"), [("stages", f", and {GOES_ON}"), ("tools", "")])
def test_who_was_interrupted_says_what_goes_on(tmp_path: Path, folder: str, and_then: str) -> None:
    """`dvc repro` takes up stages where they ended, and no tool."""
    script = tmp_path / folder / "script.py"
    script.parent.mkdir()
    script.write_text("""
import sys
import os, signal
from assay.ground.stage import run_stage
signal.signal(signal.SIGINT, signal.default_int_handler)
run_stage(lambda: os.kill(os.getpid(), signal.SIGINT))
""")
    finished = run(sys.executable, str(script), cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout) == (130, f"{INTERRUPTED}{and_then}\n")


def test_an_address_that_no_client_takes_is_one_sentence() -> None:
    """A client that was refused its address is never finished: what its destructor misses is no news."""
    script = """
import sys
from assay.ground.stage import run_stage
from assay.serving.client import Server
run_stage(lambda: Server("http://127.0.0.1:9", "127.0.0.1:9", None).version())
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert finished.returncode == 1
    assert finished.stdout.startswith("error: the Triton server did not give its version: ")
    assert finished.stdout.count("\n") == 1


def test_ctrl_c_while_a_server_is_asked_over_http_is_one_sentence() -> None:
    """A server that says nothing keeps nobody waiting who has had enough."""
    script = """
import sys
import os, signal, socket, threading
from assay.ground.stage import run_stage
from assay.serving.client import Server
signal.signal(signal.SIGINT, signal.default_int_handler)
def main():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        Server(address, address, pid=None, request_timeout_s=20).is_live()
run_stage(main)
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout) == (130, f"{INTERRUPTED}\n")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("StageError('no')", "error: no\n"),
        ("OSError(28, 'Full', 'x')", "error: x: Full"),
        ("OSError(122, 'Quota', 'x', None, 'y')", "error: y: Quota; free some space\n"),
        ("OSError(13, 'Denied', 'x', None, 'y')", "error: x: Denied"),
        ("OSError(28, 'Full', 'x', None, 'y')", "error: y: Full; free some space\n"),
        (
            "OSError(27, 'Large', 'x', None, 'y')",
            "error: y: Large; raise the limit on the size of a file (`ulimit -f`)",
        ),
        ("MemoryError('no 6 GB')", "error: there is too little memory (no 6 GB); end other programs, or ask smaller"),
        ("MemoryError()", "error: there is too little memory; end other programs"),
        ("KeyError('k')", "Traceback"),
        ("CalledProcessError(2, ['/bin/wrk'], stderr=b'why')", "error: wrk exited with 2; it said:\n  why\n"),
    ],
)
def test_a_script_may_have_an_exit_code_of_its_own_for_failures(raised: str, said: str) -> None:
    """Where 1 is an answer, no failure of any kind gives it."""
    script = f"""
import sys
from assay.ground.stage import failures_end_with, run_stage
from assay.ground.process import StageError
from subprocess import CalledProcessError
failures_end_with(3)
def main():
    raise {raised}
run_stage(main)
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout[: len(said)]) == (3, said)


def test_a_program_that_cannot_be_started_is_no_file_to_make(tmp_path: Path) -> None:
    """One that is missing, and one that is none, are named as programs; a missing folder to work in is not."""
    (tmp_path / "odd").mkdir()
    script = f"""
import sys
import os, subprocess
from assay.ground.stage import run_stage
os.environ["PATH"] = {str(tmp_path)!r}
run_stage(lambda: subprocess.run([sys.argv[1]], cwd=sys.argv[2]))
"""
    for program, folder, said in (
        ("setpriv", "/", "setpriv is not installed; install one that can be, or correct PATH"),
        ("odd", "/", f"{tmp_path}/odd cannot be run as a program: it is a folder; install one that can be, or correct"),
        (f"{tmp_path}/odd", "/", f"{tmp_path}/odd cannot be run as a program: it is a folder"),
        ("odd", "/no/such", "no/such: No such file or directory\n"),
    ):
        finished = run(sys.executable, "-c", script, program, folder, cwd=ROOT, check=False)
        assert finished.returncode == 1
        assert said in finished.stdout
        assert finished.stdout.count("\n") == 1


def test_what_there_is_too_little_of_to_start_a_program_is_told() -> None:
    """Another program, or one that is installed anew, could not be started, either."""
    script = """
import sys
import resource, subprocess
from assay.ground.stage import run_stage
def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
    subprocess.run(["true"], stdout=subprocess.PIPE)
run_stage(main)
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert finished.returncode == 1
    assert "Too many open files" in finished.stdout
    assert "install" not in finished.stdout
    full = OSError(errno.EMFILE, "Too many open files", "g++")
    assert not_started("g++", full, "install it") == (
        "g++ cannot be started: Too many open files; end other programs, or raise a `ulimit`"
    )


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
@pytest.mark.parametrize("where", ["import", "main", "imports"])
def test_no_end_of_any_kind_is_taken_for_an_answer(number: str, where: str) -> None:
    """Told to end while it imports or works, or with an import that fails, such a script ends with its own code."""
    script = f"""
import sys
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from assay.ground.stage import failures_end_with, run_stage
failures_end_with(3)
def main():
    os.kill(os.getpid(), signal.{number})
    time.sleep(20)
if {where!r} == "import":
    main()
elif {where!r} == "imports":
    import no_such_module
run_stage(main)
"""
    assert run(sys.executable, "-c", script, cwd=ROOT, check=False).returncode == 3


SCRIPTS = [path for place in ("stages", "tools", "benchmarks") for path in sorted((ROOT / place).glob("*.py"))]


@pytest.mark.parametrize("script", [path for path in SCRIPTS if "run_stage(" in path.read_text()], ids=str)
def test_a_script_says_what_ctrl_c_does_before_it_imports_what_takes_time(script: Path) -> None:
    """Nothing but Python's own, which takes milliseconds, is imported before `assay.ground.stage`."""
    before = []
    for statement in ast.parse(script.read_text()).body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "assay.ground.stage":
            break
        if isinstance(statement, ast.ImportFrom):
            before.append(str(statement.module))
        elif isinstance(statement, ast.Import):
            before += [each.name for each in statement.names]
    else:
        pytest.fail("it never imports assay.ground.stage")
    assert {name.partition(".")[0] for name in before} <= sys.stdlib_module_names


def test_ctrl_c_while_a_stage_imports_is_one_sentence() -> None:
    """C code that imports makes an ImportError of a KeyboardInterrupt: what would, does not get it."""
    script = """
import sys
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from assay.ground.stage import run_stage
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)
except KeyboardInterrupt:
    raise ImportError("it met an import")
"""
    finished = run(sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout) == (130, f"{INTERRUPTED}\n")


def test_a_missing_input_names_the_file_and_what_makes_it(tmp_path: Path) -> None:
    """A stage run by hand before the one that it needs says so in one sentence."""
    code = """
import sys
from pathlib import Path
from assay.tensors import arrays
from assay.ground import stage
stage.run_stage(lambda: arrays.read_split(Path("test.npz")))
"""
    finished = run(sys.executable, "-c", code, cwd=as_workspace(tmp_path), check=False)
    assert finished.returncode == 1
    assert (
        finished.stdout
        == "error: test.npz: No such file or directory; `dvc repro` runs the stages that make it first\n"
    )


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", 131), ("SIGINT", 130)])
def test_a_signal_unwinds_a_stage(tmp_path: Path, number: str, code: int) -> None:
    """A stage that is told to end runs its clean-up and exits with the signal's code."""
    script = f"""
import os, signal, sys
from assay.ground import stage
def main():
    try:
        os.kill(os.getpid(), signal.{number})
        signal.pause()
    finally:
        print("cleaned up")
stage.run_stage(main)
"""
    finished = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=as_workspace(tmp_path),
        timeout=30,
    )
    assert (finished.returncode, finished.stdout) == (code, "cleaned up\n")


def test_a_stage_whose_dvc_died_before_it_began_does_nothing(tmp_path: Path) -> None:
    """DVC may be killed while a stage still imports: the orphan ends instead of working on."""
    script = """
import os, sys
from pathlib import Path
from assay.ground import stage
Path("began").touch()
try:
    stage.run_stage(Path("worked").touch)
finally:
    Path("ended").touch()
"""
    (tmp_path / "stage.py").write_text(script)
    # The shell plays DVC: it starts the stage in its own session and is gone before the stage looks.
    dvc = f"(sleep 0.3; exec {sys.executable} stage.py) &"
    environment = {**os.environ, "DVC_ROOT": str(tmp_path)}
    subprocess.run(["bash", "-c", dvc], check=True, cwd=as_workspace(tmp_path), env=environment, start_new_session=True)
    deadline = time.monotonic() + 20
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (tmp_path / "began").exists()
    assert not (tmp_path / "worked").exists()


def test_the_fingerprint_stays_the_same_on_one_machine() -> None:
    """Nothing in it changes from run to run, or every run would measure again."""
    assert fingerprint() == fingerprint()


def test_the_committed_metrics_are_few() -> None:
    """`dvc metrics diff` stays readable: about 25 values, no list among them."""

    def leaves(value: object) -> list[object]:
        return [leaf for each in value.values() for leaf in leaves(each)] if isinstance(value, dict) else [value]

    values = leaves(read_json(ROOT / "reports" / "metrics.json"))
    assert len(values) <= 27
    assert all(isinstance(value, (int, float, str)) for value in values)


def test_what_a_program_says_may_be_in_any_encoding() -> None:
    """Nobody reads it in the encoding of the moment, which fails on a byte that is none of it."""
    folders = [ROOT / name for name in ("stages", "tools", "triton", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert [str(path) for path in files if "text=True" in path.read_text(encoding="utf-8")] == []
