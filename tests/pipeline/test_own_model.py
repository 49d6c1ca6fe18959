"""From an ONNX file that somebody else made to a verdict, on the real server, in two commands."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import own_models
import own_repositories
import pytest
from conftest import changed, clone, commit, ran, run, tiny
from ruamel.yaml import YAML

from assay.ground.files import read_json
from assay.ground.paths import ANCHOR
from assay.servers.embedded import serve
from assay.serving.model_config import read_config, render

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(0, 1, (40, 4)).astype(np.float32)
WITHOUT_BATCHES = ("-S", "perf.max_batch_size=[0]")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone without any dataset, in which nothing was ever run."""
    return clone(tmp_path_factory.mktemp("own") / "clone", tiny)


def restore(project: Path) -> None:
    """Bring the committed parameters back, as README does: DVC may have left others in Git's index."""
    (project / "params.yaml").unlink()
    run("git", "checkout", "HEAD", "--", "params.yaml", cwd=project)


def bring(project: Path, *given: str | Path, check: bool = True) -> str:
    return run("python", "-m", "assay.bring", *map(str, given), cwd=project, check=check).stdout


def judged(project: Path, *options: str) -> dict[str, Any]:
    """Return what the report says after the second command."""
    run("dvc", "exp", "run", "-S", "model=own", *options, cwd=project)
    found: dict[str, Any] = read_json(project / "reports" / "metrics.json")
    return found


def report(project: Path) -> str:
    return (project / "reports" / "report.md").read_text()


def test_two_integer_inputs_with_a_free_axis(project: Path, tmp_path: Path) -> None:
    """Made as they were told; the default configuration is compared with nothing else, and that is said."""
    path = own_models.save(tmp_path / "tokens.onnx", own_models.tokens())
    said = bring(project, path, "--set", "ids[7]=integers 0 49", "--set", "mask:0[7]=constant 1")
    assert "input   mask:0  INT64  [batch, sequence]" in said
    assert said.splitlines()[-1].strip() == "dvc exp run -S model=own"
    found = judged(project)
    assert not (project / "datasets" / "digits").exists()
    assert found["perf"]["recommended"]["cell"] == "fp32-1-64-off"
    assert found["agreement"] == {"fp32": 1.0}
    text = report(project)
    assert text.startswith("# own: tokens.onnx\n")
    assert "asked 256 examples made as `params.yaml` describes them, without labels: ids [7], mask:0 [7]" in text
    assert "`dataset` (digits) has no effect" in text
    first = r"Measured: \d\.\d kB, one example of ids \[7\], mask:0 \[7\] a request\. Batch-safe: `fp32`\."
    assert re.match(first, text.splitlines()[2])
    assert "Measured: " in (project / "reports" / "index.html").read_text()
    assert "Batch-safe: `fp32`." in text
    # Twice in a row nothing is done; another shape measures that alone, and decides nothing again.
    assert changed(run("dvc", "repro", cwd=project).stdout) == []
    said = run("dvc", "exp", "run", "-S", "perf.shapes=[sequence_12]", cwd=project).stdout
    assert changed(said) == [
        "data",
        "train",
        "onnx@fp32",
        "perf-shapes@fp32-1-64-off-sequence_12",
        "finalists",
        "report",
    ]
    assert "| `fp32-1-64-off` | as told |" in report(project)
    assert "| `fp32-1-64-off` | sequence 12 |" in report(project)
    said = run("dvc", "exp", "run", "-S", "perf.shapes=[ids_12]", cwd=project, check=False).stdout
    assert "error: the model fails on ids [1, 12], mask:0 [1, 7]: " in said
    restore(project)


def test_text_of_a_fixed_batch(project: Path, tmp_path: Path) -> None:
    """Lines of a file; two texts a request, which are all axes that there are."""
    path, lines = own_models.save(tmp_path / "words.onnx", own_models.words()), tmp_path / "lines.txt"
    lines.write_text("größer\n日本\na b\nc\nd\n")
    said = bring(project, path, "--set", f"text=lines {lines}")
    assert "batches  none, for the first axis of input text is fixed at 2" in said
    assert "perf.max_batch_size=[0]" in said.splitlines()[-1]
    refused = run("dvc", "exp", "run", "-S", "model=own", cwd=project, check=False)
    assert "the model takes no batches, for the first axis of input text is fixed at 2" in refused.stdout
    found = judged(project, *WITHOUT_BATCHES)
    assert found["perf"]["recommended"]["cell"] == "fp32-1-0-off"
    assert "The model takes no batches: the first axis of input text is fixed at 2." in report(project)


