"""The pictures of the page: what they show, in both themes, the same bytes every time."""

import base64
import re

import pytest
from measured import level, summarised

from assay.params.cells import Cell
from assay.statistics.interval import Interval
from assay.telling.figures.effective_batch import effective_batch
from assay.telling.figures.heat_map import heat_map
from assay.telling.figures.latency_breakdown import latency_breakdown, parts_ms
from assay.telling.figures.ratios import ratios
from assay.telling.figures.style import DARK, LIGHT, Picture
from assay.telling.figures.throughput_latency import throughput_latency
from assay.telling.tables import MeasuredCell


def cell(instances: int, batching: str, ratio: float, batch: int = 1, variant: str = "fp32") -> MeasuredCell:
    levels = [level([ratio, ratio * 1.01] * 6, concurrency=each, batch=batch) for each in (1, 8)]
    return MeasuredCell(Cell(variant, instances, 64, batching), [summarised(each) for each in levels])


CELLS = [cell(1, "off", 0.8), cell(1, "delay_0us", 1.1, 2), cell(2, "off", 1.2), cell(2, "delay_0us", 1.5, 4)]


def drawn(picture: Picture) -> tuple[str, str]:
    """Return the SVG of both themes."""
    prefix = "data:image/svg+xml;base64,"
    assert picture.light.startswith(prefix)
    light, dark = (base64.b64decode(uri.removeprefix(prefix)).decode() for uri in (picture.light, picture.dark))
    return light, dark


@pytest.mark.parametrize(
    "picture",
    [
        ratios({"a": Interval(1.2, 1.1, 1.3), "b": Interval(0.9, 0.8, 1.0)}, "throughput", accented="a"),
        throughput_latency(CELLS, ["fp32-1-64-off", "fp32-2-64-delay_0us"]),
        heat_map(CELLS, 8),
        latency_breakdown(CELLS, 8),
        effective_batch(CELLS, 8),
    ],
    ids=["ratios", "throughput_latency", "heat_map", "latency_breakdown", "effective_batch"],
)
def test_a_picture_has_two_themes_and_needs_nothing_from_elsewhere(picture: Picture) -> None:
    """Light and dark differ in their colours; no file, font or address is named."""
    light, dark = drawn(picture)
    assert LIGHT.ink in light
    assert DARK.ink in dark
    assert light.count("<path") == dark.count("<path")
    assert not re.findall(r'(?:href|src)="(?!#|data:)|url\((?!#)', light)
    assert len(picture.alt) > 20


def test_the_same_rounds_give_the_same_bytes() -> None:
    """A report that is written again differs in nothing, so that git and DVC see no change."""
    assert heat_map(CELLS, 8) == heat_map(CELLS, 8)
    assert throughput_latency(CELLS, []) == throughput_latency(CELLS, [])


def test_who_cannot_see_a_picture_is_told_its_numbers() -> None:
    """The text in place of a picture holds every number that is drawn."""
    alt = ratios({"a": Interval(1.2, 1.1, 1.3)}, "throughput, against the default").alt
    assert alt == "throughput, against the default. a: 1.20 (1.10–1.30)"
    assert "fp32-2-64-delay_0us: 4.00" in effective_batch(CELLS, 8).alt
    assert "fp32-2-64-off: 1.21" in heat_map(CELLS, 8).alt


def test_the_parts_of_a_request_add_up_to_what_the_client_saw() -> None:
    """Four parts in the server and the rest: together the mean latency."""
    (measured,) = CELLS[:1]
    assert sum(parts_ms(measured, 8).values()) == pytest.approx(measured.at(8).mean_latency_us / 1000)


def test_a_matrix_of_one_cell_can_be_drawn() -> None:
    """The smallest profile has pictures, too, and so has one of several variants."""
    assert "fp32-1-64-off: 0.80" in heat_map(CELLS[:1], 8).alt
    assert drawn(throughput_latency(CELLS[:1], []))
    assert drawn(heat_map([*CELLS, cell(1, "off", 0.7, variant="int8")], 8))
