"""Gather what the stages measured into a verdict, metrics, tables and a readable report.

Reads   reports/{raw_data,data,training,machine,runoff}.json, reports/onnx/, reports/serving/
        and the cells that params.yaml names in reports/perf/
Writes  reports/metrics.json: the few numbers that `dvc metrics diff` compares
        reports/perf.json, reports/cells.csv: the verdict, every cell and level
        reports/index.html, for people; reports/report.md, for a pull request
        reports/recommended/config.pbtxt: the configuration to run, if there is one
Run     python stages/report.py
"""

from dataclasses import asdict
from typing import Any

import pandas as pd

from analysis.flags import anchor_in_words
from analysis.level import LevelSummary, summarise_level
from analysis.pages import render
from analysis.tables import MeasuredCell, cell_rows, level_flags, metrics, verdict_table
from deciding.verdict import Verdict, decide
from deciding.words import verdict_in_words
from figures.effective_batch import effective_batch
from figures.heat_map import heat_map
from figures.latency_breakdown import latency_breakdown
from figures.ratios import ratios
from figures.throughput_latency import throughput_latency
from figures.training_curve import training_curves
from models import CLASSIFIER
from parameters.cells import ANCHOR_COPY, DEFAULT_THREADS, default_threads_twin, matrix
from parameters.schema import Params, load_params
from runtime.files import read_json, replacing, replacing_directory, write_json, write_text
from runtime.paths import CELLS, CURVES, MACHINE, PARITY, RECOMMENDED, REPORTS, RUNOFF, SERVING, TRAINING
from runtime.process import run_stage


def read_levels(name: str) -> list[LevelSummary]:
    """Return the summaries of a measured cell's levels."""
    return [summarise_level(level) for level in read_json(CELLS / f"{name}.json")["levels"]]


def read_verdict(params: Params, exports: dict[str, Any]) -> Verdict:
    """Return the verdict of the run-off."""
    by_name = {cell.name: cell for cell in matrix(params)}
    measured = read_json(RUNOFF)
    finalists = [by_name[name] for name in measured["finalists"]]
    return decide(finalists, measured["rounds"], params, {name: each[CLASSIFIER] for name, each in exports.items()})


def read_recommended(verdict: Verdict) -> str:
    """Return the recommended cell's config.pbtxt as it was measured, or nothing."""
    if verdict.recommended is None:
        return ""
    return str(read_json(CELLS / f"{verdict.recommended.cell.name}.json")["config"])


def write_recommended(config: str) -> None:
    """Write a recommended config.pbtxt, or an empty folder."""
    with replacing_directory(RECOMMENDED) as folder:
        if config:
            write_text(folder / "config.pbtxt", config)


def read_figures(cells: list[MeasuredCell], anchor_copy: list[LevelSummary], verdict: Verdict) -> dict[str, Any]:
    """Return the pictures of the page; there is none of the finalists where the default was the only one."""
    finalists = sorted(verdict.finalists, key=lambda each: each.against_default.ratio if each.against_default else 0)
    against = {each.cell.name: each.against_default for each in reversed(finalists) if each.against_default}
    chosen = verdict.recommended.cell.name if verdict.recommended else None
    copies = {f"concurrency {level.concurrency}": level.throughput_ratio for level in anchor_copy}
    return {
        "finalists": ratios(against, f"{verdict.objective.words}, against the default", accented=chosen)
        if against
        else None,
        "anchor_copy": ratios(copies, "throughput of the copy, as a multiple of the anchor's"),
        "heat_map": heat_map(cells, verdict.concurrency),
        "throughput_latency": throughput_latency(cells, [each.cell.name for each in verdict.finalists]),
        "latency_breakdown": latency_breakdown(cells, verdict.concurrency),
        "effective_batch": effective_batch(cells, verdict.concurrency),
        "training": training_curves(CURVES),
    }


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

    recommended_config = read_recommended(verdict)
    write_recommended(recommended_config)
    write_json(REPORTS / "metrics.json", metrics(training, parity, verdict, anchor_ratio))
    perf = {
        "verdict": verdict_table(verdict),
        "anchor_copy": [asdict(each) for each in anchor_copy],
        "cells": rows,
    }
    write_json(REPORTS / "perf.json", perf)
    with replacing(REPORTS / "cells.csv") as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g")
    content = {
        "params": params,
        "raw_data": read_json(REPORTS / "raw_data.json"),
        "data": read_json(REPORTS / "data.json"),
        "training": training,
        "parity": exports,
        "serving": {variant: read_json(SERVING / f"{variant}.json") for variant in params.onnx.variants},
        "machine": machine,
        "server": read_json(CELLS / f"{ANCHOR_COPY}.json")["server"],
        "cells": cells,
        "deciding": lambda each: by_name[each.cell.name].at(verdict.concurrency),
        "flags": lambda level: level_flags(level, params, machine["usable_cores"]),
        "anchor_copy": anchor_copy,
        "anchor_sentence": anchor_in_words(anchor_copy),
        "default_threads": read_levels(DEFAULT_THREADS)[0],
        "twin": by_name[default_threads_twin(params).name].at(verdict.concurrency),
        "twin_name": default_threads_twin(params).name,
        "verdict": verdict,
        "sentences": verdict_in_words(verdict),
        "recommended_config": recommended_config,
    }
    write_text(REPORTS / "report.md", render("report.md.jinja", **content))
    write_text(
        REPORTS / "index.html", render("index.html.jinja", **content, figures=read_figures(cells, anchor_copy, verdict))
    )


def main() -> None:
    report(load_params())
    print("open reports/index.html, or read reports/report.md; compare with `dvc metrics diff` and `dvc plots diff`")


if __name__ == "__main__":
    run_stage(main)
