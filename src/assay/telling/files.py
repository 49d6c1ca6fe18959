"""The files of the report that other programs read: metrics, tables, the configuration to run, the verdict to keep."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from assay.ground.files import replacing, replacing_directory, write_json, write_text
from assay.ground.paths import RECOMMENDED, REPORTS, VERDICTS
from assay.ground.records.prepared import measured
from assay.telling.race import race_rows
from assay.telling.tables import cell_rows, metrics, verdict_table


def write_recommended(config: str) -> None:
    """Write a recommended config.pbtxt, or an empty folder."""
    with replacing_directory(RECOMMENDED) as folder:
        if config:
            write_text(folder / "config.pbtxt", config)


def write_tables(found: dict[str, Any]) -> None:
    """Write metrics.json, perf.json, cells.csv and the verdict that is kept, from what the templates show."""
    results, verdict, anchor_copy = found["results"], found["verdict"], found["anchor_copy"]
    (anchor_ratio,) = (each.throughput_ratio for each in anchor_copy if each.concurrency == verdict.concurrency)
    parity = {variant: measured(exports)["parity"] for variant, exports in results.exports.items()}
    agreement = {row.name: row.agreement for row in found["variants"] if row.agreement is not None}
    quality = {**results.training, "parity": parity, **({"agreement": agreement} if agreement else {})}
    write_json(REPORTS / "metrics.json", metrics(quality, verdict, anchor_ratio, found["another_hour"]))
    rows = cell_rows(found["cells"], found["flags"])
    perf = {
        "model": found["params"].model,
        "dataset": found["params"].dataset,
        "verdict": verdict_table(verdict),
        "anchor_copy": [asdict(each) for each in anchor_copy],
        "cells": rows,
    }
    if found["race"]:
        perf["race"] = race_rows(found["race"])
    write_json(REPORTS / "perf.json", perf)
    write_json(VERDICTS / f"{found['kept']['server']}.json", found["kept"])
    with replacing(REPORTS / "cells.csv") as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g")
