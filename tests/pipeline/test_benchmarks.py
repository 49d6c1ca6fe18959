"""The instruments with which the method is judged: models of known speed, records, replays."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import ROOT, linear_model, taking_bytes

import clones
import growth
import model_analyzer
import race_growth
import race_pool
import record
import replay
import replay_races
import searches
import workloads
from arms import by_turns, compared
from assay.ground.process import StageError
from assay.racing.schedule import windows
from assay.racing.standing import Judgement, standing
from assay.tensors.parity import largest_difference, onnx_answer, onnx_session
from assay.validation.schema import load_params
from known_models import lengthened
from pixels import of_fractions


def test_the_documented_workloads_are_those_that_are_measured() -> None:
    """Whoever runs a line of the page runs what the figures beside it come from."""
    pages = "".join((ROOT / "docs" / page).read_text() for page in ("models.md", "own-model.md"))
    lines = [shlex.split(line[2:]) for line in pages.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    for name, settings in workloads.WORKLOADS.items():
        command = next(
            place
            for place, line in enumerate(lines)
            if line[:3] == ["dvc", "exp", "run"]
            and sorted(settings) == sorted(word for word in line[3:] if word != "-S")
        )
        if name in workloads.BROUGHT:
            brought = ["python", "-m", "assay.bring", f"{name}.onnx", *workloads.BROUGHT[name]]
            assert lines[command - 1] == brought


def test_arms_take_turns_and_the_first_round_is_not_counted() -> None:
    """Each arm is asked once a round, in an order that chance gives, and compared with the first."""
    asked: list[str] = []

    def arm(name: str, value: float) -> float:
        asked.append(name)
        return value if len(asked) > 2 else 100.0

    rounds = by_turns({"slow": lambda: arm("slow", 2.0), "fast": lambda: arm("fast", 3.0)}, 20)
    assert rounds == {"slow": [2.0] * 20, "fast": [3.0] * 20}
    turns = [tuple(asked[start : start + 2]) for start in range(0, len(asked), 2)]
    assert set(turns) == {("slow", "fast"), ("fast", "slow")}
    assert compared(rounds)["fast"].value == pytest.approx(1.5)
    with pytest.raises(StageError, match="at least two rounds"):
        by_turns({}, 1)


@pytest.mark.parametrize(
    "sections",
    [
        *({"perf": growth.FAST | axes, **growth.SHORT} for axes in growth.AXES.values()),
        {"perf": model_analyzer.PERF, "screening": model_analyzer.SCREENING},
        {"perf": searches.SPACE | {"search": "race"}},
        *({"perf": axes | {"concurrency": [1, 8]}} for axes in race_growth.AXES.values()),
    ],
)
def test_what_is_shortened_in_a_clone_is_valid(tmp_path: Path, sections: Any) -> None:
    """Keys move; a benchmark that is run once a month would be the last to know."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    clones.shorten(tmp_path, sections)
    assert load_params(tmp_path / "params.yaml").perf.concurrency == sections["perf"]["concurrency"]


def test_a_command_that_fails_in_a_clone_is_one_error(tmp_path: Path) -> None:
    """A workload that cannot be run says which command failed, and nothing is recorded."""
    with pytest.raises(StageError, match=r"^`git log` exited with 128; its own words are above$"):
        clones.finish(tmp_path, "git", "log")


def test_a_lengthened_model_answers_the_same() -> None:
    """It computes longer and changes nothing, so that only its time differs."""
    model = onnx.load(ROOT / "triton" / "anchor" / "1" / "model.onnx")
    x = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    plain, longer = (onnx_answer(onnx_session(each.SerializeToString()), x) for each in (model, lengthened(model, 7)))
    assert np.array_equal(plain, longer)
    assert len(lengthened(model, 7).graph.node) == len(model.graph.node) + 7 + 5


def test_a_model_of_fractions_answers_what_the_one_of_bytes_does() -> None:
    """Nothing but the type of their pixels is compared; a model of something else is refused."""
    x = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    of_bytes = taking_bytes(linear_model())
    of_the_bytes, of_the_fractions = (
        onnx_answer(onnx_session(model.SerializeToString()), examples)
        for model, examples in ((of_bytes, x), (of_fractions(of_bytes), x / np.float32(255)))
    )
    assert largest_difference(of_the_bytes, of_the_fractions) < 1e-6
    with pytest.raises(StageError, match="does not begin with scaling bytes"):
        of_fractions(linear_model())


