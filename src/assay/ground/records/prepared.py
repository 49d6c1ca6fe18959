"""What is there before anything is measured: data, models, the machine."""

from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, with_config
from typing_extensions import TypedDict

from assay.ground.records.checking import Count, Name, NonNegative, Positive, PositiveCount, complaint

SHARES = ("accuracy", "macro_f1", "macro_precision", "macro_recall")


class Batch(TypedDict):
    """How answers to so many different examples together differ from those to each alone.

    It is safe to batch them if they differ by rounding alone; `difference` is that of values, as parity's, and
    `other_class` a number of test examples.
    """

    examples: PositiveCount
    safe: bool
    difference: NonNegative
    other_class: Count


@with_config(ConfigDict(extra="allow"))  # what a classifier has beside is checked next
class Export(TypedDict):
    """One entry of reports/onnx/<variant>.json: how far it is from the trained model, its size, what computes it."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parity: NonNegative
    file_bytes: PositiveCount
    accelerator: str | None


class _Classifier(Export):
    weights: Count
    sparsity: NonNegative | None
    macs: Count | None
    test_correct: Count
    test_examples: PositiveCount
    batch: Batch
    test_wrong: Annotated[str, Field(pattern=r"^(\d+( \d+)*)?$")]


def _counts_agree(export: _Classifier) -> _Classifier:
    wrong, count = [int(index) for index in export["test_wrong"].split()], export["test_examples"]
    if len(wrong) + export["test_correct"] != count or max(wrong, default=0) >= count:
        raise ValueError("the test examples that it counts do not add up")
    return export


class RawData(TypedDict):
    """reports/raw_data.json."""

    dataset: Name
    edition: Name


class Data(TypedDict):
    """reports/data.json."""

    dataset: Name
    class_counts: dict[Name, dict[str, Count]]
    columns: NotRequired[list[str]]


class Machine(TypedDict):
    """reports/machine.json."""

    processor: str
    logical_cores: PositiveCount
    usable_cores: PositiveCount
    usable_logical_cores: Positive
    memory_gib: Count
    kernel: str
    python: str
    packages: dict[str, str]
    server: dict[str, Any]


class _Exports(TypedDict):
    classifier: Annotated[_Classifier, AfterValidator(_counts_agree)]


def _has_classifier(exports: dict[str, Export]) -> dict[str, Export]:
    if why := complaint(exports, _Exports):
        raise ValueError(why)
    return exports


# reports/onnx/<variant>.json: the classifier, and whatever else was exported.
Exports = Annotated[dict[Name, Export], AfterValidator(_has_classifier)]
Served = dict[Name, dict[str, dict[str, NonNegative]]]


def _are_shares(scores: dict[str, float]) -> dict[str, float]:
    if beyond := [name for name in SHARES if not 0 <= scores.get(name, 0) <= 1]:
        raise ValueError(f"{beyond[0]} is a share of 1")
    return scores


# reports/training.json: what was scored on each split.
Training = dict[Name, Annotated[dict[str, FiniteFloat], AfterValidator(_are_shares)]]
