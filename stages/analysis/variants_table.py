"""What each variant costs and gives, every number from a file that a stage wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import variants
from analysis.level import LevelSummary
from models import CLASSIFIER
from uncertainty.mean import Estimate
from uncertainty.tolerance import paired_share_difference


@dataclass(frozen=True)
class VariantRow:
    """A variant of the classifier, and how its cell of the matrix with the default configuration was served.

    `accuracy_change` is against the first variant, on the same test examples. `single_us`
    are percentiles of one example without a server. What is None is unknown.
    """

    name: str
    accuracy: float
    accuracy_change: Estimate | None
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


def accelerated_in_words(names: Sequence[str]) -> str | None:
    """Say what our backend makes of variants that another runtime computes; None without such."""
    accelerated = [f"`{name}`" for name in names if variants.get(name).accelerator]
    if not accelerated:
        return None
    return (
        f"{' and '.join(accelerated)}: computed by OpenVINO's own runtime. NVIDIA's backend means ONNX Runtime's "
        "execution provider of that name, another path to the same kernels."
    )


def alone_in_words(names: Sequence[str]) -> str | None:
    """Say of which variants the accuracy is that of examples asked alone, and not of batches; None without such."""
    alone = [f"`{name}`" for name in names if variants.get(name).neighbours_matter]
    if not alone:
        return None
    return (
        f"{' and '.join(alone)}: values are quantised with the range of their whole batch, so that what else is in it "
        "changes an answer. Accuracy and parity are those of examples asked alone; where requests are batched, they "
        "may be others."
    )


def _right(export: Mapping[str, Any]) -> np.ndarray:
    """Return for each test example whether an export was right."""
    right = np.ones(export["test_examples"], dtype=bool)
    right[[int(index) for index in export["test_wrong"].split()]] = False
    return right
