"""Whether this process was stopped, as by Ctrl-Z, and went on: what it timed meanwhile says nothing of others."""

import signal
from types import FrameType

_continued = 0


def notice() -> None:
    """From here on, count how often this process went on after it had been stopped."""
    signal.signal(signal.SIGCONT, _count)


def count() -> int:
    """Return how often it did."""
    return _continued


def _count(_number: int, _frame: FrameType | None) -> None:
    global _continued  # noqa: PLW0603  a process has one life
    _continued += 1