def test_halves_and_samples(project: Path, tmp_path: Path) -> None:
    """What was told of another model's inputs goes."""
    path = own_models.save(tmp_path / "halves.onnx", own_models.halves())
    np.savez(tmp_path / "samples.npz", x=X.astype(np.float16))
    assert "lines lines.txt" in (project / "params.yaml").read_text()
    said = bring(project, path, "--inputs", tmp_path / "samples.npz")
    assert said.splitlines()[-1].strip().startswith("dvc exp run -S model=own -S 'perf.max_batch_size=[64]'")
    assert "inputs: []" in (project / "params.yaml").read_text()
    assert judged(project, "-S", "perf.max_batch_size=[64]")["agreement"] == {"fp32": 1.0}
    assert "asked 40 examples brought with it, without labels: x [4]" in report(project)


def test_weights_beside_the_file_and_labels(project: Path, tmp_path: Path) -> None:
    """With labels it is a classifier as ours are; a variant of it is compared with the labels and with what came."""
    path = own_models.save(tmp_path / "dense.onnx", own_models.dense(), external=True)
    weights = onnx.numpy_helper.to_array(own_models.dense().graph.initializer[0])
    labels = (X @ weights).argmax(axis=1)
    labels[:4] = (labels[:4] + 1) % 3
    np.savez(tmp_path / "samples.npz", x=X)
    np.save(tmp_path / "labels.npy", labels)
    said = bring(project, path, "--inputs", tmp_path / "samples.npz", "--labels", tmp_path / "labels.npy")
    assert said.startswith("dense.onnx: 0.0 MB in 2 files")
    assert (project / "brought" / "model" / "onnx" / "dense.weights").exists()
    found = judged(
        project, "-S", "onnx.variants=[fp32,int8_static]", "-S", "perf.slo.accuracy=0.5", "-S", "perf.slo.agreement=0.5"
    )
    assert found["test"]["accuracy"] == pytest.approx(0.9)
    assert set(found["agreement"]) == {"fp32", "int8_static"}
    assert "| fp32 | 0.9000 | – |" in report(project)
    page = (project / "reports" / "index.html").read_text()
    assert "Receiver operating characteristic" in page
    assert "agreement ≥ 0.5: meets (1)" in page


def test_a_text_that_a_variant_changes_counts_as_the_largest_difference(project: Path, tmp_path: Path) -> None:
    """Names of classes have no distance: a limit on parity refuses them."""
    restore(project)
    label, x = own_models.labelled(), np.array([[1, 0], [-1, 0], [0, 1], [1, 1]], np.float32)
    np.savez(tmp_path / "samples.npz", x=x)
    bring(project, own_models.save(tmp_path / "labelled.onnx", label), "--inputs", tmp_path / "samples.npz")
    ask = ("dvc", "exp", "run", "onnx@int8_dynamic", "-S", "model=own", "-S", "onnx.variants=[int8_dynamic]", "-S")
    run(*ask, "variants.int8_dynamic.parity_limit=null", cwd=project)
    (measured,) = read_json(project / "reports" / "onnx" / "int8_dynamic.json").values()
    assert measured["parity"] == 1
    said = run(*ask, "variants.int8_dynamic.parity_limit=0.9", cwd=project, check=False).stdout
    assert "by up to 1, beyond variants.int8_dynamic.parity_limit = 0.9" in said
    restore(project)


def test_configurations_of_a_large_model_have_no_copies(project: Path, tmp_path: Path) -> None:
    """64 cells take the room that four do, and there are four copies: brought, taken over, exported, DVC's."""
    path = own_models.save(tmp_path / "heavy.onnx", own_models.heavy(), external=True)
    size = sum(each.stat().st_size for each in tmp_path.iterdir())
    restore(project)
    before = used(project)
    bring(project, path)
    yaml = YAML()
    content = yaml.load(project / "params.yaml")
    for cells in (4, 64):
        content["model"], content["perf"]["instances"] = "own", [*range(1, cells + 1)]
        yaml.dump(content, project / "params.yaml")
        run("dvc", "repro", "triton-config", cwd=project)
        assert len(list((project / "artifacts" / "model_repository").glob("fp32-*"))) == cells
        assert 4 * size <= used(project) - before < 4.3 * size
    whole = tmp_path / "whole"
    run("python", "tools/model_repository.py", str(whole), cwd=project)
    assert len(list(whole.glob("fp32-*/1/model.onnx"))) == len(list(whole.glob("fp32-*/1/heavy.weights"))) == 64
    assert used(project) - before < 4.3 * size
    restore(project)


