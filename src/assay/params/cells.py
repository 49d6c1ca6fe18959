"""A cell of the benchmark matrix: what it is, and how it is named."""

import re
from dataclasses import dataclass

from assay.ground.numerals import counted

# The export that every model family has which is trained; it is the one whose serving is measured.
CLASSIFIER = "classifier"

_NUMBER = r"(?:0|[1-9]\d*)"
_BATCHING = re.compile(rf"delay_(?P<delay>{_NUMBER})us(?:_preferred_(?P<preferred>{_NUMBER}(?:_{_NUMBER})*))?")

LONGEST_DELAY_US = 10_000_000
BATCHING_SYNTAX = "off, delay_<microseconds>us or delay_<microseconds>us_preferred_<size>_<size>"


@dataclass(frozen=True)
class DynamicBatching:
    """Triton's dynamic batcher: how long to wait, and for which batch sizes."""

    delay_us: int
    preferred: tuple[int, ...]


def parse_batching(text: str) -> DynamicBatching | None:
    """Return what a value of `perf.dynamic_batching` asks for; None means off.

    Raises ValueError, with the syntax, for anything else.
    """
    if text == "off":
        return None
    match = _BATCHING.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a batching; write {BATCHING_SYNTAX}")
    if len(match["delay"]) > len(str(LONGEST_DELAY_US)) or int(match["delay"]) > LONGEST_DELAY_US:
        raise ValueError(f"a batching may delay requests by at most {LONGEST_DELAY_US} microseconds")
    preferred = tuple(int(size) for size in (match["preferred"] or "").split("_") if size)
    if list(preferred) != sorted(set(preferred)) or 0 in preferred:
        raise ValueError(f"{text!r}: preferred sizes must be positive and ascending")
    return DynamicBatching(delay_us=int(match["delay"]), preferred=preferred)


@dataclass(frozen=True)
class Cell:
    """One serving configuration of one variant of the model, asked in a shape of its own where it has one.

    `threads` are those of each instance, None for its share of the cores; `option` is the name of one in the section
    options of params.yaml. Of one that is measured `as_configured`, by its owner, these say nothing but whether it
    batches.
    """

    variant: str
    instances: int
    max_batch_size: int
    dynamic_batching: str
    threads: int | None = None
    option: str = ""
    shape: str = ""
    as_configured: bool = False

    @property
    def configuration(self) -> str:
        """The configuration's name: that of the model that is served, whatever it is asked."""
        further = (*([self.threads] if self.threads else []), *([self.option] if self.option else []))
        parts = (self.variant, self.instances, self.max_batch_size, self.dynamic_batching, *further)
        return "-".join(map(str, parts))

    @property
    def name(self) -> str:
        """The cell's name: DVC's `${key}`, the report's row."""
        return f"{self.configuration}-{self.shape}" if self.shape else self.configuration

    @property
    def batching(self) -> DynamicBatching | None:
        """The parsed `dynamic_batching`; None means off."""
        return parse_batching(self.dynamic_batching)

    @property
    def meaning(self) -> str:
        """What it is in words, as in `2 instances, batches of up to 64, delay 500 µs`."""
        if self.as_configured:
            return "as its owner configured it"
        threads = [f"{counted(self.threads, 'thread')} each"] if self.threads else []
        option = [self.option] if self.option else []
        return ", ".join([counted(self.instances, "instance"), *threads, *self._batching_in_words(), *option])

    def _batching_in_words(self) -> list[str]:
        batching = self.batching
        if batching is None:
            return ["no batching"]
        preferred = [f"preferred {' or '.join(map(str, batching.preferred))}"] if batching.preferred else []
        delay = f"delay {batching.delay_us:,} µs" if batching.delay_us else "no delay"
        return [f"batches of up to {self.max_batch_size}", *preferred, delay]
