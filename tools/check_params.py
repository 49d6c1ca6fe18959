"""Check params.yaml without running anything, and say what it describes.

Run     python tools/check_params.py        (make check)
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from runtime.stage import run_stage  # noqa: E402

from parameters.cells import matrix  # noqa: E402  the stages are scripts, not an installed package
from parameters.schema import Params, load_params  # noqa: E402
from perf_analyzer.window import SLEEP_FACTOR, WINDOWS  # noqa: E402
from uncertainty.stopping import LOOKS  # noqa: E402


def seconds_of_load(params: Params) -> tuple[float, float]:
    """Return for how long perf_analyzer will apply load: at least, and at most.

    At each concurrency every round has a window of the candidate and one of the anchor,
    and one more of each is discarded first. The run-off has at most all its finalists.
    """
    perf = params.perf
    levels = len(perf.concurrency) * (len(matrix(params)) + 1) + 1  # the anchor's copy, default threads
    finalists = min(perf.runoff.finalists, len(matrix(params)))
    runoff = perf.runoff.starts * (perf.runoff.rounds + 1) * finalists
    window = WINDOWS * SLEEP_FACTOR * perf.window_ms / 1000
    least, most = ((2 * (rounds + 1) * levels + runoff) * window for rounds in (LOOKS[0], LOOKS[-1]))
    return least, most


def main() -> None:
    params = load_params()
    cells = [cell.name for cell in matrix(params)]
    print(f"params.yaml is valid: {params.model} on {params.dataset}, seed {params.seed}")
    print(f"{len(cells)} cells at concurrency {', '.join(map(str, params.perf.concurrency))}:")
    print("\n".join(f"  {name}" for name in cells))
    least, most = (seconds / 60 for seconds in seconds_of_load(params))
    print(f"measuring all of them and deciding applies load for {least:.1f} to {most:.1f} minutes")
    if params.perf.open_loop.distribution:
        print("the open loop comes on top, with windows as long as its rates and percentiles need")


if __name__ == "__main__":
    run_stage(main)
