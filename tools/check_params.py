"""Check params.yaml without running anything, and say what it describes.

Run     python tools/check_params.py        (make check)
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from parameters.cells import matrix  # noqa: E402  the stages are scripts, not an installed package
from parameters.schema import Params, load_params  # noqa: E402
from perf_analyzer.window import SLEEP_FACTOR, WINDOWS  # noqa: E402
from runtime.process import run_stage  # noqa: E402


def seconds_of_load(params: Params) -> float:
    """Return how long perf_analyzer will apply load in all cells and the anchor's copy together.

    At each concurrency every round has a window of the candidate and one of the anchor,
    and one more of each is discarded first.
    """
    windows = 2 * (params.perf.rounds + 1) * len(params.perf.concurrency) * (len(matrix(params)) + 1)
    return windows * WINDOWS * SLEEP_FACTOR * params.perf.window_ms / 1000


def main() -> None:
    params = load_params()
    cells = [cell.name for cell in matrix(params)]
    print(f"params.yaml is valid: {params.model} on {params.dataset}, seed {params.seed}")
    print(f"{len(cells)} cells at concurrency {', '.join(map(str, params.perf.concurrency))}:")
    print("\n".join(f"  {name}" for name in cells))
    print(f"measuring all of them applies load for {seconds_of_load(params) / 60:.1f} minutes")


if __name__ == "__main__":
    run_stage(main)