def used(folder: Path) -> int:
    """Return the bytes that files take, each file once however many links it has."""
    return sum({each.stat().st_ino: each.stat().st_size for each in folder.rglob("*") if each.is_file()}.values())


def test_a_program_of_a_repository(project: Path, tmp_path: Path) -> None:
    """It says itself what it takes; it is served where it is trusted, and compared with what it is by its owner."""
    restore(project)
    folder = own_repositories.halving(tmp_path, short=True)
    tracked = project / "brought" / "model.dvc"
    before = tracked.read_text() if tracked.exists() else None
    refused = bring(project, folder, check=False)
    assert "error: 'halving' is a program, its owner's code, which runs as you" in refused
    assert (tracked.read_text() if tracked.exists() else None) == before
    said = bring(project, folder, "--trust")
    assert said.startswith("halving: backend python, batches of up to 16, 0.0 MB in 1 file\n")
    assert said.splitlines()[-1].strip() == "dvc exp run -S model=own -S 'perf.max_batch_size=[16]'"
    refused = run("dvc", "exp", "run", "-S", "model=own", cwd=project, check=False).stdout
    assert "halving takes batches of at most 16, as its owner configured it" in refused
    batches = ("-S", "perf.max_batch_size=[16]")
    other = ("-S", "onnx.variants=[int8_dynamic]")
    refused = run("dvc", "exp", "run", "-S", "model=own", *other, cwd=project, check=False).stdout
    assert "a repository's model is measured as it is, and 'int8_dynamic' would be made of" in refused
    restore(project)
    found = judged(project, *batches)
    assert found["perf"]["recommended"]["cell"] == "fp32-1-16-off"
    text = report(project)
    assert text.startswith("# own: halving\n")
    assert "`fp32` is the model as its owner configured it" in text
    assert "the answers of its owner's configuration over HTTP and gRPC" in text
    assert "asked 256 examples made when it was brought" in text
    assert "**Threads.**" not in text
    assert 'backend: "python"' in (project / "reports" / "recommended" / "config.pbtxt").read_text()
    assert changed(run("dvc", "repro", cwd=project).stdout) == []
    # It is asked through a server, started for that.
    np.savez(tmp_path / "samples.npz", x=X[:3])
    asked = ("python", "tools/predict.py", str(tmp_path / "samples.npz"), "--output", str(tmp_path / "answers.npz"))
    assert run(*asked, cwd=project).stdout == "half [3, 4] in answers.npz\n"
    assert np.array_equal(np.load(tmp_path / "answers.npz")["half"], X[:3] / np.float32(2))
    # What it answers has to be what its owner's configuration answers: the file is another one.
    program = project / "artifacts" / "onnx" / "fp32" / "model.repository" / "halving" / "1" / "model.py"
    program.write_text(program.read_text().replace("np.float32(2)", "np.float32(3)"))
    refused = run("python", "stages/perf.py", "fp32-1-16-off", cwd=project, check=False).stdout
    assert "model.py is damaged: it is another file than the one that fp32-1-16-off was configured for" in refused


