"""What is there before anything is measured: data, models, the machine."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, with_config
from typing_extensions import TypedDict

from assay.ground.records.checking import Count, Name, NonNegative, Positive, PositiveCount, complaint

SHARES = ("accuracy", "macro_f1", "macro_precision", "macro_recall")


# The export whose serving is measured: a family's classifier, or the model that was brought.
MEASURED = ("classifier", "model")


def measured_name(names: Iterable[str]) -> str:
    """Return which of some exports is the measured one; raises LookupError if none is."""
    return next(name for name in MEASURED if name in set(names))


class Batch(TypedDict):
    """How answers to so many different examples together differ from those to each alone.

    It is safe to batch them if they differ by rounding alone; `difference` is that of values, as parity's, None where
    a text is another, and `other_class` a number of rows of all test examples' answers. `UNKNOWN` is what could
    not be asked.
    """

    examples: PositiveCount
    safe: bool
    difference: NonNegative | None
    other_class: Count
    rows: Count


UNKNOWN: Batch = {"examples": 1, "safe": False, "difference": None, "other_class": 0, "rows": 0}


def safety_in_words(batch: Batch) -> str:
    """Say whether neighbours leave answers as they are."""
    return "batch-safe" if batch["safe"] else f"not {'known to be ' if batch == UNKNOWN else ''}batch-safe"


def neighbours_in_words(batch: Batch) -> str:
    """Say what neighbours change in answers, or why that is not known."""
    if batch == UNKNOWN:
        return "several requests could not be asked so that they are computed together"
    said = f"asked {batch['examples']} different examples together"
    if batch["rows"]:
        others = f"{batch['other_class']:,} of {batch['rows']:,} answers are others"
        said += f", {others if batch['other_class'] else 'all answers say the same'}"
    return said if batch["difference"] is None else f"{said}, values differ by up to {batch['difference']:.2g}"


class FoundTensor(TypedDict):
    """An input or output as `Signature` has it."""

    name: Name
    datatype: Name
    axes: list[int | str]


class Agreement(TypedDict):
    """How an output differs from that of the model as it came; None is what it does not have."""

    largest: NonNegative | None
    typical: NonNegative | None
    rows: Count | None
    same: Count | None


@with_config(ConfigDict(extra="allow"))  # what the measured one has beside is checked next
class Export(TypedDict):
    """One entry of reports/onnx/<variant>.json: how far it is from the trained model, its size, what computes it."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parity: NonNegative
    file_bytes: PositiveCount
    accelerator: str | None


class Measured(Export):
    """What the measured export has beside: its costs, and how it answers batches, or why it takes none."""

    weights: Count | None
    sparsity: NonNegative | None
    macs: Count | None
    batch: Batch | None
    unbatchable: NotRequired[str]


WrongOnes = Annotated[str, Field(pattern=r"^(\d+( \d+)*)?$")]  # places of examples


class Classifier(Measured):
    """A classifier that was trained here, and what it makes of the test examples."""

    test_correct: Count
    test_examples: PositiveCount
    test_wrong: WrongOnes


class Brought(Measured):
    """A model that was brought: how far a variant's outputs are from its own, and from labels, if there are any."""

    agreement: dict[Name, Agreement]
    test_correct: NotRequired[Count]
    test_examples: NotRequired[PositiveCount]
    test_wrong: NotRequired[WrongOnes]


class Found(TypedDict):
    """What was found when a repository's model was brought, asked through a server.

    `without_batches` is why requests hold one example, where they do; `told` how inputs were made, None where samples
    came along; `measured` what is recorded of it as of an export.
    """

    model: Name
    inputs: list[FoundTensor]
    outputs: list[FoundTensor]
    without_batches: str | None
    told: list[dict[str, Any]] | None
    measured: dict[str, Any]


def _counts_agree(export: dict[str, Any]) -> dict[str, Any]:
    if (export["batch"] is None) != ("unbatchable" in export):
        raise ValueError("of batches it says how they are answered, or why there are none")
    if "test_wrong" not in export:
        return export
    wrong, count = [int(index) for index in export["test_wrong"].split()], export.get("test_examples", 0)
    if len(wrong) + export.get("test_correct", 0) != count or max(wrong, default=0) >= count:
        raise ValueError("the test examples that it counts do not add up")
    return export


_SHAPES: dict[str, Any] = {
    "classifier": dict[str, Annotated[Classifier, AfterValidator(_counts_agree)]],
    "model": dict[str, Annotated[Brought, AfterValidator(_counts_agree)]],
}


class RawFile(TypedDict):
    """A file that examples or a model come from."""

    name: str
    size: Count
    sha256: str


class Computing(TypedDict):
    """Whose instances, batches and threads a repository's model is measured over, and the backend that computes it.

    It is the model itself, or a `step` of an ensemble; `as_configured`, it is measured as its owner wrote it.
    """

    name: Name
    backend: str
    step: bool
    as_configured: bool


class RawData(TypedDict):
    """reports/raw_data.json: what is there to begin with, of a dataset, or of the model that was brought.

    Of that, `inputs` are those that are to be made, as params.yaml describes them, `shapes` further ones of theirs;
    `computing` is there if its owner configured it.
    """

    edition: Name
    files: list[RawFile]
    dataset: NotRequired[Name]
    model: NotRequired[Name]
    inputs: NotRequired[list[dict[str, Any]]]
    shapes: NotRequired[list[str]]
    computing: NotRequired[Computing]


class Data(TypedDict):
    """reports/data.json: examples of each class in each split, or the shapes of the inputs of a model that was brought.

    Of those, `examples` is how many there are, and `made` whether they were.
    """

    dataset: NotRequired[Name]
    class_counts: NotRequired[dict[Name, dict[str, Count]]]
    columns: NotRequired[list[str]]
    model: NotRequired[Name]
    examples: NotRequired[PositiveCount]
    shapes: NotRequired[dict[str, list[Count]]]
    made: NotRequired[bool]
    labelled: NotRequired[bool]


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


def _has_a_measured_one(exports: dict[str, Export]) -> dict[str, Export]:
    name = next((name for name in MEASURED if name in exports), MEASURED[0])
    if name not in exports:
        raise ValueError(f"{name} is missing")
    if why := complaint({name: exports[name]}, _SHAPES[name]):
        raise ValueError(why)
    return exports


# reports/onnx/<variant>.json: the measured one, and whatever else was exported.
Exports = Annotated[dict[Name, Export], AfterValidator(_has_a_measured_one)]


def measured(exports: Mapping[str, Any]) -> Any:
    """Return the entry of the measured export."""
    return exports[measured_name(exports)]


# reports/serving/<variant>.json: of each model, by protocol and batch, how far its answers were from ONNX Runtime's.
_Differences = Annotated[dict[Name, NonNegative], Field(min_length=1)]
Served = dict[Name, Annotated[dict[Name, _Differences], Field(min_length=1)]]


def _are_shares(scores: dict[str, float]) -> dict[str, float]:
    if beyond := [name for name in SHARES if not 0 <= scores.get(name, 0) <= 1]:
        raise ValueError(f"{beyond[0]} is a share of 1")
    return scores


# reports/training.json: what was scored on each split.
Training = dict[Name, Annotated[dict[str, FiniteFloat], AfterValidator(_are_shares)]]
