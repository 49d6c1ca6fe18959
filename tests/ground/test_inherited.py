"""What a process inherits and what it does not: settings, repositories, streams, places."""

import ast
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, as_workspace, clone, environment, run

from assay.ground.environment import PINNED, SETTINGS, of_children

# Each of them alone ends a training, or changes its weights.
OF_A_NOTEBOOK = {
    "DVCLIVE_LOGLEVEL": "nothing",
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "cpp",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--nothing",
}
TRAINING = """
import sys
from assay.ground.stage import run_stage
import hashlib, tempfile
from pathlib import Path
import numpy as np
def main():
    from assay.learning import frameworks, models
    from assay.learning.datasets.digits import DATASET
    from assay.learning.models.cnn import Hyperparameters
    family = models.get("cnn")
    frameworks.get(family.framework).make_deterministic(1)
    random = np.random.default_rng(0)
    splits = {
        name: ((255 * random.random((size, 28, 28, 1))).astype(np.float32) / 255, np.arange(size) % 10)
        for name, size in (("train", 64), ("validation", 20), ("test", 20))
    }
    asked = Hyperparameters(epochs=2, batch_size=32, learning_rate=0.1, momentum=0.9, dropout=0.1)
    with tempfile.TemporaryDirectory() as curves:
        trained = family.train(splits, DATASET, asked, Path(curves))
    (model,) = trained.exports.values()
    print(hashlib.sha256(b"".join(each.tobytes() for each in model.get_weights())).hexdigest())
run_stage(main)
"""


def said(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python with more variables than a user has."""
    return run("env", *(f"{name}={value}" for name, value in variables.items()), sys.executable, "-c", script, cwd=ROOT)


@pytest.mark.slow
def test_what_a_notebook_or_a_shell_sets_changes_no_weight(tmp_path: Path) -> None:
    """Settings of the libraries, in the environment and in the user's own files, do not reach a training."""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(
        json.dumps({"floatx": "float64", "image_data_format": "channels_first", "backend": "jax"})
    )
    (tmp_path / "pandas.py").write_text("raise ImportError('not the environment\\'s')\n")
    (plain,) = said(TRAINING).stdout.splitlines()[-1:]
    odd = said(TRAINING, **OF_A_NOTEBOOK, HOME=str(tmp_path), PYTHONPATH=str(tmp_path))
    assert odd.stdout.splitlines()[-1] == plain
    assert len(plain) == 64
    assert not (tmp_path / ".keras" / "models").exists()


def test_a_home_folder_gets_no_settings_of_keras(tmp_path: Path) -> None:
    """Keras writes its settings where it finds none: not where its user would meet them."""
    script = "import assay.ground.stage, os; print(os.environ['KERAS_HOME'])"
    assert said(script, HOME=str(tmp_path), KERAS_HOME=str(tmp_path)).stdout == f"{os.devnull}\n"


@pytest.mark.slow
def test_a_figure_is_drawn_as_the_project_says(tmp_path: Path) -> None:
    """Neither a notebook's backend nor a style of the user's own reaches it."""
    settings = tmp_path / ".config" / "matplotlib" / "matplotlibrc"
    settings.parent.mkdir(parents=True)
    settings.write_text("lines.linewidth: 9\naxes.labelsize: 20\ntext.usetex: True\n")
    script = """
import sys
import assay.ground.stage
from assay.telling.figures.style import picture
print(picture(lambda axes, theme: axes.plot([1, 2]), height=2, alt=""))
"""
    backend = "module://matplotlib_inline.backend_inline"
    assert said(script, MPLBACKEND=backend, HOME=str(tmp_path)).stdout == said(script).stdout


def test_too_few_addresses_are_refused_before_a_training() -> None:
    """TensorFlow would end in a crash of LLVM's that says nothing of it."""
    script = """
import sys
from assay.ground.stage import run_stage
from assay.ground.quiet import load_tensorflow
run_stage(load_tensorflow)
"""
    finished = run("prlimit", "--as=3000000000", sys.executable, "-c", script, cwd=ROOT, check=False)
    sentence = "TensorFlow needs 4 GB of addresses, and this shell allows 3: raise that, as with `ulimit -v unlimited`"
    assert (finished.returncode, finished.stdout) == (1, f"error: {sentence}\n")


def test_python_without_docstrings_is_refused_before_a_training() -> None:
    """TensorFlow needs them."""
    script = """
import sys
from assay.ground.stage import run_stage
from assay.ground.quiet import load_tensorflow
run_stage(load_tensorflow)
"""
    finished = run("env", "PYTHONOPTIMIZE=2", sys.executable, "-c", script, cwd=ROOT, check=False)
    assert (finished.returncode, finished.stdout.count("\n")) == (1, 1)
    assert finished.stdout.startswith("error: TensorFlow needs docstrings, and Python leaves them out: unset PYTHON")