def test_an_ensemble_of_a_repository(project: Path, tmp_path: Path) -> None:
    """Batches are those of the step that is named, and so are the numbers that tell of them; labels judge it.

    The step answers in the version that the ensemble asks for, though a newer one is served.
    """
    every_version = "version_policy { all {} }"
    folder = own_repositories.ensemble(tmp_path / "models", every_version, versions=(1, 2, 10), asked=2)
    labels = own_repositories.expected_scores(X, version=2).argmax(axis=1)
    labels[:4] = (labels[:4] + 1) % 3
    np.savez(tmp_path / "samples.npz", x=X)
    np.save(tmp_path / "labels.npy", labels)
    samples = ("--inputs", tmp_path / "samples.npz", "--labels", tmp_path / "labels.npy")
    said = bring(project, folder, "--trust", *samples)
    assert "  step     scoring: backend onnxruntime, version 2, batches of up to 8" in said
    options = said.splitlines()[-1].strip().removeprefix("dvc exp run -S model=own ")
    assert options == "-S models.own.step=scoring -S 'perf.max_batch_size=[8]'"
    restore(project)
    short = ("-S", "model=own", "-S", "perf.max_batch_size=[8]")
    refused = run("dvc", "exp", "run", *short, cwd=project, check=False).stdout
    assert "which step instances, batches and threads are of is not said" in refused
    cells = ("perf.max_batch_size=[8]", "perf.dynamic_batching=[off,delay_500us]", "perf.concurrency=[8]")
    found = judged(project, "-S", "models.own.step=scoring", *(word for each in cells for word in ("-S", each)))
    assert found["test"]["accuracy"] == pytest.approx(0.9)
    assert found["perf"]["recommended"]["cell"] in ("fp32-1-8-off", "fp32-1-8-delay_500us")
    text = report(project)
    assert "wherever they are told, are those of the step `scoring`" in text
    assert "The configuration of its step `scoring` is in `recommended/config.pbtxt`." in text
    assert "-scoring" in (project / "reports" / "recommended" / "config.pbtxt").read_text()
    rounds = read_json(project / "reports" / "perf" / "all" / "fp32-1-8-delay_500us.json")["levels"][0]["rounds"]
    counts = [each["windows"]["candidate"]["statistics"] for each in rounds]
    requests, executions = (
        sum(each["after"][name] - each["before"][name] for each in counts)
        for name in ("inference_count", "execution_count")
    )
    assert requests > 1.5 * executions
    run("python", "tools/model_repository.py", str(tmp_path / "whole"), "fp32-1-8-off", cwd=project)
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == [
        "fp32-1-8-off",
        "fp32-1-8-off-halving",
        "fp32-1-8-off-scoring",
    ]
    restore(project)


def test_a_model_that_a_running_server_has(project: Path, tmp_path: Path) -> None:
    """It is measured there under its name, as it is; the folders that are lacking beside it are named."""
    restore(project)
    folder = own_repositories.scoring(tmp_path / "models")
    copy = shutil.copytree(ANCHOR, tmp_path / "anchors" / "anchor_copy")
    config = read_config(copy / "config.pbtxt")
    config.name = copy.name
    (copy / "config.pbtxt").write_text(render(config))
    other = own_repositories.scoring(tmp_path / "others")
    shutil.copyfile(
        own_repositories.scoring(tmp_path / "newer", versions=(2,)) / "2/model.onnx", other / "1/model.onnx"
    )
    options = ("models.own.as_configured=true", "perf.max_batch_size=[8]")
    yaml = YAML()
    for served in ([folder], [folder, ANCHOR, copy], [other, ANCHOR, copy]):
        with serve(served, 60) as server:
            content = yaml.load(project / "params.yaml")
            content["triton"] |= {
                "server": "url",
                "url": {"http": server.http_address, "grpc": server.grpc_address},
            }
            yaml.dump(content, project / "params.yaml")
            if served == [folder]:
                lacking = own_repositories.scoring(tmp_path / "lacking", name="lacking")
                refused = run("python", "-m", "assay.bring", str(lacking), cwd=project, check=False).stdout
                assert "or put lacking into its repository\n" in refused  # no tool of ours has its folder
            if other not in served:
                said = bring(project, folder)
                assert "  server   url; compared with its owner's configuration on the server that is measured" in said
            command = ("dvc", "exp", "run", "-S", "model=own", *(word for each in options for word in ("-S", each)))
            said = run(*command, cwd=project, check=served == [folder, ANCHOR, copy]).stdout
            np.savez(tmp_path / "asked.npz", x=X)
            asked = (
                "python",
                "tools/predict.py",
                str(tmp_path / "asked.npz"),
                "--output",
                str(tmp_path / "answers.npz"),
            )
            answered = run(*asked, cwd=project, check=other not in served)
            if other in served:
                assert "that differ from the brought model's [1, 3] by up to" in answered.stdout
        if served == [folder]:
            assert "put anchor into its repository: `python tools/model_repository.py FOLDER anchor`" in said
        elif other in served:
            assert "that differ from the brought model's [1, 3] by up to" in said
            assert "or put this scoring into its repository" in said
        else:
            assert "has anchor, scoring: taken as served there" in said
            assert "It is measured as it is, whatever the cell's name says" in report(project)
            assert "**Run `fp32-1-8-off`** (as its owner configured it), the only configuration" in report(project)
            recommended = read_json(project / "reports/metrics.json")["perf"]["recommended"]
            assert recommended["meaning"] == "as its owner configured it"
    run("python", "tools/model_repository.py", str(tmp_path / "whole"), cwd=project)
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == ["anchor", "anchor_copy", "scoring"]
    run("python", "tools/model_repository.py", str(tmp_path / "alone"), "scoring", cwd=project)
    several = ("-S", "perf.instances=[1,2]")
    refused = run(*command, *several, cwd=project, check=False).stdout
    assert "models.own.as_configured leaves one configuration" in refused
    restore(project)


