"""Compare this working tree with another revision, side by side in one server, and say yes or no.

Both models, each with its revision's default configuration, take turns in one server, start
after start, until the answer is clear or the time is spent. Accuracy is compared on this
working tree's test examples, parity with its limit; of models that were brought without labels,
whether their answers are the same.

Exits with 0 if nothing got worse beyond its tolerance, 1 if something did, 2 if that cannot be
told, 3 if the comparison could not be made. What cannot be told is named, with what would tell it.

Reads   the working tree, the revision's models from DVC's cache, a remote, or built again
Run     python tools/gate.py REVISION [--tolerance 0.05] [--accuracy-tolerance 0.02] [--budget 300] [--cell NAME]
        (make gate REFERENCE=main)
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

try:
    from assay.comparing.exit_code import ERROR_CODE
except (ModuleNotFoundError, SystemExit) as error:
    # Python's own exit code would be an answer.
    print(f"{error}; `make environment` prepares the environment that this takes", file=sys.stderr)
    sys.exit(3)
from assay.ground.stage import run_stage

import numpy as np

from assay.comparing.brought import compare_brought
from assay.comparing.reference import (
    MODELS,
    are_brought,
    as_taken,
    check_out,
    default_cell,
    learned_in,
    read_parameters,
    refuse_other_dataset,
    resolve,
    restore_models,
)
from assay.comparing.result import Result, accuracy_result
from assay.comparing.terms import Terms, divided_alike, terms_of
from assay.ground.arguments import named, seconds, share
from assay.ground.children import run
from assay.ground.files import read_json
from assay.ground.numerals import beside, counted, unlike
from assay.ground.paths import ARRAYS, MODEL_REPOSITORY, PARITY, ROOT
from assay.ground.process import StageError
from assay.ground.rwlock import mend_rwlock
from assay.ground.still import FileVersion, file_version
from assay.learning.bringing.folder import brought_here
from assay.learning.datasets import Dataset
from assay.machine.lock import machine_shared, machine_to_ourselves
from assay.measuring.bench import Candidate, asked, bench, renamed
from assay.measuring.readings import throughput
from assay.predicting.classifiers import check_classifies
from assay.serving.model_config import ModelShape
from assay.serving.model_folder import onnx_file, reference_of
from assay.statistics.interval import Interval
from assay.statistics.limit import Answer, at_least, overall
from assay.statistics.tolerance import LOOKS, ratio_at_look
from assay.tensors.arrays import read_named, read_split
from assay.tensors.parity import answers_alone, onnx_answer, onnx_session
from assay.validation.schema import Params, load_params

EXIT_CODES: dict[Answer, int] = {"meets": 0, "fails": 1, "cannot tell": 2}
WORDS: dict[Answer, str] = {
    "meets": "is not worse, beyond what is tolerated",
    "fails": "is worse than is tolerated",
    "cannot tell": "may or may not be worse",
}


def compare_throughput(
    candidates: tuple[Candidate, Candidate], params: Params, tolerance: float, budget_s: float
) -> Result:
    """Measure both in start after start of one server until the ratio is judged or the time is spent."""
    runoff, concurrency = params.runoff, params.perf.deciding_concurrency
    ends, log_ratios = time.monotonic() + budget_s, list[float]()
    looked, estimate = 0, Interval(math.nan, 0, math.inf)
    answer: Answer = "cannot tell"
    while answer == "cannot tell" and len(log_ratios) < LOOKS[-1]:
        began = time.monotonic()
        with bench(candidates, params.conditions) as windows:
            for candidate in candidates:
                windows.measure(candidate.name, concurrency)
            rounds = []
            for index in range(runoff.rounds):
                order = candidates if index % 2 else candidates[::-1]
                speeds = {each.name: throughput(windows.measure(each.name, concurrency)) for each in order}
                rounds.append(math.log(speeds[candidates[1].name] / speeds[candidates[0].name]))
        log_ratios.append(float(np.mean(rounds)))
        if len(log_ratios) in LOOKS:
            looked, estimate = len(log_ratios), ratio_at_look(log_ratios)
            answer = at_least(1 - tolerance, estimate)
        print(
            f"server start {len(log_ratios)}: throughput so far × {math.exp(float(np.mean(log_ratios))):.3f}",
            flush=True,
        )
        if time.monotonic() + (time.monotonic() - began) > ends:
            break
    ratio, low, high = (unlike(each, 1 - tolerance, 3) for each in (estimate.value, estimate.low, estimate.high))
    found = (
        f"× {ratio} ({low}–{high}) in {counted(looked, 'server start')}"
        f"{f', where it was looked at last, of {len(log_ratios)}' if looked < len(log_ratios) else ''}; "
        f"at least {1 - tolerance:g} is asked for"
        if looked
        else f"{counted(len(log_ratios), 'server start')} in {budget_s:g} s, and the first look takes {LOOKS[0]}; "
        "a longer --budget gives it"
    )
    if not looked:
        takes = "a longer --budget"
    elif len(log_ratios) < LOOKS[-1]:
        takes = "a longer --budget or a wider --tolerance"
    else:  # the last look, after which no budget brings another
        takes = "a wider --tolerance"
    return Result(f"throughput at concurrency {concurrency}", found, answer, takes)


def prepared(
    folders: tuple[Path, Path], dataset: Dataset, terms: Terms | None, temporary: Path
) -> tuple[Candidate, Candidate]:
    """Return the reference and this working tree's model under names of their own, each asked in the type it takes.

    The reference is asked in its own terms, if it has those in common with this working tree.
    Raises StageError if one is no classifier of the dataset, or takes examples in a type that they have not.
    """
    examples, _ = read_split(ARRAYS / "test.npz")

    def candidate(folder: Path, name: str, whose: str, examples: np.ndarray) -> Candidate:
        what, shape = f"{folder.name} of {whose}", ModelShape.read(onnx_file(folder))
        check_classifies(what, shape, dataset)
        x = as_taken(examples, shape.inputs[0].dtype, what)
        (found,) = asked([folder], {shape.inputs[0].name: x}, temporary / f"{name}.json")
        return renamed(found, name, temporary / "served")

    reference, workspace = folders
    return (
        candidate(reference, "reference", "the reference", terms.asked(examples) if terms else examples),
        candidate(workspace, "workspace", "this working tree", examples),
    )


# What is said of a model that its owner configured: nothing but a server answers then.
CONFIGURED = (
    "the gate compares ONNX files, and a model that its owner configured was brought; compare its runs with "
    "`dvc metrics diff`"
)


def judged_as_brought(
    folders: tuple[Path, Path], params: Params, tolerance: float, temporary: Path
) -> tuple[tuple[Candidate, Candidate], Result]:
    """Return two models that were brought, each under a name of its own, and how their answers compare.

    Raises StageError if their owners configured them.
    """
    if any(map(reference_of, folders)):
        raise StageError(CONFIGURED)
    inputs, labels = read_named(ARRAYS / "test.npz")
    models = (onnx_file(folders[0]), onnx_file(folders[1]))
    with machine_shared():
        result = compare_brought(models, inputs, labels, params.perf.slo, tolerance)
    reference, workspace = asked(folders, inputs, temporary / "requests.json")
    served = temporary / "served"
    return (renamed(reference, "reference", served), renamed(workspace, "workspace", served)), result


def compare_accuracy(
    candidates: tuple[Candidate, Candidate], terms: Terms | None, tolerance: float, *, alike: bool
) -> Result:
    """Compare both models' answers to this working tree's test examples, in its terms.

    Nobody can tell unless both were trained without these: `alike` says so.
    """
    _, y = read_split(ARRAYS / "test.npz")
    what = f"accuracy on {counted(len(y), 'test example')}"
    if terms is None:
        found = "the reference learned of other classes, or from columns of other names"
        return Result(what, found, "cannot tell", "a reference that learned the same classes from the same columns")
    sessions = [onnx_session(str(onnx_file(each.folder))) for each in candidates]
    answers = [
        answers_alone(partial(onnx_answer, session), *each.examples.values())
        for session, each in zip(sessions, candidates, strict=True)
    ]
    answers[0] = terms.understood(answers[0])
    right = [each.argmax(axis=1) == y for each in answers]
    result = accuracy_result(what, (right[0], right[1]), tolerance, equal=np.array_equal(answers[0], answers[1]))
    if not alike:
        found = f"{result.found}; the reference was trained on other examples, and maybe on some of these"
        return Result(what, found, "cannot tell", "examples that are divided as the reference's, by its seed and data")
    return result


def check_parity(params: Params, variants: Iterable[str]) -> Result:
    """Compare each variant's parity, the largest of its exports', as the export measured it, with its limit."""
    found = {
        variant: max(each["parity"] for each in read_json(PARITY / f"{variant}.json").values()) for variant in variants
    }
    limits = {variant: params.settings(variant).parity_limit for variant in found}
    said = ", ".join(
        f"{variant} {value:.2g} (no limit)"
        if (limit := limits[variant]) is None
        else f"{variant} {beside(f'{value:.2g}', value, limit)} (limit {limit:g})"
        for variant, value in found.items()
    )
    kept = all(limits[each] is None or value <= limits[each] for each, value in found.items())
    return Result("parity", said, "meets" if kept else "fails")


def verdict(results: Sequence[Result]) -> str:
    """Return the gate's last line: the answer, and for each thing that cannot be told what it takes to tell it."""
    answer = overall(result.answer for result in results)
    undecided = [f"{each.what} takes {each.takes} to tell" for each in results if each.answer == "cannot tell"]
    why = f": {'; '.join(undecided)}" if answer == "cannot tell" else ""
    return f"the gate: this working tree {WORDS[answer]}{why}"


