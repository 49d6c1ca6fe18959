"""Windows and rounds as the stages record them, made up for tests."""

from typing import Any

from assay.deciding.objective import OBJECTIVES
from assay.telling.level import LevelSummary, summarise_level

PARTS = ("success", "queue", "compute_input", "compute_infer", "compute_output")


def statistics(requests: int, batch: int) -> Any:
    part = {"count": requests, "ns": requests * 1_000_000}
    return {
        "inference_count": requests,
        "execution_count": requests // batch,
        "inference_stats": {**dict.fromkeys(PARTS, part), "fail": {"count": 0, "ns": 0}},
    }


def window(
    throughput: float,
    *,
    concurrency: int = 8,
    requests: int = 600,
    batch: int = 1,
    latency_factor: float = 1.0,
    cpu: tuple[float | None, float] = (0.3, 0.1),
    repeats: int = 0,
) -> Any:
    """Return a window of 0.5 s in which `requests` were answered; latencies follow Little's law."""
    latency = latency_factor * concurrency * 1e6 / throughput
    row = {"Inferences/Second": throughput, "Avg latency": latency, "Request count": float(requests)}
    row |= {f"{name} latency": latency for name in ("p50", "p90", "p95", "p99")}
    return {
        "model": "a-model",
        "perf_analyzer": row,
        "statistics": {"before": statistics(0, 1), "after": statistics(requests, batch)},
        "cpu_seconds": {"server": cpu[0], "client": cpu[1]},
        "counted_s": 0.3,
        "seconds": 0.5,
        "latency_bins": None,
        "repeats": repeats,
    }


def one_round(start: int = 1, **windows: dict[str, Any]) -> Any:
    return {
        "start": start,
        "order": sorted(windows),
        "windows": windows,
        "server_peak_memory": 300 * 2**20,
        "model_alone": {"batch": 1, "us": 100.0},
    }


def level(ratios: list[float], concurrency: int = 8, **settings: Any) -> Any:
    """Return a level whose candidate had these throughput ratios; `settings` go to its windows."""
    speeds = [1000 + 10 * index for index in range(len(ratios))]
    rounds = [
        one_round(
            anchor=window(speed, concurrency=concurrency),
            candidate=window(speed * ratio, concurrency=concurrency, **settings),
        )
        for speed, ratio in zip(speeds, ratios, strict=True)
    ]
    return {"concurrency": concurrency, "rounds": rounds}


def summarised(level: Any, sought: str = "throughput") -> LevelSummary:
    """Return the summary of a level that was measured for an objective."""
    return summarise_level(level, OBJECTIVES[sought])
