"""Tell how far a measurement is: a bar on a terminal, a line a look in a log."""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from assay.ground.numerals import agreeing, counted
from assay.measuring.rounds import Rounds


class Progress:
    """The progress of one level, told round by round.

    `aim` returns the number of rounds at which the level may end next, `in_words` what
    the rounds so far amount to. On a terminal the bar shows both and the time left; in a
    log there is a line when measuring begins and one whenever `aim` is reached.
    """

    def __init__(self, title: str, aim: Callable[[int], int], in_words: Callable[[Rounds], str]) -> None:
        self._title, self._aim, self._in_words = title, aim, in_words
        self._is_terminal = sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._began = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def resumed(self, done: int) -> None:
        """Say how many rounds an interrupted run left behind."""
        if done:
            print(
                f"{self._title}: {counted(done, 'round')} {agreeing(done, 'is', 'are')} kept "
                "from a run that was interrupted",
                flush=True,
            )

    def update(self, rounds: Rounds) -> None:
        """Tell of one more round."""
        done = len(rounds)
        if self._is_terminal:
            if self._bar is None:
                self._bar = tqdm(
                    desc=self._title, unit="round", initial=done - 1, total=self._aim(done - 1), leave=False
                )
            self._bar.total = max(self._bar.total, self._aim(done - 1))
            self._bar.set_postfix_str(self._in_words(rounds) if done > 1 else "", refresh=False)
            self._bar.update()
        if done == self._aim(done - 1):
            seconds = time.monotonic() - self._began
            self._say(f"{self._title}: {counted(done, 'round')}, {seconds:.0f} s: {self._in_words(rounds)}")

    def _say(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        print(line, flush=True)
