"""The gate: a working tree against another revision, and its four exit codes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import FinishedRun, commit, run
from ruamel.yaml import YAML

from uncertainty.limit import Answer, at_least, at_most, overall
from uncertainty.mean import Estimate
from uncertainty.tolerance import LOOKS, paired_share_difference, ratio_at_look


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(0.96, 1.1, "meets"), (0.95, 0.99, "meets"), (0.80, 0.94, "fails"), (0.90, 1.0, "cannot tell")],
)
def test_an_interval_meets_a_limit_fails_it_or_cannot_tell(low: float, high: float, answer: str) -> None:
    """Beyond the tolerance only if the whole interval is; within it only if the whole interval is."""
    assert at_least(0.95, Estimate((low + high) / 2, low, high)) == answer
    assert at_most(-0.95, Estimate(-(low + high) / 2, -high, -low)) == answer


def test_looking_again_and_again_is_paid_for() -> None:
    """Over 2,000 comparisons of equals that look after every block due, at most 5 % miss the truth at any look."""
    random = np.random.default_rng(1)
    missed = 0
    for _ in range(2000):
        logs = random.normal(0, 0.05, LOOKS[-1]).tolist()
        missed += any(not (each.low <= 1 <= each.high) for each in (ratio_at_look(logs[:n]) for n in LOOKS))
    assert missed / 2000 < 0.05


def test_equal_answers_leave_no_doubt() -> None:
    """Two models that are right on the same examples differ by nothing, for certain."""
    right = np.array([True, False, True, True])
    assert paired_share_difference(right, right) == Estimate(0.0, 0.0, 0.0)


def test_only_examples_that_differ_count() -> None:
    """10 gained and 2 lost of 1,000: a change of 0.8 %, give or take 0.7 %."""
    first, second = np.ones(1000, bool), np.ones(1000, bool)
    first[:10] = False
    second[10:12] = False
    found = paired_share_difference(first, second)
    assert found.value == pytest.approx(0.008)
    assert found.high - found.value == pytest.approx(0.00706, abs=1e-4)


def test_a_failure_outweighs_a_doubt() -> None:
    """One thing that got worse fails whatever else cannot be told."""
    answers: list[Answer] = ["meets", "cannot tell", "fails"]
    assert overall(answers) == "fails"
    assert overall(answers[:2]) == "cannot tell"
    assert overall(answers[:1]) == "meets"


def gate(folder: Path, *arguments: str) -> tuple[int, str]:
    finished = run(sys.executable, "tools/gate.py", *arguments, cwd=folder, check=False)
    assert "Traceback" not in finished.stdout, finished.stdout
    return finished.returncode, finished.stdout


def set_batching(folder: Path, value: str) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["perf"]["dynamic_batching"] = [value]
    yaml.dump(content, folder / "params.yaml")


@pytest.mark.slow
def test_the_gate_on_a_real_project(finished_run: FinishedRun, tmp_path: Path) -> None:
    """No change passes, a delay of 20 ms fails, a second is too little to tell, no such revision is an error."""
    folder = finished_run.copy(tmp_path / "clone")
    code, said = gate(folder, "HEAD", "--tolerance", "0.5")
    assert code == 0, said
    assert "comes from DVC's cache" in said
    assert "accuracy on 359 test examples: meets" in said
    code, said = gate(folder, "HEAD", "--budget", "1")
    assert code == 2, said
    assert "throughput at concurrency 2: cannot tell" in said
    set_batching(folder, "delay_20000us")
    code, said = gate(folder, "HEAD", "--tolerance", "0.2")
    assert code == 1, said
    assert "side by side: fp32-1-64-off of" in said
    assert "throughput at concurrency 2: fails" in said
    code, said = gate(folder, "no-such-branch")
    assert code == 3, said
    assert "error: no revision 'no-such-branch' here" in said


@pytest.mark.slow
def test_a_reference_that_nobody_kept_is_built_again(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Without its models in the cache or on a remote, the reference's own stages run again."""
    folder = finished_run.copy(tmp_path / "clone")
    set_batching(folder, "delay_0us")
    run("dvc", "repro", "triton-config", cwd=folder)
    commit(folder, "Another default configuration")
    run("dvc", "gc", "--workspace", "--force", cwd=folder)
    code, said = gate(folder, "HEAD~1", "--tolerance", "0.9", "--budget", "60")
    assert code == 0, said
    assert "comes from its own stages, run again" in said
