"""Whether a window makes sense: what a server and a load generator say is recorded, or read again, only then."""

import math
from typing import Any

from assay.ground.numerals import counted
from assay.ground.quoting import quoted
from assay.ground.records import checking
from assay.ground.records import measured as records
from assay.ground.records.measured import Window
from assay.measuring.readings import increase, throughput

LATENCIES = tuple(f"p{percent} latency" for percent in (50, 90, 95, 99))
_POSITIVE = ("Inferences/Second", "Avg latency", *LATENCIES)
# Of a model's statistics, those that must grow in a window, and those that must not shrink.
_GROWING = (("inference_count",), ("execution_count",), ("inference_stats", "success", "count"))
_COMPUTING = tuple(("inference_stats", part, "ns") for part in ("compute_input", "compute_infer", "compute_output"))
_LASTING = (("inference_stats", "fail", "count"), ("inference_stats", "queue", "ns"), *_COMPUTING)
# The server counts from the load generator's start to its end, that only what falls into its intervals: more
# than so many times apart, they do not speak of the same requests.
_FAR_APART = 30


def complaint(window: Any) -> str | None:
    """Return in words what makes no sense in a window as it is recorded, None if nothing does."""
    try:
        return (
            _senseless_row(window["perf_analyzer"])
            or _senseless_statistics(window)
            or _contradiction(window)
            or checking.complaint(window, records.Window)
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return f"it is incomplete ({type(error).__name__}: {error})"


def _senseless_row(row: dict[str, float]) -> str | None:
    for column, value in row.items():
        if not math.isfinite(value) or (column in _POSITIVE and value <= 0):
            return f"perf_analyzer reports {column} {value:g}"
    latencies = [row[column] for column in LATENCIES]
    if latencies != sorted(latencies):
        found = ", ".join(f"{column} {value:g}" for column, value in zip(LATENCIES, latencies, strict=True))
        return f"perf_analyzer reports percentiles that decrease: {found}"
    return f"perf_analyzer reports no {missing[0]}" if (missing := [c for c in _POSITIVE if c not in row]) else None


def _senseless_statistics(window: Window) -> str | None:
    grown = {path: increase(window, *path) for path in (*_GROWING, *_LASTING)}
    if shrunk := [path for path, by in grown.items() if by < 0]:
        return f"the server's statistics went back: {'.'.join(shrunk[0])} by {-grown[shrunk[0]]:,}"
    if still := [path for path in _GROWING if grown[path] == 0]:
        return f"the server's statistics did not grow: {'.'.join(still[0])}"
    return None if any(grown[path] for path in _COMPUTING) else "the server's statistics say that it computed nothing"


def _contradiction(window: Window) -> str | None:
    answered, per_second = increase(window, "inference_count"), throughput(window)
    least, most = per_second * window["counted_s"] / _FAR_APART, per_second * window["seconds"] * _FAR_APART
    if least <= answered <= most:
        return None
    return f"the server counted {counted(answered, 'inference')} where perf_analyzer reports {per_second:,.4g} a second"


def round_complaint(measured: Any) -> str | None:
    """Return in words what makes no sense in a round as it is recorded, None if nothing does."""
    try:
        windows = measured["windows"]
        if not (isinstance(measured["start"], int) and windows):
            return f"it says {quoted(measured['start'])} of its start, and has {counted(len(windows), 'window')}"
        found = {role: why for role, window in windows.items() if (why := complaint(window))}
    except (LookupError, TypeError, AttributeError) as error:
        return f"it is incomplete ({type(error).__name__}: {error})"
    return next((f"{role}: {why}" for role, why in found.items()), None)
