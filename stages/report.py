"""Gather what the stages measured into a verdict, metrics, tables and a readable report.

Reads   reports/{raw_data,data,training,machine,runoff}.json, reports/onnx/, reports/serving/
        and the cells that params.yaml names in reports/perf/
Writes  reports/metrics.json: the few numbers that `dvc metrics diff` compares
        reports/perf.json, reports/cells.csv: the verdict, every cell and level
        reports/report.md
        reports/recommended/config.pbtxt: the configuration to run, if there is one
Run     python stages/report.py
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.flags import batching_in_words
from analysis.level import LevelSummary, summarise_level
from analysis.tables import MeasuredCell, cell_rows, level_flags, metrics, verdict_table
from deciding.verdict import Verdict, decide
from deciding.words import verdict_in_words
from models import CLASSIFIER
from parameters.cells import ANCHOR_COPY, DEFAULT_THREADS, default_threads_twin, matrix
from parameters.schema import Params, load_params
from runtime.files import read_json, replacing, replacing_directory, write_json, write_text
from runtime.paths import CELLS, MACHINE, PARITY, RECOMMENDED, REPORTS, RUNOFF, SERVING, TRAINING
from runtime.process import run_stage

TEMPLATE = Path(__file__).parent / "analysis" / "report.md.jinja"


def read_levels(name: str) -> list[LevelSummary]:
    """Return the summaries of a measured cell's levels."""
    return [summarise_level(level) for level in read_json(CELLS / f"{name}.json")["levels"]]


def read_verdict(params: Params, exports: dict[str, Any]) -> Verdict:
    """Return the verdict of the run-off."""
    by_name = {cell.name: cell for cell in matrix(params)}
    measured = read_json(RUNOFF)
    finalists = [by_name[name] for name in measured["finalists"]]
    return decide(finalists, measured["rounds"], params, {name: each[CLASSIFIER] for name, each in exports.items()})


def write_recommended(verdict: Verdict) -> None:
    """Write the recommended cell's config.pbtxt, as it was measured, or an empty folder."""
    with replacing_directory(RECOMMENDED) as folder:
        if verdict.recommended:
            config = read_json(CELLS / f"{verdict.recommended.cell.name}.json")["config"]
            write_text(folder / "config.pbtxt", config)


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
    # Jinja's own filter makes the rest of a text lower case.
    environment.filters["capital"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template(template.name).render(**content)


def report(params: Params) -> None:
    """Write every result below reports/."""
    machine, training = read_json(MACHINE), read_json(TRAINING)
    exports = {variant: read_json(PARITY / f"{variant}.json") for variant in params.onnx.variants}
    cells = [MeasuredCell(cell, read_levels(cell.name)) for cell in matrix(params)]
    anchor_copy = read_levels(ANCHOR_COPY)
    verdict = read_verdict(params, exports)
    (anchor_ratio,) = (each.throughput_ratio for each in anchor_copy if each.concurrency == verdict.concurrency)
    parity = {variant: each[CLASSIFIER]["parity"] for variant, each in exports.items()}
    by_name = {each.cell.name: each for each in cells}
    rows = cell_rows(cells, params, machine["usable_cores"])

    write_recommended(verdict)
    write_json(REPORTS / "metrics.json", metrics(training, parity, verdict, anchor_ratio))
    perf = {
        "verdict": verdict_table(verdict),
        "anchor_copy": [asdict(each) for each in anchor_copy],
        "cells": rows,
    }
    write_json(REPORTS / "perf.json", perf)
    with replacing(REPORTS / "cells.csv") as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g")
    text = render(
        TEMPLATE,
        params=params,
        raw_data=read_json(REPORTS / "raw_data.json"),
        data=read_json(REPORTS / "data.json"),
        training=training,
        parity=exports,
        serving={variant: read_json(SERVING / f"{variant}.json") for variant in params.onnx.variants},
        machine=machine,
        cells=cells,
        deciding=lambda each: by_name[each.cell.name].at(verdict.concurrency),
        flags=lambda level: level_flags(level, params, machine["usable_cores"]),
        anchor_copy=anchor_copy,
        default_threads=read_levels(DEFAULT_THREADS)[0],
        twin=by_name[default_threads_twin(params).name].at(verdict.concurrency),
        twin_name=default_threads_twin(params).name,
        verdict=verdict,
        sentences=verdict_in_words(verdict),
    )
    write_text(REPORTS / "report.md", text)


def main() -> None:
    report(load_params())
    print("read reports/report.md; compare with `dvc metrics diff` and `dvc plots diff`")


if __name__ == "__main__":
    run_stage(main)
