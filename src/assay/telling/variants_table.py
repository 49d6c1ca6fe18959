"""What each variant costs and gives, every number from a file that a stage wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.ground.numerals import decimals_beside
from assay.ground.records.prepared import UNKNOWN, measured, neighbours_in_words
from assay.statistics.interval import Interval
from assay.statistics.tolerance import paired_share_difference
from assay.telling.level import LevelSummary


@dataclass(frozen=True)
class VariantRow:
    """A variant of the model, and how its cell of the matrix with the default configuration was served.

    `accuracy_change` is against the first variant, on the same test examples. `single_us`
    are percentiles of one example without a server. What is None is unknown, as the accuracy without labels.
    """

    name: str
    accuracy: float | None
    accuracy_change: Interval | None
    export: Mapping[str, Any]
    single_us: Mapping[str, float] | None
    served: LevelSummary | None

    @property
    def weights(self) -> int | None:
        """How many numbers it multiplies with; None for what multiplies none, as a forest, or nobody knows."""
        return self.export["weights"] or None

    @property
    def agreement(self) -> float | None:
        """The least share of an output's rows that say what the model said as it came; None where none has rows."""
        shares = [each["same"] / each["rows"] for each in self._outputs if each["rows"]]
        return min(shares, default=None)

    @property
    def difference(self) -> float | None:
        """The largest difference of a number from what the model answered as it came; None where it gives no floats."""
        return max((each["largest"] for each in self._outputs if each["largest"] is not None), default=None)

    @property
    def _outputs(self) -> list[Mapping[str, Any]]:
        return list(self.export.get("agreement", {}).values())


def variant_row(
    name: str,
    exports: Mapping[str, Any],
    first: Mapping[str, Any],
    cell: Mapping[str, Any] | None,
    served: LevelSummary | None,
) -> VariantRow:
    """Return a variant's row; `first` are the exports of the variant that it is compared with.

    A variant of which no configuration was measured as a cell, for all of them left a race, has None for one.
    """
    export, compared = measured(exports), measured(first)
    alone = cell["single_alone_us"] if cell else None
    if "test_examples" not in export:
        return VariantRow(name, None, None, export, alone, served)
    change = None
    if exports is not first:
        change = paired_share_difference(_right(compared), _right(export))
    accuracy = export["test_correct"] / export["test_examples"]
    return VariantRow(name, accuracy, change, export, alone, served)


def points(estimate: Interval | None) -> str:
    """Return a difference of shares in percentage points, or a dash where there is nothing to compare with."""
    if estimate is None:
        return "–"
    shares = (100 * each + 0.0 for each in (estimate.value, estimate.low, estimate.high))  # no -0.0
    value, low, high = (f"{each:+.{decimals_beside(each, 0, 1)}f}" for each in shares)
    return f"{value} ({low} to {high})"


def accelerated_in_words(rows: Sequence[VariantRow]) -> str | None:
    """Say what our backend makes of variants that another runtime computes; None without such."""
    accelerated = [f"`{row.name}`" for row in rows if row.export["accelerator"]]
    if not accelerated:
        return None
    return (
        f"{' and '.join(accelerated)}: computed by OpenVINO's own runtime. NVIDIA's backend means ONNX Runtime's "
        "execution provider of that name, another path to the same kernels."
    )


def batches_in_words(rows: Sequence[VariantRow], largest: int) -> list[str]:
    """Say of which variants what else is in a batch changes no answer, and what it changes of the others.

    The matrix has batches of up to the `largest`, of which some may be larger than what was asked.
    """
    batched = [row for row in rows if row.export["batch"]]
    safe = [row for row in batched if row.export["batch"]["safe"]]
    said = [_unsafe_in_words(row) for row in batched if not row.export["batch"]["safe"]]
    if safe:
        names, examples = ", ".join(f"`{row.name}`" for row in safe), safe[0].export["batch"]["examples"]
        together = f"{examples} different examples together get the answers of each alone"
        beyond = f"; more were not asked, and the matrix has batches of up to {largest}" if largest > examples else ""
        alone = "The model takes one example a request."
        said.insert(0, alone if examples == 1 else f"Batch-safe: {names}. {together}{beyond}.")
    unbatchable = {row.export["unbatchable"]: row.name for row in rows if not row.export["batch"]}
    return [*(f"The model takes no batches: {why}." for why in unbatchable), *said]


def _unsafe_in_words(row: VariantRow) -> str:
    batch, found = row.export["batch"], neighbours_in_words(row.export["batch"])
    alone = (
        "Accuracy, agreement and parity are those of examples asked alone; where requests are batched, they may be "
        "others."
    )
    if batch == UNKNOWN:
        return f"Not known to be batch-safe: `{row.name}`, for {found}. {alone}"
    changed = "an answer" if batch["other_class"] else "values"
    return (
        f"Not batch-safe: `{row.name}`. What else is in a batch changes {changed}, as where values are quantised with "
        f"the range of the whole: {found}, counted as parity is. {alone}"
    )


def _right(export: Mapping[str, Any]) -> np.ndarray:
    """Return for each test example whether an export was right."""
    right = np.ones(export["test_examples"], dtype=bool)
    right[[int(index) for index in export["test_wrong"].split()]] = False
    return right