def test_records_are_appended_with_machine_and_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run does not touch the first, and both say where they come from."""
    monkeypatch.setattr(record, "REVISION", "abc1234")
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    assert record.runs("some") == []
    record.append("some", {"value": 1})
    record.append("some", {"value": 2})
    assert [run["value"] for run in record.runs("some")] == [1, 2]
    assert all(run["revision"] == "abc1234" and run["machine"]["usable_cores"] for run in record.runs("some"))


def made_up_pool(effect: float) -> np.ndarray:
    """Return logarithms of 10 starts of 32 rounds of 4 models, the first slower by `effect`."""
    chance = np.random.default_rng(0)
    starts, rounds = chance.normal(0, 0.3, (10, 1, 1)), chance.normal(0, 0.1, (10, 32, 1))
    noise = chance.normal(0, 0.05, (10, 32, 4))
    logs: np.ndarray = 8 + starts + rounds + noise + np.log1p([-effect, 0, 0, 0])
    return logs


@pytest.mark.slow
def test_replays_find_a_large_effect_and_no_effect_where_there_is_none() -> None:
    """On a made-up pool, 20 % is always found and a false winner is rare."""
    found = replay.replay_runoff(made_up_pool(0.2), [0, 1, 2, 3], 6, 4, lambda scores: replay.beats(scores, 0))
    false = replay.replay_runoff(made_up_pool(0.0), [0, 1, 2, 3], 6, 4, lambda scores: replay.beats(scores, 0))
    assert found > 0.99
    assert false < 0.06


def test_a_replayed_cell_covers_the_pools_own_ratio() -> None:
    """Its intervals hold the mean over the pool about as often as they say."""
    cell = replay.replay_cell(made_up_pool(0.1), [(0, 1), (0, 2)], precision=0.05)
    assert cell["truth"] == pytest.approx(0.9, rel=0.02)
    assert cell["coverage"]["value"] > 0.9
    assert 12 <= cell["median_rounds"] <= 32


def test_a_rates_interval_is_over_pools_of_other_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that half of the starts decide may well happen in three quarters of another pool."""
    monkeypatch.setattr(replay, "POOLS", 40)
    pool = made_up_pool(0.0)
    pool[::2] += 1
    found = replay.rate(pool, lambda each, _replays: float((each.mean(axis=(1, 2)) > 8.5).mean()), [0, 1, 2, 3])
    assert found["value"] == 0.5
    assert found["low"] < 0.35
    assert found["high"] > 0.65


def test_replayed_races_are_those_of_the_pipeline() -> None:
    """The schedule that is the pipeline's keeps whom it keeps; without noise every one finds the best."""
    chance = np.random.default_rng(0)
    speeds = np.linspace(0, 1, 64)
    scores = speeds + 0.3 * chance.normal(size=(15, 64))
    left, took = replay_races.SCHEDULES["as it is"](scores)
    names = [f"c{place:02}" for place in range(64)]
    rounds: Any = [{"windows": dict(zip(names, each, strict=True))} for each in scores.tolist()]
    heat: Any = {"entrants": names, "survivors": 4, "rounds": rounds, "fell_out": {}}
    now = standing(heat, lambda value: value, lambda *_: Judgement())  # type: ignore[arg-type,return-value]  # of scores
    assert [names[place] for place in left] == list(now.left)
    assert took == windows(64, 4)
    for schedule in replay_races.SCHEDULES.values():
        left, took = schedule(np.tile(speeds, (race_pool.ROUNDS, 1)))
        assert {0, 63} <= set(left)
        assert len(left) <= 4
    with pytest.raises(ValueError, match="15 rounds of 12"):
        replay_races.SCHEDULES["as it is"](scores[:12])
    with pytest.raises(ValueError, match="23 rounds of 15"):
        replay_races.to_finalists(scores, 2)


def test_winners_among_equals_are_rare_in_replayed_races(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs in every start is taken away, and of what is left nothing beats the default but by chance."""
    monkeypatch.setattr(replay_races, "REPLAYS", 400)
    chance, speeds = np.random.default_rng(0), np.linspace(0, 1, 16)
    pool = [speeds + 0.05 * chance.normal(size=16) + 0.1 * chance.normal(size=(15, 16)) for _ in range(20)]
    race = replay_races.SCHEDULES["as it is"]
    assert 0 < replay_races.false_winners(pool, race, starts=12, rounds=12) < 0.08
