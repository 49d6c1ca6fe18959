"""The report of a race, from made-up rounds: what became of every configuration, in words, lines and a map."""

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made_up import FINALISTS, SPEEDS, decide_and_report, noisy, words, write_workspace
from measured import window
from ruamel.yaml import YAML

from assay.deciding.objective import OBJECTIVES
from assay.ground.files import read_json
from assay.ground.records.measured import NOBODY
from assay.params.matrix import PLACES
from assay.racing.standing import Judgement, Standing, standing

pytestmark = pytest.mark.slow
SCORE = OBJECTIVES["throughput"].score


REFUSED = {"fp32-1-64-delay_500us": "model 'fp32-1-64-delay_500us': no such thing"}


def heat(survivors: int, names: Sequence[str]) -> Any:
    """Return a race of some configurations, one of which falls out before the first round."""
    values = {name: noisy(1000 * each[1], 12, seed=len(name)) for name, each in SPEEDS.items()}
    found: Any = {"entrants": list(names), "survivors": survivors, "rounds": [], "fell_out": {}}
    refused = {name: why for name, why in REFUSED.items() if name in names}
    while (now := standing_of(found)).wanted is not None:
        place = len(found["rounds"])
        left = [name for name in now.left if name not in refused]
        windows = {name: window(values[name][place]) for name in left} | {"anchor": window(1000)}
        first = {"fell_out": refused} if refused and not place else {}
        found["rounds"].append({"start": 1, "windows": windows, **first})
    return found


def standing_of(found: Any) -> Standing:
    """Return where a race without limits stands."""
    return standing(found, SCORE, lambda *_: Judgement())


def raced(folder: Path, *heats: Any, same_as: dict[str, str] | None = None, variants: Sequence[str] = ("fp32",)) -> str:
    """Write a workspace in which the finalists of a race were measured, and its report; return the page's words."""
    write_workspace(folder)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["perf"]["search"] = "race"
    content["onnx"]["variants"] = list(variants)
    for variant, room in itertools.product(variants[1:], ("onnx", "serving")):
        path = folder / "reports" / room / "fp32.json"
        path.with_stem(variant).write_text(path.read_text().replace("fp32", variant))
    yaml.dump(content, folder / "params.yaml")
    cells, race = folder / "reports" / "perf" / "all", folder / "reports" / "perf" / "race"
    race.mkdir()
    shutil.copy(cells / "anchor_copy.json", race)
    for place, name in zip(PLACES, [*FINALISTS, *[None] * 5], strict=True):
        text = (cells / f"{name}.json").read_text() if name else json.dumps(NOBODY)
        (race / f"{place}.json").write_text(text)
    shutil.rmtree(cells)
    told = {"format": 1, "concurrency": 8, "measured_at": "2026-01-01T11:50:00+00:00"}
    told |= {"same_as": same_as or {}, "heats": heats}
    (race / "heats.json").write_text(json.dumps(told))
    decide_and_report(folder)
    return words(folder / "reports" / "index.html")


def test_a_race_is_told(tmp_path: Path) -> None:
    """How many, how long, who left and how close they were, and what fell out with its reason."""
    said = raced(tmp_path, heat(3, list(SPEEDS)))
    assert "Tried 5 configurations" in said
    assert "5 configurations took turns in one server; again and again the slower half left" in said
    assert "5 configurations in 24 s of a race; 2 left it, the closest at 0." in said
    assert (
        "1 configuration could not be measured: fp32-1-64-delay_500us (model 'fp32-1-64-delay_500us': no such thing)"
        in said
    )
    assert "fp32-1-64-delay_500us not measured: model" in said
    assert "fp32-1-64-delay_0us after 8 rounds" in said
    assert "With ONNX Runtime's own" not in said
    assert "The finalists in detail" in said
    text = (tmp_path / "reports" / "report.md").read_text()
    assert "| `fp32-1-64-delay_0us` | after 8 rounds | 1." in text
    assert "| `fp32-1-64-off` | in the race to its end | 1." in text
    assert "A single window strayed by " in text
    rows = {row["cell"]: row for row in read_json(tmp_path / "reports" / "perf.json")["race"]}
    assert set(rows) == set(SPEEDS)
    assert [name for name, row in rows.items() if not row["left"]] == [
        "fp32-1-64-off",
        "fp32-2-64-delay_0us",
        "fp32-2-64-delay_500us",
    ]
    assert rows["fp32-1-64-delay_500us"]["against_anchor"] is None
    (best,) = (name for name, row in rows.items() if not row["left"] and row["against_best"] is None)
    assert best == max(rows, key=lambda name: rows[name]["against_anchor"] or 0)
    page = (tmp_path / "reports" / "index.html").read_text()
    assert page.count("fp32-2-64-off: ") >= 2  # in the words of both pictures


