"""Every picture of the report's page."""

from typing import Any

from assay.deciding.verdict import Verdict
from assay.ground.paths import CURVES, RECONSTRUCTIONS, ROC
from assay.ground.tables import read_columns
from assay.saturation.sustained import Saturation
from assay.telling.figures.effective_batch import effective_batch
from assay.telling.figures.heat_map import heat_map, race_map
from assay.telling.figures.latency_breakdown import latency_breakdown
from assay.telling.figures.race import race
from assay.telling.figures.ratios import ratios
from assay.telling.figures.roc import roc
from assay.telling.figures.saturation import saturation as saturation_figure
from assay.telling.figures.stored import stored
from assay.telling.figures.throughput_latency import throughput_latency
from assay.telling.figures.training_curve import training_curves
from assay.telling.level import LevelSummary
from assay.telling.race import RaceSummary
from assay.telling.tables import MeasuredCell


def report_figures(
    cells: list[MeasuredCell],
    anchor_copy: list[LevelSummary],
    verdict: Verdict,
    sustained: Saturation | None,
    raced: RaceSummary | None,
    *,
    judged: bool = True,
) -> dict[str, Any]:
    """Return the pictures of the page, None of what was not measured; without labels nothing is `judged`."""
    finalists = sorted(verdict.finalists, key=lambda each: each.against_default.value if each.against_default else 0)
    against = {each.cell.name: each.against_default for each in reversed(finalists) if each.against_default}
    chosen = verdict.recommended.cell.name if verdict.recommended else None
    copies = {f"concurrency {level.concurrency}": level.throughput_ratio for level in anchor_copy}
    return {
        "finalists": ratios(against, f"{verdict.objective.words}, against the default", accented=chosen)
        if against
        else None,
        "anchor_copy": ratios(copies, "throughput of the copy, as a multiple of the anchor's"),
        "heat_map": heat_map(cells, verdict.concurrency) if len(cells) > 1 else None,
        "race": race(raced, [each.cell.name for each in verdict.finalists]) if raced and raced.measured else None,
        "race_map": race_map(raced) if raced and raced.measured else None,
        "throughput_latency": throughput_latency(cells, [each.cell.name for each in verdict.finalists]),
        "latency_breakdown": latency_breakdown(cells, verdict.concurrency),
        "effective_batch": effective_batch(cells, verdict.concurrency),
        "saturation": saturation_figure(sustained.rates) if sustained else None,
        "training": training_curves(CURVES),
        "roc": roc(read_columns(ROC, ("area", "false_positive_rate", "true_positive_rate"), texts=("class",)))
        if judged
        else None,
        "reconstructions": stored(RECONSTRUCTIONS, "An example of each class, and what the autoencoder made of it")
        if RECONSTRUCTIONS.exists()
        else None,
    }
