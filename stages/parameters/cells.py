"""The benchmark matrix: what a cell is, how it is named, which ones there are."""

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parameters.schema import Params

ANCHOR = "anchor"
ANCHOR_COPY = "anchor_copy"
DEFAULT_THREADS = "default_threads"

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
    """One serving configuration of one variant of the classifier."""

    variant: str
    instances: int
    max_batch_size: int
    dynamic_batching: str

    @property
    def name(self) -> str:
        """The cell's name: DVC's `${key}`, the model's name, the report's row."""
        return f"{self.variant}-{self.instances}-{self.max_batch_size}-{self.dynamic_batching}"

    @property
    def batching(self) -> DynamicBatching | None:
        """The parsed `dynamic_batching`; None means off."""
        return parse_batching(self.dynamic_batching)


def matrix(params: "Params") -> list[Cell]:
    """Return every cell of the matrix, in DVC's order: the last axis varies fastest.

    The first value of each axis together make the default configuration: the
    first cell returned.
    """
    axes = itertools.product(
        params.onnx.variants,
        params.perf.instances,
        params.perf.max_batch_size,
        params.perf.dynamic_batching,
    )
    return [Cell(*values) for values in axes]


def measured_cells(params: "Params") -> list[str]:
    """Return the name of everything that is measured against the anchor, in the order in which DVC does."""
    return [*(cell.name for cell in matrix(params)), DEFAULT_THREADS, ANCHOR_COPY]


def default_threads_twin(params: "Params") -> Cell:
    """Return the cell that `default_threads` repeats with ONNX Runtime's own number of threads.

    It is the default configuration with the most instances: where every instance
    brings a thread for each core, they get in each other's way most.
    """
    most = max(params.perf.instances)
    return next(cell for cell in matrix(params) if cell.instances == most)