def test_a_configuration_under_a_second_name_is_told(tmp_path: Path) -> None:
    """It did not race, and could have been."""
    again = "fp32-1-64-delay_0us"
    others = [name for name in SPEEDS if name != again]
    said = raced(tmp_path, heat(3, others), same_as={again: "fp32-1-64-off"})
    assert "Tried 4 configurations" in said
    assert "4 configurations in 20 s of a race; 1 left it" in said
    assert "4 configurations took turns in one server; again and again" in said
    assert "1 configuration more did not enter: with that number of threads, or that option, each is another" in said
    assert "fp32-1-64-delay_0us not measured: the same as fp32-1-64-off" in said


def test_a_variant_without_a_finalist_has_a_row(tmp_path: Path) -> None:
    """Nothing is known of how it was served but what the race tells."""
    others = [f"int8_dynamic{name.removeprefix('fp32')}" for name in SPEEDS]
    found = heat(3, list(SPEEDS))
    found["entrants"] += others
    found["rounds"][0]["fell_out"] |= dict.fromkeys(others, "no such thing")
    assert "int8_dynamic" in raced(tmp_path, found, variants=["fp32", "int8_dynamic"])
    text = (tmp_path / "reports" / "report.md").read_text()
    rows = [line for line in text.splitlines() if "| int8_dynamic |" in line]
    assert any(line.endswith("| – | – |") for line in rows)


def test_where_nothing_had_to_race_that_is_said(tmp_path: Path) -> None:
    """A matrix that is no larger than the run-off."""
    said = raced(tmp_path, heat(6, list(SPEEDS)))
    assert "Nothing raced: those that could are no more than finalists." in said
    assert "The race" not in said


def test_where_nothing_had_to_race_what_was_refused_is_told(tmp_path: Path) -> None:
    """It is why nobody had to."""
    said = raced(tmp_path, heat(5, list(SPEEDS)) | {"fell_out": REFUSED, "rounds": []})
    assert "Nothing raced: those that could are no more than finalists." in said
    assert "1 configuration could not be measured: fp32-1-64-delay_500us (model" in said
    assert "fp32-1-64-delay_500us not measured: model" in said
    assert "took turns in one server" not in said


def test_winners_of_groups_are_told_by_all_of_their_rounds(tmp_path: Path) -> None:
    """Also where so few are left that they do not race again."""
    default, *others = [name for name in SPEEDS if name not in REFUSED]
    groups = [heat(2, [default, *others[:2]]), heat(2, [default, *others[2:]])]
    winners = [name for name in SPEEDS if any(name in standing_of(each).left for each in groups)]
    said = raced(
        tmp_path,
        *groups,
        heat(4, winners),
        same_as=dict.fromkeys(REFUSED, default),
    )
    assert "5 configurations in " in said
    assert "of a race; 2 left it" in said
    assert "5 configurations took turns in one server at a time, in 2 heats, winners against winners" in said
    rows = {row["cell"]: row for row in read_json(tmp_path / "reports" / "perf.json")["race"]}
    assert [name for name, row in rows.items() if not row["left"]] == winners
    assert all(rows[name]["rounds"] == 8 for name in winners if name != default)
    assert rows[default]["rounds"] == 16
    assert rows[default]["against_best"] < 1
