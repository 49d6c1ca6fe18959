"""The race on the real server, from `dvc repro` to the report; what the server refuses, and dies of; a killed race."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import changed, clone, environment, ran, run, tiny

from assay.deciding.objective import OBJECTIVES
from assay.ground.files import read_json
from assay.ground.process import StageError
from assay.load.window import UnusableWindowError
from assay.measuring.bench import Candidate, asked
from assay.measuring.journal import Journal
from assay.measuring.windows import Windows
from assay.params.measuring import Conditions, Load
from assay.params.triton import Timeouts, Triton
from assay.racing.race import HeatRun, Rules
from assay.racing.standing import Judgement, standing

pytestmark = pytest.mark.slow
SCORE = OBJECTIVES["throughput"].score


def racing(params: dict[str, Any]) -> None:
    tiny(params)
    params["perf"].update(search="race", instances=[1, 2, 3], dynamic_batching=["off", "delay_0us"])
    params["finalists"]["at_most"] = 3


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which a race of six ran once."""
    folder = clone(tmp_path_factory.mktemp("race") / "clone", racing)
    run("dvc", "pull", "data.dvc", cwd=folder)
    said = ran(run("dvc", "repro", cwd=folder).stdout)
    assert [stage for stage in said if stage in ("screen", "contenders")] == ["screen", "contenders"]
    assert not [stage for stage in said if stage.startswith("perf")]
    return folder


def test_only_finalists_are_measured_in_detail(project: Path) -> None:
    """Who left is told, with the round and how sure that is; nothing runs again, and another limit races anew."""
    heats = read_json(project / "reports" / "perf" / "race" / "heats.json")["heats"]
    assert [(len(heat["entrants"]), heat["survivors"]) for heat in heats] == [(6, 3)]
    finalists = read_json(project / "reports" / "finalists" / "race.json")["finalists"]
    assert finalists[0] == "fp32-1-64-off"
    assert 1 <= len(finalists) <= 3
    measured = [read_json(project / f"reports/perf/race/finalist_{place}.json")["cell"] for place in range(1, 9)]
    assert measured == finalists + [None] * (8 - len(finalists))
    told = {row["cell"]: row for row in read_json(project / "reports" / "perf.json")["race"]}
    assert len(told) == 6
    assert [name for name, row in told.items() if not row["left"]].count("fp32-1-64-off") == 1
    assert all(
        row["against_best_low"] <= row["against_best"] <= row["against_best_high"]
        for row in told.values()
        if row["against_best"]
    )
    text = (project / "reports" / "report.md").read_text()
    assert "6 configurations in " in text
    assert "3 left it, the closest at " in text
    assert "## The race" in text
    page = (project / "reports" / "index.html").read_text()
    assert "The matrix, and how well each configuration is known" in page
    assert "With ONNX Runtime's own" not in page
    assert changed(run("dvc", "repro", cwd=project).stdout) == []


def test_where_the_rounds_of_a_race_are_kept_nothing_races_anew(project: Path, tmp_path: Path) -> None:
    """As in a colleague's clone, or in a folder that DVC makes for a queued experiment: git keeps no artifacts."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)
    for path in (folder / "artifacts").glob("finalist*"):
        shutil.rmtree(path)
    assert changed(run("dvc", "repro", cwd=folder).stdout) == ["contenders"]


def test_the_other_way_to_search_measures_every_cell(project: Path, tmp_path: Path) -> None:
    """And back again, nobody races anew."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)
    one = ("-S", "perf.instances=[1]")
    said = ran(run("dvc", "exp", "run", "-S", "perf.search=all", *one, cwd=folder).stdout)
    assert [stage for stage in said if stage.startswith("perf@")] == ["perf@fp32-1-64-off", "perf@fp32-1-64-delay_0us"]
    assert "screen" not in said
    assert "## The race" not in (folder / "reports" / "report.md").read_text()
    back = ("-S", "perf.search=race", "-S", "perf.instances=[1,2,3]")
    assert "screen" not in ran(run("dvc", "exp", "run", *back, cwd=folder).stdout)
    refused = run("dvc", "exp", "run", "-S", "perf.shapes=[x_3]", cwd=folder, check=False).stdout
    assert "shapes are those of a model that was brought" in refused


