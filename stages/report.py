"""Gather what the stages measured into a verdict, metrics, tables and a readable report.

Reads   reports/{raw_data,data,training,machine,runoff,saturation}.json, reports/onnx/, reports/serving/
        and the cells that params.yaml names in reports/perf/; earlier verdicts, and those of other
        kinds of server, in reports/verdicts/; benchmarks/results/between_hours.json
Writes  reports/metrics.json: the few numbers that `dvc metrics diff` compares
        reports/perf.json, reports/cells.csv: the verdict, every cell and level
        reports/index.html, for people; reports/report.md, for a pull request
        reports/recommended/config.pbtxt: the configuration to run, if there is one
        reports/verdicts/<server>.json: the verdict, to be compared with another server's and
        another hour's
Run     python stages/report.py
"""

from runtime.stage import run_stage

from dataclasses import asdict
from typing import Any, get_args

import pandas as pd

from analysis.flags import anchor_in_words, interruptions_in_words, repeats_in_words, unstable_in_words
from analysis.level import LevelSummary, summarise_level
from analysis.pages import points, render
from analysis.surroundings import machine_in_words, server_in_words, threads_in_words
from analysis.tables import MeasuredCell, cell_rows, level_flags, metrics, verdict_table
from analysis.variants_table import VariantRow, accelerated_in_words, alone_in_words, variant_row
from deciding.finalists import screen_measured
from deciding.history import FORMAT, Record, another_hour, another_hour_in_words, of_the_same, record, remembering
from deciding.objective import sought
from deciding.recorded import recorded_saturation, recorded_verdict
from deciding.saturation import Saturation, saturation_in_words
from deciding.slo import answer_to_all
from deciding.transfer import comparable, transfer_in_words
from deciding.verdict import Verdict
from deciding.words import verdict_in_words
from figures.report_figures import report_figures
from measuring.journal import complete_starts
from models import CLASSIFIER
from parameters.cells import ANCHOR_COPY, DEFAULT_THREADS, Cell, default_threads_twin, matrix, measured_cells
from parameters.locked import before_reporting, check_parameters, check_results
from parameters.schema import Params, load_params
from parameters.triton import Kind
from runtime.files import replacing, replacing_directory, write_json, write_text
from runtime.lock import machine_shared
from runtime.paths import (
    BETWEEN_HOURS,
    CELLS,
    LOCK,
    MACHINE,
    PARITY,
    RECOMMENDED,
    RECONSTRUCTIONS,
    REPORTS,
    RUNOFF,
    SATURATION,
    SERVING,
    TRAINING,
    VERDICTS,
)
from runtime.records.checking import read_record
from runtime.records.measured import CellFile, Runoff, SaturationFile
from runtime.records.prepared import Data, Exports, Machine, RawData, Served, Training
from runtime.records.verdicts import BetweenHours, Kept, KeptRecord


def summaries(measured: dict[str, Any], params: Params) -> list[LevelSummary]:
    """Return the summaries of the levels in a cell's file."""
    return [summarise_level(level, sought(level["concurrency"], params)) for level in measured["levels"]]


def write_recommended(config: str) -> None:
    """Write a recommended config.pbtxt, or an empty folder."""
    with replacing_directory(RECOMMENDED) as folder:
        if config:
            write_text(folder / "config.pbtxt", config)


def rates_in_words(params: Params, sustained: Saturation | None) -> list[str]:
    """Say what request rates are sustained, if params.yaml asks for it."""
    distribution = params.perf.open_loop.distribution
    if distribution is None:
        return []
    if sustained is None:
        return ["No request rate was looked for: there is no configuration to send it to."]
    return [saturation_in_words(sustained, distribution)]


def accuracy_in_words(verdict: Verdict, rows: list[VariantRow]) -> list[str]:
    """Say what the recommended variant surely costs in accuracy, if it does."""
    chosen = recommended_variant(verdict, rows)
    if verdict.recommended is None or chosen.accuracy_change is None or chosen.accuracy_change.high >= 0:
        return []
    return [f"It is less accurate than `{rows[0].name}`: {points(chosen.accuracy_change)} percentage points."]


def recommended_variant(verdict: Verdict, rows: list[VariantRow]) -> VariantRow:
    """Return the row of the variant that is recommended, or else of the default one."""
    cell = (verdict.recommended or verdict.default).cell
    (row,) = (each for each in rows if each.name == cell.variant)
    return row


def read_kept(server: str) -> Record | None:
    """Return the verdict that is kept of a kind of server, None where there is none of this format."""
    path = VERDICTS / f"{server}.json"
    if not path.exists():
        return None
    if read_record(path, Kept).get("format") != FORMAT:
        print(f"{path.relative_to(REPORTS.parent)} is of another format, and is left out", flush=True)
        return None
    kept: Record = read_record(path, KeptRecord)
    return kept


def beside_others(ours: Record) -> tuple[Record, list[str]]:
    """Return the verdict with earlier ones, and how it compares with those of other kinds of server, in words."""
    ours = remembering(ours, read_kept(ours["server"]))
    others = comparable(ours, [kept for server in get_args(Kind) if (kept := read_kept(server))])
    return ours, [transfer_in_words(ours, other) for other in others]


def misses_a_limit(cell: Cell, measured: dict[str, Any], exports: dict[str, Any], params: Params) -> bool:
    """Return whether a cell was left out of the run-off because it would miss a limit in any start."""
    screened = screen_measured(cell, measured, params, exports[cell.variant][CLASSIFIER])
    return answer_to_all(screened.hopes) == "fails" and cell != matrix(params)[0]