def versions(files: Mapping[str, Path]) -> dict[str, FileVersion]:
    """Return the version of each file that exists."""
    return {name: file_version(path) for name, path in files.items() if path.exists()}


def build_workspace() -> bool:
    """Bring this working tree's models up to date; return whether its stages succeeded."""
    print("this working tree: dvc repro triton-config", flush=True)
    mend_rwlock()
    try:
        return run("dvc", "repro", "triton-config", cwd=ROOT, shown=True).returncode == 0
    finally:
        mend_rwlock()


def compare(given: argparse.Namespace, temporary: Path) -> list[Result]:
    """Return everything that was compared: parity alone where no models came of it."""
    commit = resolve(given.revision)
    params = load_params()
    checkout = temporary / "reference"
    check_out(commit, checkout)
    brought = are_brought(params.model, read_parameters(checkout).get("model"), commit[:8])
    if brought and brought_here().found:
        raise StageError(CONFIGURED)
    if not brought:
        refuse_other_dataset(commit, checkout, params.raw_data)
    files = {variant: PARITY / f"{variant}.json" for variant in params.onnx.variants}
    before = versions(files)
    if not build_workspace():
        # An earlier file is another run's word.
        exported_now = [variant for variant, version in versions(files).items() if version != before.get(variant)]
        if (parity := check_parity(params, exported_now)).answer == "fails":
            return [parity]
        raise StageError("this working tree's own models could not be built")
    print(f"the reference {commit[:8]}: dvc fetch, dvc checkout and dvc repro triton-config, in a checkout", flush=True)
    print(f"the reference {commit[:8]} comes from {restore_models(checkout)}", flush=True)
    old = checkout / MODELS / default_cell(checkout, given.cell, "the revision")
    new = MODEL_REPOSITORY / default_cell(ROOT, given.cell, "this working tree")
    if brought:
        candidates, accuracy = judged_as_brought((old, new), params, given.accuracy_tolerance, temporary)
    else:
        terms = terms_of(learned_in(checkout), learned_in(ROOT))
        candidates = prepared((old, new), params.raw_data, terms, temporary)
        alike = terms is not None and divided_alike(ARRAYS, checkout / ARRAYS.relative_to(ROOT), terms)
        with machine_shared():
            accuracy = compare_accuracy(candidates, terms, given.accuracy_tolerance, alike=alike)
    results = [accuracy, check_parity(params, params.onnx.variants)]
    if overall(each.answer for each in results) == "fails":
        print("throughput is not compared: the answer is known", flush=True)
        return results
    print(f"side by side: {old.name} of {commit[:8]} and {new.name} of this working tree", flush=True)
    with machine_to_ourselves():
        return [compare_throughput(candidates, params, given.tolerance, given.budget), *results]


