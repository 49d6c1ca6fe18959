"""What each variant costs and gives, every number from a file that a stage wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.params.cells import CLASSIFIER
from assay.statistics.interval import Interval
from assay.statistics.tolerance import paired_share_difference
from assay.telling.level import LevelSummary


@dataclass(frozen=True)
class VariantRow:
    """A variant of the classifier, and how its cell of the matrix with the default configuration was served.

    `accuracy_change` is against the first variant, on the same test examples. `single_us`
    are percentiles of one example without a server. What is None is unknown.
    """

    name: str
    accuracy: float
    accuracy_change: Interval | None
    export: Mapping[str, Any]
    single_us: Mapping[str, float] | None
    served: LevelSummary

    @property
    def weights(self) -> int | None:
        """How many numbers it multiplies with; None for what multiplies none, as a forest."""
        return self.export["weights"] or None


def variant_row(
    name: str, exports: Mapping[str, Any], first: Mapping[str, Any], cell: Mapping[str, Any], served: LevelSummary
) -> VariantRow:
    """Return a variant's row; `first` are the exports of the variant that it is compared with."""
    export, compared = exports[CLASSIFIER], first[CLASSIFIER]
    change = None
    if exports is not first:
        change = paired_share_difference(_right(compared), _right(export))
    accuracy = export["test_correct"] / export["test_examples"]
    return VariantRow(name, accuracy, change, export, cell["single_alone_us"], served)


def points(estimate: Interval | None) -> str:
    """Return a difference of shares in percentage points, or a dash where there is nothing to compare with."""
    if estimate is None:
        return "–"
    value, low, high = (100 * each for each in (estimate.value, estimate.low, estimate.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def accelerated_in_words(rows: Sequence[VariantRow]) -> str | None:
    """Say what our backend makes of variants that another runtime computes; None without such."""
    accelerated = [f"`{row.name}`" for row in rows if row.export["accelerator"]]
    if not accelerated:
        return None
    return (
        f"{' and '.join(accelerated)}: computed by OpenVINO's own runtime. NVIDIA's backend means ONNX Runtime's "
        "execution provider of that name, another path to the same kernels."
    )


def alone_in_words(rows: Sequence[VariantRow]) -> str | None:
    """Say of which variants the accuracy is that of examples asked alone, and not of batches; None without such."""
    alone = [f"`{row.name}`" for row in rows if row.export["neighbours_matter"]]
    if not alone:
        return None
    return (
        f"{' and '.join(alone)}: what else is in a batch changes an answer, as where values are quantised with the "
        "range of the whole. Accuracy and parity are those of examples asked alone; where requests are batched, they "
        "may be others."
    )


def _right(export: Mapping[str, Any]) -> np.ndarray:
    """Return for each test example whether an export was right."""
    right = np.ones(export["test_examples"], dtype=bool)
    right[[int(index) for index in export["test_wrong"].split()]] = False
    return right