def test_threads_and_options_race_and_what_is_another_one_does_not(project: Path, tmp_path: Path) -> None:
    """The share of the cores under its number is no configuration of its own; what an option writes is told."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)
    cores = read_json(folder / "reports" / "machine.json")["usable_cores"]
    axes = {"instances": "[1]", "threads": f"[{cores}]", "options": "[no_arena,basic_graph]"}
    run(
        "dvc",
        "exp",
        "run",
        *(word for key, value in axes.items() for word in ("-S", f"perf.{key}={value}")),
        cwd=folder,
    )
    race = read_json(folder / "reports" / "perf" / "race" / "heats.json")
    assert race["same_as"] == {
        f"fp32-1-64-{batching}-{cores}{option}": f"fp32-1-64-{batching}{option}"
        for batching in ("off", "delay_0us")
        for option in ("", "-no_arena", "-basic_graph")
    }
    assert race["heats"][0]["entrants"][:3] == ["fp32-1-64-off", "fp32-1-64-off-no_arena", "fp32-1-64-off-basic_graph"]
    text = (folder / "reports" / "report.md").read_text()
    assert "6 configurations more did not enter" in text
    assert "- `basic_graph`: `optimization { graph { level: -1 } }`" in text
    axes |= {"search": "all", "dynamic_batching": "[off]", "options": "[no_arena]", "threads": f"[{cores + 1}]"}
    said = ran(
        run(
            "dvc",
            "exp",
            "run",
            *(word for key, value in axes.items() for word in ("-S", f"perf.{key}={value}")),
            cwd=folder,
        ).stdout
    )
    name = "fp32-1-64-off"
    assert [stage for stage in said if stage.startswith("perf") and "@" in stage] == [
        f"perf@{name}",
        f"perf-threads@{name}-{cores + 1}",
        f"perf-options@{name}-no_arena",
        f"perf-threads-options@{name}-{cores + 1}-no_arena",
    ]
    config = read_json(folder / f"reports/perf/all/{name}-{cores + 1}-no_arena.json")["config"]
    assert 'key: "enable_mem_arena"' in config
    refused = run("dvc", "exp", "run", "-S", "perf.options=[arena]", cwd=folder, check=False).stdout
    assert "no 'arena' among the section options; it has no_arena, basic_graph" in refused


def test_a_killed_race_goes_on(project: Path, tmp_path: Path) -> None:
    """Its rounds are kept, whoever was killed; nothing of a server is left."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)
    command = [sys.executable, "stages/screen.py"]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    journal = folder / ".journal"
    while not [path for path in journal.glob("heat-1-1.*") if path.read_text().count("\n") >= 2]:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    said = run(*command, cwd=folder).stdout
    assert "are kept from a run that was interrupted" in said
    assert list(journal.glob("heat-*")) == []


def test_what_the_server_refuses_is_out_of_the_race(project: Path, tmp_path: Path) -> None:
    """By name and with the server's words; the others go on. Of the default configuration nobody can do without."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)
    refused = "optimization { execution_accelerators { cpu_execution_accelerator: [ { name: 'tensorrt' } ] } }\n"

    def spoil(name: str) -> None:
        path = folder / "artifacts" / "model_repository" / name / "config.pbtxt"
        text = path.read_text()
        path.unlink()  # it may be a link to DVC's cache
        path.write_text(text + refused)

    spoil("fp32-3-64-off")
    said = run(sys.executable, "stages/screen.py", cwd=folder).stdout
    assert "out of the race: 1 configuration could not be measured: `fp32-3-64-off` (" in said
    assert "tensorrt" in said
    (heat,) = read_json(folder / "reports" / "perf" / "race" / "heats.json")["heats"]
    assert list(heat["rounds"][0]["fell_out"]) == ["fp32-3-64-off"]
    assert "fp32-3-64-off" not in heat["rounds"][0]["windows"]
    spoil("fp32-1-64-off")
    failed = run(sys.executable, "stages/screen.py", cwd=folder, check=False)
    assert failed.returncode == 1
    assert "model 'fp32-1-64-off'" in failed.stdout


def test_what_one_server_does_not_hold_races_in_groups(project: Path, tmp_path: Path) -> None:
    """Winners against winners, and each is told once; a configuration that does not fit beside the default is named."""
    folder = shutil.copytree(project, tmp_path / "clone", symlinks=True)

    def screen(instances: int) -> subprocess.CompletedProcess[str]:
        """Race where half of the memory that is free holds so many instances, of a gigabyte; the matrix has 12."""
        script = (
            "import sys; sys.path.insert(0, 'stages'); import screen; "
            "screen.memory_needs = lambda cells, *_: {each.name: 10**9 * each.instances for each in cells}; "
            f"screen.available_memory = lambda: {2 * 10**9 * instances}; screen.run_stage(screen.main)"
        )
        return run(sys.executable, "-c", script, cwd=folder, check=False)

    raced = screen(9)
    assert raced.returncode == 0, raced.stdout
    race = read_json(folder / "reports" / "perf" / "race" / "heats.json")
    assert [(len(heat["entrants"]), heat["survivors"]) for heat in race["heats"][:2]] == [(4, 2), (3, 2)]
    assert {heat["entrants"][0] for heat in race["heats"]} == {"fp32-1-64-off"}
    winners = set[str]().union(*(standing(heat, SCORE, lambda *_: Judgement()).left for heat in race["heats"][:2]))
    assert set(race["heats"][2]["entrants"]) == winners
    failed = screen(3)
    assert failed.returncode != 0
    assert "fp32-3-64-off may take 3.0 GB of memory in the server, and half of what is free are 3.0 GB" in failed.stdout
    assert "no race of it fits this machine" in failed.stdout


@pytest.fixture
def candidates(model_folder: Callable[..., Path], tmp_path: Path) -> list[Candidate]:
    """Five configurations of the linear model."""
    folders = [model_folder(f"linear-{count}", instances=count) for count in range(1, 6)]
    images = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
    return asked(folders, {"image": images}, tmp_path / "requests.json")


def test_a_server_that_dies_under_a_configuration_starts_again_without_it(
    candidates: list[Candidate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rounds that were measured count; whoever was being measured is named, and is not measured again."""
    measure, asked_for = Windows.measure, list[str]()

    def deadly(windows: Windows, model: str, *arguments: Any) -> Any:
        asked_for.append(model)
        if model == "linear-3" and asked_for.count(model) == 2:
            assert windows.server.pid is not None
            os.kill(windows.server.pid, signal.SIGKILL)
        return measure(windows, model, *arguments)

    monkeypatch.setattr(Windows, "measure", deadly)
    conditions = Conditions(0, Triton(), Timeouts(), Load(), 20)
    rules = Rules(conditions, 2, SCORE, lambda *_: Judgement(), single_requests=False)
    run_ = HeatRun(candidates, 2, Journal("heat", "digest", tmp_path), rules, lambda _: None)
    heat = run_.run()
    assert [len(each["windows"]) for each in heat["rounds"]][:2] == [6, 5]
    assert {each["start"] for each in heat["rounds"]} == {1, 2}
    assert "the Triton server died" in heat["rounds"][1]["fell_out"]["linear-3"]
    assert asked_for.count("linear-3") == 2
    (departure,) = (
        each for each in standing(heat, SCORE, lambda *_: Judgement()).departures if each.name == "linear-3"
    )
    assert departure.rounds == 1
    assert run_.standing.left[0] == "linear-1"


