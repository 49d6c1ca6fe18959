"""Single requests of a window, as perf_analyzer exports them: how long each took, kept as a histogram.

An export holds every request with its inputs, megabytes of JSON; what a limit on latency is
judged by are the times alone, and those to a hundredth.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from assay.ground.process import StageError

# Each bin of a histogram ends so many times later than the one before; bin 0 ends at 1 µs.
WIDTH = 1.01
# perf_analyzer writes a value of an input in up to so many bytes.
BYTES_A_VALUE = 16
# A larger export takes longer than the window that it tells of.
LARGEST_EXPORT = 64 * 2**20

Histogram = Mapping[str, int]


def latencies_us(path: Path) -> list[float]:
    """Return the microseconds from sending to the last response of each request in an export.

    Raises StageError if it is not what perf_analyzer 2.51 writes: with shared memory, it may be cut short.
    """
    try:
        (experiment,) = json.loads(path.read_text(encoding="utf-8"))["experiments"]
        return [(each["response_timestamps"][-1] - each["timestamp"]) / 1000 for each in experiment["requests"]]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise StageError(
            f"perf_analyzer's export of single requests cannot be read ({type(error).__name__}); if that stays so, set "
            "load.shared_memory to none"
        ) from None


def histogram(latencies: list[float]) -> dict[str, int]:
    """Return how many of some latencies, in microseconds, lie in each bin: its number -> count."""
    # The clock that they come from may be set back.
    bins = Counter(math.ceil(math.log(max(1.0, each)) / math.log(WIDTH)) for each in latencies)
    return {str(number): bins[number] for number in sorted(bins)}


def beyond(bins: Histogram, limit_us: float) -> tuple[int, int]:
    """Return how many requests took longer than a limit, at least and at most: its own bin may lie on either side."""
    own = math.ceil(math.log(limit_us) / math.log(WIDTH))
    fewest = sum(count for number, count in bins.items() if int(number) > own)
    return fewest, fewest + bins.get(str(own), 0)