class Parser(argparse.ArgumentParser):
    """Ends with the exit code of a comparison that could not be made, where Python's own would be an answer."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        self.exit(ERROR_CODE, f"error: {message}\n")


def main() -> None:
    parser = Parser(
        description="Compare this working tree with another revision.",
        epilog="Exits with 0 if nothing got worse beyond its tolerance, 1 if something did, 2 if that cannot be "
        "told, 3 if the comparison could not be made. The last line names what cannot be told, and what would tell it.",
    )
    parser.add_argument("revision", type=named, help="a branch, tag or commit")
    parser.add_argument(
        "--tolerance", type=share, default=0.05, help="share of throughput that may be lost; %(default)s without"
    )
    parser.add_argument(
        "--accuracy-tolerance", type=share, default=0.02, help="accuracy that may be lost; %(default)s without"
    )
    parser.add_argument(
        "--budget", type=seconds, default=300, help="seconds that measuring may take; %(default)s without"
    )
    parser.add_argument(
        "--cell", type=named, help="the cell to compare, in place of each revision's default configuration"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = compare(given, Path(folder))
    print("\n".join(f"{result.what}: {result.answer}: {result.found}" for result in results))
    print(verdict(results))
    sys.exit(EXIT_CODES[overall(result.answer for result in results)])


if __name__ == "__main__":
    run_stage(main)