def test_what_windows_are_too_short_for_is_out_of_the_race(
    candidates: list[Candidate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with what would help; the others are measured."""
    measure = Windows.measure

    def measured(windows: Windows, model: str, *arguments: Any) -> Any:
        if model == "linear-3":
            raise UnusableWindowError("could not measure linear-3; raise perf.window_ms")
        return measure(windows, model, *arguments)

    monkeypatch.setattr(Windows, "measure", measured)
    rules = Rules(
        Conditions(0, Triton(), Timeouts(), Load(), 20), 2, SCORE, lambda *_: Judgement(), single_requests=False
    )
    heat = HeatRun(candidates, 2, Journal("heat", "digest", tmp_path), rules, lambda _: None).run()
    assert list(heat["rounds"][0]["fell_out"]) == ["linear-3"]
    assert {len(each["windows"]) for each in heat["rounds"][:2]} == {5}


def test_a_window_without_a_score_is_no_round(
    candidates: list[Candidate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose it is falls out, and what is kept can be gone on from: a p95 takes 200 requests in a window."""
    measure, p95 = Windows.measure, OBJECTIVES["p95_latency"].score

    def few(windows: Windows, model: str, *arguments: Any) -> Any:
        window = measure(windows, model, *arguments)
        answered = window["statistics"]["before"]["inference_stats"]["success"]["count"]
        count = answered + (10 if model == "linear-3" else 300)
        window["statistics"]["after"]["inference_stats"]["success"]["count"] = count
        return window

    monkeypatch.setattr(Windows, "measure", few)
    rules = Rules(
        Conditions(0, Triton(), Timeouts(), Load(), 20), 2, p95, lambda *_: Judgement(), single_requests=False
    )
    heat = HeatRun(candidates, 2, Journal("heat", "digest", tmp_path), rules, lambda _: None).run()
    assert list(heat["rounds"][0]["fell_out"]) == ["linear-3"]
    assert "needs 200 requests in every window" in heat["rounds"][0]["fell_out"]["linear-3"]
    assert {len(each["windows"]) for each in heat["rounds"][:2]} == {5}


def test_a_default_configuration_that_cannot_be_measured_ends_the_race(
    candidates: list[Candidate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to compare the others with."""
    monkeypatch.setattr(Windows, "measure", lambda *_: (_ for _ in ()).throw(StageError("no such luck")))
    rules = Rules(
        Conditions(0, Triton(), Timeouts(), Load(), 20), 2, lambda _: 0.0, lambda *_: Judgement(), single_requests=False
    )
    run_ = HeatRun(candidates[:1] + candidates[1:], 2, Journal("heat", "digest", tmp_path), rules, lambda _: None)
    with pytest.raises(StageError, match="no such luck"):
        run_.run()