def test_a_limit_on_accuracy_without_labels_is_refused(project: Path, tmp_path: Path) -> None:
    """By the first stage, before anything is computed; and one on agreement is not."""
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense()))
    refused = run("dvc", "exp", "run", "-S", "model=own", "-S", "perf.slo.accuracy=0.5", cwd=project, check=False)
    assert "perf.slo.accuracy needs labels, and none were brought" in refused.stdout
    assert ran(refused.stdout) == ["raw-data"]


def test_an_option_that_onnx_runtime_does_not_take_is_refused(project: Path, tmp_path: Path) -> None:
    """By the first stage: of a repository's model, it depends on the backend, and params.yaml does not know it."""
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense()))
    yaml = YAML()
    content = yaml.load(before := (project / "params.yaml").read_text())
    content["options"]["level"] = "optimization { graph { level: 7 } }"
    yaml.dump(content, project / "params.yaml")
    options = ("-S", "model=own", "-S", "perf.options=[level]")
    refused = run("dvc", "exp", "run", *options, cwd=project, check=False).stdout
    (project / "params.yaml").write_text(before)
    assert "options.level sets the graph level 7; there are -1, 0, 1, 2" in refused
    assert ran(refused) == ["raw-data"]


def test_nothing_is_tracked_of_what_is_refused(project: Path, tmp_path: Path) -> None:
    """What was brought before is there as it was, and DVC knows it."""
    before = (
        (project / "brought" / "model.dvc").read_text(),
        run("dvc", "status", "brought/model.dvc", cwd=project).stdout,
    )
    (tmp_path / "model.onnx").write_text("no model")
    np.savez(tmp_path / "samples.npz", x=X[:, :3])
    good = own_models.save(tmp_path / "dense.onnx", own_models.dense())
    for given in (
        (tmp_path / "model.onnx",),
        (tmp_path / "none.onnx",),
        (good, "--inputs", tmp_path / "samples.npz"),
        (good, "--labels", tmp_path / "samples.npz"),
        (good, "--set", "x=constant 1"),
    ):
        said = bring(project, *given, check=False)
        assert said.startswith("error: "), said
        assert len(said.splitlines()) == 1, said
    assert before == (
        (project / "brought" / "model.dvc").read_text(),
        run("dvc", "status", "brought/model.dvc", cwd=project).stdout,
    )


def test_a_queued_experiment_sees_a_model_that_is_in_git(project: Path, tmp_path: Path) -> None:
    """DVC runs it in a copy of what is committed."""
    restore(project)
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense()))
    commit(project, "Bring a model")
    run("dvc", "exp", "run", "--temp", "-S", "model=own", "-S", "perf.concurrency=[3]", cwd=project)
    shown = run("dvc", "exp", "show", "--csv", cwd=project).stdout
    assert len(shown.splitlines()) > 2


def test_bringing_loads_no_tensorflow() -> None:
    """It would take longer than everything else that is done."""
    script = "import sys, assay.bring; print(sorted({'onnxruntime', 'tensorflow', 'keras'} & set(sys.modules)))"
    assert run("python", "-c", script, cwd=Path(__file__).parent).stdout == "['onnxruntime']\n"


