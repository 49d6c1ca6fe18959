"""Gather what the stages measured into metrics, tables and a readable report.

Reads   reports/{raw_data,data,training,machine}.json, reports/onnx/, reports/serving/ and
        the cells that params.yaml names in reports/perf/
Writes  reports/metrics.json: the few numbers that `dvc metrics diff` compares
        reports/perf.json, reports/cells.csv: every cell and level
        reports/report.md
Run     python stages/report.py
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.level import LevelSummary, batching_in_words, summarise_level
from analysis.ratio import Ratio
from analysis.screening import MeasuredCell, Screening, screen
from models import CLASSIFIER
from parameters.cells import ANCHOR_COPY, matrix
from parameters.schema import Params, load_params
from runtime.files import read_json, replacing, write_json, write_text
from runtime.paths import CELLS, MACHINE, PARITY, REPORTS, SERVING, TRAINING
from runtime.process import run_stage

TEMPLATE = Path(__file__).parent / "analysis" / "report.md.jinja"


def read_levels(name: str) -> list[LevelSummary]:
    """Return the summaries of a measured cell's levels."""
    return [summarise_level(level) for level in read_json(CELLS / f"{name}.json")["levels"]]


def cell_rows(cells: list[MeasuredCell]) -> list[dict[str, Any]]:
    """Return one flat row a cell and level."""
    return [
        {
            "level": f"{measured.cell.name} @ {level.concurrency}",
            "cell": measured.cell.name,
            **asdict(measured.cell),
            "concurrency": level.concurrency,
            "throughput_ratio": level.throughput_ratio.ratio,
            "throughput_ratio_low": level.throughput_ratio.low,
            "throughput_ratio_high": level.throughput_ratio.high,
            "latency_ratio": level.latency_ratio.ratio,
            "latency_ratio_low": level.latency_ratio.low,
            "latency_ratio_high": level.latency_ratio.high,
            "throughput_per_s": level.throughput,
            "anchor_throughput_per_s": level.anchor_throughput,
            **{f"{name}_us": value for name, value in level.latency_us.items()},
            **{f"server_{part}_us": value for part, value in level.server_us.items()},
            "effective_batch": level.effective_batch,
            "rounds": level.rounds,
        }
        for measured in cells
        for level in measured.levels
    ]


def metrics(
    training: dict[str, Any], parity: dict[str, Any], screening: Screening, anchor_copy: Ratio
) -> dict[str, Any]:
    """Return the numbers worth comparing between experiments: about 20, none of them a list."""

    def perf(measured: MeasuredCell) -> dict[str, Any]:
        level = measured.at(screening.concurrency)
        return {"cell": measured.cell.name, "throughput": level.throughput, **asdict(level.throughput_ratio)}

    return {
        **training,
        "parity": {variant: exports[CLASSIFIER]["parity"] for variant, exports in parity.items()},
        "perf": {
            "concurrency": screening.concurrency,
            "best": perf(screening.best),
            "default": perf(screening.default),
            "anchor_copy": asdict(anchor_copy),
        },
    }


def render(template: Path, **content: Any) -> str:
    """Return the filled-in report; raises jinja2.UndefinedError if a value is missing."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, from our own files
    )
    environment.globals["batching_in_words"] = batching_in_words
    return environment.get_template(template.name).render(**content)


def report(params: Params) -> None:
    """Write every result below reports/."""
    cells = [MeasuredCell(cell, read_levels(cell.name)) for cell in matrix(params)]
    anchor_copy = read_levels(ANCHOR_COPY)
    screening = screen(cells, max(params.perf.concurrency))
    (anchor_ratio,) = (each.throughput_ratio for each in anchor_copy if each.concurrency == screening.concurrency)
    training = read_json(TRAINING)
    parity = {variant: read_json(PARITY / f"{variant}.json") for variant in params.onnx.variants}
    serving = {variant: read_json(SERVING / f"{variant}.json") for variant in params.onnx.variants}
    rows = cell_rows(cells)

    write_json(REPORTS / "metrics.json", metrics(training, parity, screening, anchor_ratio))
    write_json(REPORTS / "perf.json", {"anchor_copy": [asdict(each) for each in anchor_copy], "cells": rows})
    with replacing(REPORTS / "cells.csv") as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g")
    text = render(
        TEMPLATE,
        params=params,
        raw_data=read_json(REPORTS / "raw_data.json"),
        data=read_json(REPORTS / "data.json"),
        training=training,
        parity=parity,
        serving=serving,
        machine=read_json(MACHINE),
        cells=cells,
        anchor_copy=anchor_copy,
        screening=screening,
    )
    write_text(REPORTS / "report.md", text)


def main() -> None:
    report(load_params())
    print("read reports/report.md; compare with `dvc metrics diff` and `dvc plots diff`")


if __name__ == "__main__":
    run_stage(main)