def variant_rows(
    params: Params, exports: dict[str, Any], files: dict[str, Any], cells: list[MeasuredCell], level: int
) -> list[VariantRow]:
    """Return a row for each variant, with its cell of the default configuration at one concurrency."""
    defaults = {each.cell.variant: each for each in reversed(cells)}
    first = exports[params.onnx.variants[0]]
    return [
        variant_row(variant, of, first, files[default.cell.name], default.at(level))
        for variant, of in exports.items()
        if (default := defaults[variant])
    ]


def gather(params: Params) -> dict[str, Any]:
    """Return everything that the templates show."""
    machine = read_record(MACHINE, Machine)
    exports = {variant: read_record(PARITY / f"{variant}.json", Exports) for variant in params.onnx.variants}
    files = {name: read_record(CELLS / f"{name}.json", CellFile) for name in measured_cells(params)}
    cells = [MeasuredCell(cell, summaries(files[cell.name], params)) for cell in matrix(params)]
    runoff = read_record(RUNOFF, Runoff)
    open_loop = read_record(SATURATION, SaturationFile)
    verdict, sustained = recorded_verdict(runoff, params), recorded_saturation(open_loop, params)
    anchor_copy, twin = summaries(files[ANCHOR_COPY], params), default_threads_twin(params)
    by_name = {each.cell.name: each for each in cells}
    rows = variant_rows(params, exports, files, cells, verdict.concurrency)
    server = files[ANCHOR_COPY]["server"]
    ours, said_of_servers = beside_others(
        record(params, machine, exports, verdict_table(verdict), runoff["measured_at"])
    )
    earlier, study = of_the_same(ours), read_record(BETWEEN_HOURS, BetweenHours)
    expected = another_hour(verdict, earlier, study)
    failing = sum(misses_a_limit(cell, files[cell.name], exports, params) for cell in matrix(params))
    answer, *details = verdict_in_words(verdict, len(cells), failing)
    return {
        "params": params,
        "raw_data": read_record(REPORTS / "raw_data.json", RawData),
        "data": read_record(REPORTS / "data.json", Data),
        "training": read_record(TRAINING, Training),
        "reconstructed": RECONSTRUCTIONS.exists(),
        "parity": exports,
        "variants": rows,
        "alone": alone_in_words(params.onnx.variants),
        "accelerated": accelerated_in_words(params.onnx.variants) if "onnxruntime" in machine["server"] else None,
        "run_variant": recommended_variant(verdict, rows),
        "serving": {variant: read_record(SERVING / f"{variant}.json", Served) for variant in params.onnx.variants},
        "machine": machine,
        "server": server,
        "machine_in_words": machine_in_words(machine, params),
        "server_in_words": server_in_words(server, machine, params),
        "threads_in_words": threads_in_words(machine, params),
        "cells": cells,
        "interrupted": any(level.starts > 1 for each in cells for level in each.levels),
        "deciding": lambda each: by_name[each.cell.name].at(verdict.concurrency),
        "flags": lambda level: level_flags(level, params, machine),
        "anchor_copy": anchor_copy,
        "anchor_sentence": anchor_in_words(anchor_copy),
        "anchor_measured_at": files[ANCHOR_COPY]["measured_at"],
        "decided_at": runoff["measured_at"],
        "default_threads": summaries(files[DEFAULT_THREADS], params)[0],
        "twin": by_name[twin.name].at(verdict.concurrency),
        "twin_name": twin.name,
        "verdict": verdict,
        "runoff_repeats": repeats_in_words(complete_starts(runoff["rounds"], params.perf.runoff.rounds)),
        "open_loop_interruptions": interruptions_in_words(open_loop["rounds"]),
        "sentences": [
            answer,
            *([another_hour_in_words(verdict, expected, study)] if expected else []),
            *details,
            *accuracy_in_words(verdict, rows),
            *rates_in_words(params, sustained),
            *said_of_servers,
            *unstable_in_words([level for each in cells for level in each.levels], params.perf.precision),
        ],
        "kept": ours,
        "earlier": earlier,
        "another_hour": expected,
        "sustained": sustained,
        "recommended_config": files[verdict.recommended.cell.name]["config"] if verdict.recommended else "",
    }


def write_tables(found: dict[str, Any]) -> None:
    """Write metrics.json, perf.json, cells.csv and the verdict that is kept."""
    params, verdict, anchor_copy = found["params"], found["verdict"], found["anchor_copy"]
    (anchor_ratio,) = (each.throughput_ratio for each in anchor_copy if each.concurrency == verdict.concurrency)
    parity = {variant: exports[CLASSIFIER]["parity"] for variant, exports in found["parity"].items()}
    write_json(
        REPORTS / "metrics.json", metrics(found["training"], parity, verdict, anchor_ratio, found["another_hour"])
    )
    rows = cell_rows(found["cells"], params, found["machine"])
    perf = {
        "verdict": verdict_table(verdict),
        "anchor_copy": [asdict(each) for each in anchor_copy],
        "cells": rows,
    }
    write_json(REPORTS / "perf.json", perf)
    write_json(VERDICTS / f"{found['kept']['server']}.json", found["kept"])
    with replacing(REPORTS / "cells.csv") as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g")


@machine_shared()
def main() -> None:
    params = load_params()
    check_parameters(LOCK, before_reporting(params), params)
    found = gather(params)
    check_results(LOCK, before_reporting(params))
    figures = report_figures(found["cells"], found["anchor_copy"], found["verdict"], found["sustained"])
    write_recommended(found["recommended_config"])
    write_tables(found)
    write_text(REPORTS / "report.md", render("report.md.jinja", **found))
    write_text(REPORTS / "index.html", render("index.html.jinja", **found, figures=figures))
    print("open reports/index.html, or read reports/report.md; compare with `dvc metrics diff` and `dvc plots diff`")


if __name__ == "__main__":
    run_stage(main)
