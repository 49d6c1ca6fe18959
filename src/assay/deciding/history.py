"""Verdicts that are kept: what each rests on, and earlier ones on the same machine, server and models."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.ground.files import shown
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import Machine
from assay.ground.records.verdicts import Kept, KeptRecord
from assay.machine.cores import server_cores
from assay.measuring.journal import digest
from assay.params.cells import Cell
from assay.params.perf import Perf
from assay.params.triton import Triton

# A verdict as `reports/verdicts/<server>.json` holds it: `server`, its `backend`, when it was
# `measured_at`, the `basis` that it rests on, the `verdict`, and `earlier` ones on whatever basis.
Record = dict[str, Any]
# What is left of an earlier verdict: its time, a digest of its basis and server, who was recommended, and the ratios.
Earlier = dict[str, Any]
KEPT = 50
# Of what a record holds; whoever reads one of another format does without it.
FORMAT = 3
LOOPBACK = ("127.", "localhost:", "[::1]:")


def question(cells: Sequence[Cell], perf: Perf, how: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked, as JSON: the matrix, how it is measured, which sections of params.yaml say, what is best.

    A limit that is not set asks for nothing, further shapes decide nothing, and how finalists are found is no question.
    """
    axes = {"instances", "max_batch_size", "dynamic_batching", "threads", "options", "shapes", "search"}
    unset = {limit for limit in ("agreement", "difference") if getattr(perf.slo, limit) is None}
    asked = perf.model_dump(exclude={**dict.fromkeys(axes, True), "slo": unset})
    return {"cells": [cell.name for cell in cells], "perf": asked, **how}


def basis(
    triton: Triton, client_cores: int, machine: Machine, exports: dict[str, Any], question: dict[str, Any]
) -> dict[str, Any]:
    """Return what a verdict rests on: the machine, where the server is, its cores, the models, and the question.

    That is the matrix, how it is measured and what is best, as JSON.
    """
    url = triton.url.http
    elsewhere = triton.server == "url" and not url.startswith(LOOPBACK)
    return {
        "machine": {key: value for key, value in machine.items() if key != "server"},
        "server_at": url if elsewhere else "this machine",
        "server_cores": server_cores(triton, client_cores, machine["usable_cores"]),
        "exports": {variant: {name: _same(each) for name, each in of.items()} for variant, of in exports.items()},
        **question,
    }


def _same(export: dict[str, Any]) -> dict[str, Any]:
    """Return what of an export tells it from others; what else is written of it says nothing new."""
    told = ("sha256", "accelerator", "test_correct", "test_examples")
    return {key: export[key] for key in told if key in export}


def record(
    server: str, identity: dict[str, Any], basis: dict[str, Any], verdict: dict[str, Any], measured_at: str
) -> Record:
    """Return a verdict of a kind of server, with what it rests on."""
    return {
        "format": FORMAT,
        "server": server,
        "backend": identity.get("backend"),
        "identity": identity,
        "measured_at": measured_at,
        "basis": basis,
        "verdict": verdict,
        "earlier": [],
    }


def _shortened(full: Record) -> Earlier:
    verdict = full["verdict"]
    return {
        "measured_at": full["measured_at"],
        "basis": digest([], [full["basis"], full["identity"]]),
        "recommended": verdict["recommended"],
        "against_default": {each["cell"]: each["against_default"] for each in verdict["finalists"]},
    }


def remembering(ours: Record, last: Record | None) -> Record:
    """Return our record with the last one and that one's earlier ones: one of each run-off and each question to it.

    DVC brings a run-off back from its cache wherever its question is asked again.
    """
    if last is None:
        return ours
    known = {(each["measured_at"], each["basis"]): each for each in (*last["earlier"], _shortened(last))}
    known.pop((ours["measured_at"], _shortened(ours)["basis"]), None)
    return {**ours, "earlier": list(known.values())[-KEPT:]}


def of_the_same(ours: Record) -> list[Earlier]:
    """Return the verdicts, the newest and our own first, on one machine, server and set of models."""
    own = _shortened(ours)
    return [own, *(each for each in reversed(ours["earlier"]) if each["basis"] == own["basis"])]


def read_kept(path: Path, fate: str = "left out") -> Record | None:
    """Return the verdict that is kept in a file, None where there is none of this format; say its `fate` then."""
    if not path.exists():
        return None
    if read_record(path, Kept).get("format") != FORMAT:
        print(f"{shown(path)} is of another format, and is {fate}", flush=True)
        return None
    kept: Record = read_record(path, KeptRecord)
    return kept