def test_a_model_that_was_brought_is_asked_by_its_tensors(project: Path, tmp_path: Path) -> None:
    """Arrays in, arrays out; in this process, and by a server that runs: each example alone."""
    restore(project)
    made = own_models.dense()
    # NumPy's own writer of arrays takes no array of that name.
    made.graph.output[0].name = made.graph.node[0].output[0] = "file"
    bring(project, own_models.save(tmp_path / "dense.onnx", made))
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("model: autoencoder", "model: own"))
    run("dvc", "repro", "triton-config", cwd=project)
    np.savez(tmp_path / "samples.npz", x=X[:3])
    expected = X[:3] @ onnx.numpy_helper.to_array(own_models.dense().graph.initializer[0])
    predict = ("python", "tools/predict.py", str(tmp_path / "samples.npz"), "--output", str(tmp_path / "answers.npz"))
    said = run(*predict, cwd=project).stdout
    assert said == "file [3, 3] in answers.npz\n"
    assert np.load(tmp_path / "answers.npz")["file"] == pytest.approx(expected, abs=1e-5)
    with serve([project / "artifacts" / "model_repository" / "model-fp32"], 60) as server:
        for protocol, address in (("http", server.http_address), ("grpc", server.grpc_address)):
            (tmp_path / "answers.npz").unlink()
            run(*predict, f"--{protocol}", address, cwd=project)
            assert np.load(tmp_path / "answers.npz")["file"] == pytest.approx(expected, abs=1e-5)
    np.savez(tmp_path / "samples.npz", y=X[:3])
    refused = run(*predict, cwd=project, check=False).stdout
    assert refused.startswith("error: samples.npz has the arrays 'y', and the model the inputs 'x'")
    image = run("python", "tools/predict.py", "digit.png", cwd=project, check=False).stdout
    assert image.startswith("error: a model that was brought is asked one .npz file")
    np.savez(tmp_path / "samples.npz", x=X[:3])
    table = run(*predict[:-1], "answers.csv", cwd=project, check=False).stdout
    assert table == "error: a model that was brought answers with arrays: answers.csv has to end in .npz\n"
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense(classes=4)))
    stale = run(*predict, cwd=project, check=False).stdout
    assert stale.startswith("error: artifacts/onnx/fp32 is of what was brought before")


def test_the_gate_compares_two_revisions_of_a_file(project: Path, tmp_path: Path) -> None:
    """Side by side where answers are the same; others are worse where a limit says so, and else nobody can tell."""

    def gate() -> tuple[int, str]:
        asked_for = ("HEAD", "--tolerance", "0.9", "--budget", "60")
        finished = run("python", "tools/gate.py", *asked_for, cwd=project, check=False)
        return finished.returncode, finished.stdout

    restore(project)
    yaml = YAML()
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense()))
    content = yaml.load(project / "params.yaml")
    content["model"] = "own"
    yaml.dump(content, project / "params.yaml")
    commit(project, "Bring a model")
    code, said = gate()
    assert "answers to 256 examples: meets: scores says the same in 256 of 256 rows" in said
    assert (code, "throughput at concurrency 2: meets" in said) == (0, True), said
    other = own_models.dense()
    weights = onnx.numpy_helper.to_array(other.graph.initializer[0]) + own_models.weights(4, 3, seed=3)
    other.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
    bring(project, own_models.save(tmp_path / "dense.onnx", other))
    content["perf"]["slo"]["agreement"] = 0.99
    yaml.dump(content, project / "params.yaml")
    code, said = gate()
    assert "answers to 256 examples: fails: scores says the same in " in said
    assert "throughput is not compared: the answer is known" in said
    assert code == 1
    run("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=project)


def test_a_damaged_file_is_brought_back_by_dvc(project: Path, tmp_path: Path) -> None:
    """The sentence says how, and that does it."""
    bring(project, own_models.save(tmp_path / "dense.onnx", own_models.dense(classes=5)))
    commit(project, "Bring another model")
    (path,) = (project / "brought" / "model" / "onnx").glob("*.onnx")
    path.unlink()  # what DVC keeps may be a link to its cache
    path.write_text("no model")
    said = run("dvc", "exp", "run", "-S", "model=own", cwd=project, check=False).stdout
    command = "git checkout brought/model.dvc && dvc checkout --force brought/model.dvc"
    assert f"cannot be read as an ONNX model (Error parsing message); bring it back with `{command}`" in said
    run("sh", "-c", command, cwd=project)
    assert onnx.load(path).graph.node
    restore(project)