@pytest.mark.slow
def test_openvino_tells_nobody_that_it_was_imported(tmp_path: Path) -> None:
    """It computes without the package that leaves a number at home and, not asked to, asks the network."""
    script = """
import sys
from assay.ground.quiet import load_openvino
print(load_openvino().Core().available_devices, "openvino_telemetry" in sys.modules)
"""
    (tmp_path / "home").mkdir()
    command = ["env", "-u", "CI", f"HOME={tmp_path / 'home'}", sys.executable, "-c", script]
    assert run(*command, cwd=as_workspace(tmp_path)).stdout == "['CPU'] False\n"
    assert list((tmp_path / "home").iterdir()) == []


def test_nobody_imports_openvino_in_another_way() -> None:
    """Or it would tell."""
    quiet = ROOT / "src" / "assay" / "ground" / "quiet.py"
    code = [path for folder in ("src", "stages", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    importing = [
        path
        for path in code
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(each.name.startswith("openvino") for each in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openvino"))
    ]
    assert importing == [quiet]


def test_python_that_hides_the_project_finds_it() -> None:
    """A Python that looks neither beside a script nor in the working folder finds the package all the same."""
    finished = run("env", "PYTHONSAFEPATH=1", sys.executable, "tools/check_params.py", cwd=ROOT)
    assert finished.stdout.startswith("params.yaml is valid")


def test_children_are_told_of_no_repository_stage_or_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Git calls local to a repository, what DVC tells a stage, how the caller's Python is set; not the rest."""
    local = run("git", "rev-parse", "--local-env-vars", cwd=ROOT).stdout.split()
    gone = [*local, "GIT_QUARANTINE_PATH", "DVC_ROOT", "DVC_EXP_NAME", "PYTHONSAFEPATH", "PYTHONIOENCODING"]
    kept = ["GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "DVC_GLOBAL_CONFIG_DIR", "AWS_PROFILE", "http_proxy"]
    for name in (*gone, *kept):
        monkeypatch.setenv(name, "its value")
    found = of_children()
    assert len(local) > 10
    assert [name for name in gone if name in found] == []
    assert [name for name in kept if name not in found] == []
    assert shlex.split(found["PATH"].replace(":", " "))[0] == str(Path(sys.executable).parent)


def test_a_script_that_a_hook_runs_asks_the_repository_around_it(tmp_path: Path) -> None:
    """Not the one that Git told the hook about."""
    run("git", "init", "--quiet", cwd=tmp_path)
    script = f"""
import sys
import assay.ground.stage, os, subprocess
os.chdir({str(tmp_path)!r})
subprocess.run(["git", "rev-parse", "--absolute-git-dir"])
"""
    assert said(script, GIT_DIR="/nonexistent", GIT_WORK_TREE="/").stdout == f"{tmp_path}/.git\n"


def test_the_documentation_names_every_variable_that_is_chosen() -> None:
    """Whoever looks for a setting of theirs finds what became of it."""
    page = (ROOT / "docs" / "environment.md").read_text()
    named = [*(f"{name}*" for name in SETTINGS if name.endswith(("_", "2"))), "MPLBACKEND", "MATPLOTLIBRC"]
    pinned = [name for name in PINNED if not name.startswith("KERAS_")]
    assert [name for name in (*named, *pinned) if f"`{name}`" not in page] == []


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """Return a second working tree of a small repository, in which Git tells a hook the repository's folder."""
    main = clone(tmp_path / "main")
    run("git", "init", "--quiet", "--bare", str(tmp_path / "remote"), cwd=main)
    run("git", "remote", "add", "origin", str(tmp_path / "remote"), cwd=main)
    run("git", "worktree", "add", "--quiet", "-b", "work", str(tmp_path / "work"), cwd=main)
    return tmp_path / "work"


@pytest.mark.slow
def test_a_push_does_not_hand_its_repository_to_what_the_hook_runs(worktree: Path, tmp_path: Path) -> None:
    """Tests and the gate, run by a hook of a worktree, work on clones of their own: the repository stays as it was."""
    script = tmp_path / "hook.py"
    script.write_text(f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
import os
assert "GIT_DIR" in os.environ
from conftest import clone
from assay.comparing import reference
folder = clone(Path({str(tmp_path)!r}) / "clone")
commit = reference.resolve("HEAD")
reference.check_out(commit, Path({str(tmp_path)!r}) / "checkout")
""")
    hook = worktree.parent / "main" / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))}\n")
    hook.chmod(0o755)
    config = (worktree.parent / "main" / ".git" / "config").read_text()
    heads = run("git", "for-each-ref", "refs/heads", cwd=worktree).stdout
    run("git", "push", "--quiet", "origin", "work", cwd=worktree)
    assert (tmp_path / "clone" / ".git").is_dir()
    assert (tmp_path / "checkout" / "params.yaml").is_file()
    assert (worktree.parent / "main" / ".git" / "config").read_text() == config
    assert run("git", "for-each-ref", "refs/heads", cwd=worktree).stdout == heads
    assert run("git", "status", "--porcelain", cwd=worktree).stdout == ""


def test_make_hands_on_neither_a_repository_nor_settings_of_python_and_pip(tmp_path: Path) -> None:
    """Where packages come from is kept; which, and where they go, is the Makefile's to say."""
    shown = tmp_path / "Makefile"
    rules = (ROOT / "Makefile").read_text().partition(".PHONY")[0]
    shown.write_text(f"{rules}\nshow:\n\t@env\n")
    kept = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "http_proxy": "http://127.0.0.1:9"}
    gone = dict.fromkeys(("PIP_USER", "PIP_TARGET", "PYTHONPATH", "PYTHONSAFEPATH", "GIT_DIR", "GIT_INDEX_FILE"), "1")
    words = [f"{name}={value}" for name, value in (kept | gone).items()]
    names = [line.partition("=")[0] for line in run("env", *words, "make", "show", cwd=tmp_path).stdout.splitlines()]
    assert [name for name in kept if name not in names] == []
    assert [name for name in gone if name in names] == []


def test_a_clone_has_the_same_bytes_whatever_git_does_to_line_ends(tmp_path: Path) -> None:
    """With core.autocrlf, Git would hand out other files than DVC's digests are of."""
    folder = clone(tmp_path / "clone")
    run("git", "-c", "core.autocrlf=true", "clone", "--quiet", str(folder), str(tmp_path / "other"), cwd=tmp_path)
    listed = run("git", "ls-files", "-z", cwd=folder).stdout.split("\0")[:-1]
    different = [name for name in listed if (folder / name).read_bytes() != (tmp_path / "other" / name).read_bytes()]
    assert different == []
    assert len(listed) > 100


@pytest.mark.parametrize(
    ("streams", "code"), [("<&-", 0), (">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("| sleep 0", 141)]
)
def test_a_stage_does_without_its_standard_streams(streams: str, code: int) -> None:
    """Closed ones lead nowhere; where nobody reads any more, it ends as others do, without a word."""
    script = """
import sys
import time
from assay.ground.stage import run_stage
from assay.ground.quiet import quiet_tensorflow
def main():
    with quiet_tensorflow():
        pass
    time.sleep(0.3)
    print("said")
    sys.stderr.write("")
run_stage(main)
"""
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} {streams}; echo code ${{PIPESTATUS[0]}}"
    finished = run("bash", "-c", line, cwd=ROOT)
    assert finished.stdout.replace("said\n", "") == f"code {code}\n"


def test_a_sign_that_a_terminal_cannot_show_ends_nothing() -> None:
    """A sentence with × or é is printed all the same."""
    script = """
import sys
from assay.ground.stage import run_stage
run_stage(lambda: print("1.5 × é"))
"""
    assert said(script, PYTHONIOENCODING="ascii").stdout == "1.5 \\xd7 \\xe9\n"


def test_a_stage_whose_working_folder_is_gone_goes_on(tmp_path: Path) -> None:
    """Libraries ask where they are."""
    script = as_workspace(tmp_path) / "tools" / "where.py"
    script.parent.mkdir()
    script.write_text("import assay.ground.stage, os; print(os.getcwd())")
    line = f"mkdir gone && cd gone && rmdir ../gone && exec {shlex.quote(sys.executable)} {shlex.quote(str(script))}"
    assert run("bash", "-c", line, cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_the_system_check_refuses_places_where_dvc_fails(tmp_path: Path) -> None:
    """No Git repository, and braces in a folder's name: said before anything is installed."""
    check = [sys.executable, str(ROOT / "tools" / "check_system.py")]

    def refused(name: str) -> str:
        (tmp_path / name).mkdir()
        finished = subprocess.run(
            check, cwd=tmp_path / name, env=environment(), check=False, capture_output=True, text=True
        )
        assert finished.returncode == 1
        return finished.stderr

    assert "DVC needs a Git repository, and this folder is in none" in refused("plain")
    assert "DVC takes the braces in the name of this folder for its own" in refused("a{b}")
