"""Gather what the stages measured into metrics, tables and a readable report.

Reads   reports/{raw_data,data,training,machine,runoff,verdict,saturation}.json, reports/onnx/, reports/serving/
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

from assay.ground.stage import run_stage

from functools import partial
from typing import Any

from assay.deciding.another_hour import another_hour, another_hour_in_words
from assay.deciding.history import of_the_same, question
from assay.deciding.objective import sought
from assay.ground.dvc_lock import check_parameters, check_results
from assay.ground.files import write_text
from assay.ground.paths import BETWEEN_HOURS, RECONSTRUCTIONS, REPORTS, ROOT
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import measured
from assay.ground.records.verdicts import BetweenHours
from assay.machine.lock import machine_shared
from assay.params.matrix import ANCHOR_COPY, default_threads_twin
from assay.params.stages import before_reporting
from assay.saturation.sustained import recorded_saturation
from assay.telling.figures.report_figures import report_figures
from assay.telling.files import write_recommended, write_tables
from assay.telling.flags import anchor_in_words, flags, interruptions_in_words, runoff_in_words, unstable_in_words
from assay.telling.kept import said_of_other_servers, to_keep
from assay.telling.pages import render
from assay.telling.race import MOST_ROWS, race_in_words, summarise_race
from assay.telling.recommendation import failing, quality_in_words, rates_in_words, recommended_variant, variant_rows
from assay.telling.results import Results, read_results
from assay.telling.second_names import second_names, second_names_in_words
from assay.telling.shapes import shape_rows
from assay.telling.subject import about_the_model, backend_of
from assay.telling.surroundings import machine_in_words, server_in_words, threads_in_words
from assay.telling.tables import MeasuredCell
from assay.telling.threads import default_threads
from assay.telling.variants_table import accelerated_in_words
from assay.telling.words import verdict_in_words
from assay.validation.schema import Params, load_params


def gather(results: Results, params: Params) -> dict[str, Any]:
    """Return everything that the templates show."""
    verdict, machine, perf = results.verdict, results.machine, params.perf
    levels = partial(results.levels, sought=partial(sought, perf=perf))
    asked_for, every_cell = results.as_told(params.cells), results.as_told(params.every_cell)
    every = [MeasuredCell(cell, levels(cell.name)) for cell in every_cell if cell.name in results.cells]
    cells = [each for each in every if not each.cell.shape]
    by_name = {each.cell.name: each for each in cells}
    anchor_copy = levels(ANCHOR_COPY)
    rows = variant_rows(results.exports, results.cells, cells, verdict.concurrency)
    how = params.model_dump(include={"load", "finalists", "runoff"})
    options = {name: text for name, text in params.options.items() if name in perf.options}
    asked = question(asked_for, perf, how | ({"options": options} if options else {}))
    ours = to_keep(results, params.triton, params.load.client_cores, asked)
    study = read_record(BETWEEN_HOURS, BetweenHours)
    earlier = of_the_same(ours)
    expected = another_hour(verdict, earlier, study)
    served = {variant: measured(exports) for variant, exports in results.exports.items()}
    race = summarise_race(results.race, asked_for, served, perf) if results.race else None
    same_as = {} if race else second_names(asked_for, results.cells)
    different = [cell for cell in asked_for if cell.name not in same_as]
    out = race.failing if race else failing(different, results.cells, served, perf)
    answer, *details = verdict_in_words(verdict, race.comparable if race else len(different), out)
    distribution = params.saturation.distribution
    sustained = recorded_saturation(results.saturation["rounds"], perf.slo) if distribution else None
    return {
        "params": params,
        "results": results,
        **about_the_model(results, params.model, params.dataset, rows, max(params.perf.max_batch_size)),
        "reconstructed": RECONSTRUCTIONS.exists(),
        "accelerated": accelerated_in_words(rows) if "onnxruntime" in machine["server"] else None,
        "run_variant": recommended_variant(verdict, rows),
        "machine_in_words": machine_in_words(machine, params.triton),
        "server_in_words": server_in_words(results.server, machine, params.triton, params.load),
        "options": options,
        "threads_in_words": threads_in_words(machine, params.triton, backend_of(results), further=bool(perf.threads)),
        "cells": cells,
        "shapes": shape_rows(every, results, verdict.concurrency),
        "interrupted": any(level.starts > 1 for each in cells for level in each.levels),
        "deciding": lambda each: by_name[each.cell.name].at(verdict.concurrency),
        "flags": partial(
            flags, precision=params.screening.precision, client_cores=params.load.client_cores, machine=machine
        ),
        "anchor_copy": anchor_copy,
        "anchor_sentence": anchor_in_words(anchor_copy),
        **default_threads(results, default_threads_twin(asked_for), cells, levels),
        "race": race,
        "most_racers": MOST_ROWS,
        "tried": len((race.measured or race.different) if race else different),
        "verdict": verdict,
        "runoff_repeats": runoff_in_words(results.runoff["rounds"], params.runoff.rounds),
        "saturation_interruptions": interruptions_in_words(results.saturation["rounds"]),
        "sentences": [
            answer,
            *([another_hour_in_words(verdict, expected, study)] if expected else []),
            *(race_in_words(race) if race else second_names_in_words(same_as)),
            *details,
            *quality_in_words(verdict, rows),
            *rates_in_words(distribution, sustained),
            *said_of_other_servers(ours),
            *unstable_in_words([level for each in cells for level in each.levels], params.screening.precision),
        ],
        "kept": ours,
        "earlier": earlier,
        "another_hour": expected,
        "sustained": sustained,
        "recommended_config": results.cells[verdict.recommended_name]["config"] if verdict.recommended_name else "",
    }


@machine_shared()
def main() -> None:
    params = load_params()
    search = params.perf.search
    before = before_reporting(params.onnx.variants, params.every_cell, search)
    check_parameters(ROOT, before, params.model_dump(exclude_unset=True))
    results = read_results(params.onnx.variants, params.every_cell, search)
    found = gather(results, params)
    check_results(ROOT, before)
    figures = report_figures(
        found["cells"],
        found["anchor_copy"],
        found["verdict"],
        found["sustained"],
        found["race"],
        judged=found["judged"],
    )
    # What is missing in a record is found out here, before anything is written.
    text, page = render("report.md.jinja", **found), render("index.html.jinja", **found, figures=figures)
    write_recommended(found["recommended_config"])
    write_tables(found)
    write_text(REPORTS / "report.md", text)
    write_text(REPORTS / "index.html", page)
    print("open reports/index.html, or read reports/report.md; compare with `dvc metrics diff` and `dvc plots diff`")


if __name__ == "__main__":
    run_stage(main)
