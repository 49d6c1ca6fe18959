"""The code that runs is the workspace's own: a clone's, an experiment's copy, a reference's."""

import shutil
import sys
from pathlib import Path

import pytest
from conftest import ROOT, commit, run

WHERE = "import assay.ground.paths as paths; print(paths.ROOT, paths.LIBRARY, paths.CODE)"
DVC_YAML = """
stages:
  where:
    cmd: exec python tools/where.py
    deps: [src, tools]
    outs: [{where.txt: {cache: false}}]
"""


def workspace(folder: Path, code: str) -> Path:
    """Write a workspace of this one's code, but for a line; return it."""
    for name in ("src", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "tools" / "where.py").write_text(f'{WHERE}; open("where.txt", "w").write(paths.CODE)\n')
    return with_line(folder, code)


def with_line(folder: Path, code: str) -> Path:
    """Change a line of a workspace's package."""
    path = folder / "src" / "assay" / "ground" / "paths.py"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("CODE = ")]
    path.write_text("\n".join([*lines, f"CODE = {code!r}", ""]))
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Return a workspace."""
    return workspace(tmp_path / "one", "one")


def said(*arguments: str, cwd: Path) -> list[str]:
    return run(sys.executable, *arguments, cwd=cwd).stdout.split()


def test_a_program_runs_the_code_of_the_workspace_that_it_is_in(one: Path, tmp_path: Path) -> None:
    """Wherever it is called from; one that is in none runs that of the workspace around the working folder."""
    other = workspace(tmp_path / "other", "other")
    expected = [[str(each), str(each / "src" / "assay"), each.name] for each in (one, other)]
    assert said("tools/where.py", cwd=one) == expected[0]
    assert said(str(one / "tools" / "where.py"), cwd=other) == expected[0]
    assert said("-c", WHERE, cwd=other / "src" / "assay") == expected[1]


def test_outside_of_all_workspaces_it_is_one_sentence(tmp_path: Path) -> None:
    """Neither the script nor the working folder is in one."""
    finished = run("env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-c", WHERE, cwd=tmp_path, check=False)
    assert finished.returncode == 1
    assert finished.stdout == "error: there is no dvc.yaml here: run this in the folder of a clone\n"


def test_outside_of_all_workspaces_there_is_no_package(tmp_path: Path) -> None:
    """And what is missing is no newer environment."""
    finished = run(sys.executable, "-c", "import assay", cwd=tmp_path, check=False)
    assert finished.returncode == 1
    assert "No module named 'assay': there is no dvc.yaml with src/assay beside it" in finished.stdout.splitlines()[-1]


def test_the_code_of_another_workspace_is_refused(one: Path) -> None:
    """As an installed package would be: DVC looks at these files, and a result would be of others."""
    command = ["env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-S", "-c", WHERE]
    finished = run(*command, cwd=one, check=False)
    assert finished.returncode == 1
    assert finished.stdout == (
        f"error: {one} would run the code in {ROOT / 'src' / 'assay'}: unset PYTHONPATH, or run `make environment`\n"
    )
    # With what `make environment` installs, that does not happen.
    assert said("tools/where.py", cwd=one)[2] == "one"


@pytest.mark.slow
def test_experiments_and_the_gates_reference_run_their_own(one: Path, tmp_path: Path) -> None:
    """A line that is changed for one of them is that one's alone: queued, in a temporary folder, or checked out."""
    run("git", "init", "--quiet", cwd=one)
    run("dvc", "init", "--quiet", cwd=one)
    run("dvc", "repro", "--quiet", cwd=one)
    commit(one, "One")
    with_line(one, "queued")
    run("dvc", "exp", "run", "--queue", "--name", "queued", cwd=one)
    with_line(one, "temporary")
    run("dvc", "exp", "run", "--temp", "--name", "temporary", cwd=one)
    with_line(one, "one")
    run("dvc", "exp", "run", "--run-all", cwd=one)
    refs = run("git", "for-each-ref", "--format=%(refname)", "refs/exps", cwd=one).stdout.split()
    for name in ("queued", "temporary"):
        (ref,) = (each for each in refs if each.endswith(f"/{name}"))
        assert run("git", "show", f"{ref}:where.txt", cwd=one).stdout == name
    assert said("tools/where.py", cwd=one)[2] == "one"

    commit(with_line(one, "committed"), "Committed")
    with_line(one, "edited")
    checkout = tmp_path / "reference"
    checkout.mkdir()
    script = (
        "import sys; from pathlib import Path; from assay.comparing.reference import check_out, resolve; "
        "from assay.ground.children import run; check_out(resolve('HEAD'), Path(sys.argv[1])); "
        "print(run(sys.executable, 'tools/where.py', cwd=Path(sys.argv[1])).stdout)"
    )
    assert said("-c", script, str(checkout), cwd=one)[2] == "committed"
