"""The shapes of the JSON files that pass between stages, and how one is read that may be damaged.

DVC makes a file anew that is not as a stage left it. Who runs a stage by hand, merges, or edits
has no such help: whatever is read is checked, and what is wrong is named with what mends it.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict

from runtime.files import damaged, read_json
from runtime.quoting import cut, quoted

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
# What a person needs to see of a place deep in a file, and of what is wrong there.
LONGEST_PLACE, LONGEST_REASON = 120, 240


def _when(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its zone, as in 2026-01-01T12:00:00+00:00")
    return text


Time = Annotated[str, AfterValidator(_when)]


class Spent(TypedDict):
    """How often something happened, and the nanoseconds that it took in all."""

    count: NonNegativeInt
    ns: NonNegativeInt


class InferenceStatistics(TypedDict):
    """Triton's division of requests' time."""

    success: Spent
    queue: Spent
    compute_input: Spent
    compute_infer: Spent
    compute_output: Spent


class Statistics(TypedDict):
    """Triton's cumulative statistics of a model."""

    inference_count: NonNegativeInt
    execution_count: NonNegativeInt
    inference_stats: InferenceStatistics


class _Around(TypedDict):
    before: Statistics
    after: Statistics


def _grown(around: _Around) -> _Around:
    before, after = around["before"], around["after"]
    grew = [
        after["inference_count"] - before["inference_count"],
        after["execution_count"] - before["execution_count"],
        after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"],
    ]
    if min(grew) <= 0:
        raise ValueError("the server's statistics did not grow")
    return around


# perf_analyzer's row, as far as anything is computed from it.
Row = TypedDict(
    "Row",
    {
        "Inferences/Second": Positive,
        "Avg latency": Positive,
        "Request count": Positive,
        "p50 latency": Positive,
        "p90 latency": Positive,
        "p95 latency": Positive,
        "p99 latency": Positive,
    },
)


class Cost(TypedDict):
    """Seconds of processor time, None where a server's cannot be read."""

    server: NonNegative | None
    client: NonNegative | None


class Window(TypedDict):
    """One call of perf_analyzer, with the server's statistics around it, and what it cost."""

    model: Name
    perf_analyzer: Row
    statistics: Annotated[_Around, AfterValidator(_grown)]
    cpu_seconds: Cost
    seconds: Positive
    repeats: NonNegativeInt
    latency_bins: dict[Annotated[str, Field(pattern=r"^\d+$")], NonNegativeInt] | None


class Round(TypedDict):
    """A window in each role, by turns."""

    start: PositiveInt
    windows: Annotated[dict[Name, Window], Field(min_length=1)]


class Pair(TypedDict):
    """The two roles of a cell's round."""

    candidate: Window
    anchor: Window


class Alone(TypedDict):
    """Microseconds that a batch takes in one process, without a server."""

    batch: PositiveInt
    us: Positive


class CellRound(TypedDict):
    """A round of a cell, with the server's memory in bytes."""

    start: PositiveInt
    windows: Pair
    server_peak_memory: NonNegative | None
    model_alone: Alone | None


class Level(TypedDict):
    """The rounds of a cell at one concurrency."""

    concurrency: PositiveInt
    rounds: Annotated[list[CellRound], Field(min_length=2)]


class CellFile(TypedDict):
    """reports/perf/<cell>.json."""

    cell: Name
    server: dict[str, str]
    config: str
    single_alone_us: dict[str, Positive] | None
    levels: Annotated[list[Level], Field(min_length=1)]


class Finalists(TypedDict):
    """reports/finalists.json."""

    concurrency: PositiveInt
    single_requests: bool
    finalists: Annotated[list[Name], Field(min_length=1)]


class _Runoff(TypedDict):
    concurrency: PositiveInt
    measured_at: Time
    finalists: Annotated[list[Name], Field(min_length=1)]
    rounds: Annotated[list[Round], Field(min_length=2)]


def _all_measured(runoff: _Runoff) -> _Runoff:
    for each in runoff["rounds"]:
        if missing := [name for name in runoff["finalists"] if name not in each["windows"]]:
            raise ValueError(f"a round lacks {missing[0]}")
    return runoff


# reports/runoff.json.
Runoff = Annotated[_Runoff, AfterValidator(_all_measured)]


class _Saturation(TypedDict):
    cell: Name | None
    rounds: list[Round]


def _same_rates(saturation: _Saturation) -> _Saturation:
    rates = [set(each["windows"]) for each in saturation["rounds"]]
    if any(each != rates[0] for each in rates):
        raise ValueError("its rounds are not at the same rates")
    for rate in rates[0] if rates else ():
        float(rate)
    return saturation


# reports/saturation.json.
SaturationFile = Annotated[_Saturation, AfterValidator(_same_rates)]


@with_config(ConfigDict(extra="allow"))  # what a classifier has beside is checked next
class Export(TypedDict):
    """One entry of reports/onnx/<variant>.json: how far it is from the trained model, and its size."""

    parity: NonNegative
    file_bytes: PositiveInt


class _Classifier(Export):
    weights: NonNegativeInt
    sparsity: NonNegative | None
    macs: NonNegativeInt | None
    test_correct: NonNegativeInt
    test_examples: PositiveInt
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
    class_counts: dict[Name, dict[str, NonNegativeInt]]
    columns: NotRequired[list[str]]


class Machine(TypedDict):
    """reports/machine.json."""

    processor: str
    logical_cores: PositiveInt
    usable_cores: PositiveInt
    memory_gib: NonNegativeInt
    kernel: str
    python: str
    packages: dict[str, str]
    server: dict[str, Any]


class BetweenHours(TypedDict):
    """benchmarks/results/between_hours.json."""

    deviation: NonNegative
    freedom: PositiveInt
    visits: PositiveInt
    hours: NonNegative
    processor: str


class Against(TypedDict):
    """A ratio to the default configuration, with its interval."""

    ratio: Positive
    low: Positive
    high: Positive


class KeptFinalist(TypedDict):
    """A finalist of a verdict; the default configuration has no ratio to itself."""

    cell: Name
    against_default: Against | None


class KeptVerdict(TypedDict):
    """What is compared of a verdict."""

    recommended: Name | None
    equals: list[Name]
    finalists: Annotated[list[KeptFinalist], Field(min_length=1)]


class Earlier(TypedDict):
    """What is left of an earlier verdict."""

    measured_at: Time
    basis: str
    recommended: Name | None
    against_default: dict[Name, Against | None]


class Kept(TypedDict):
    """reports/verdicts/<server>.json, whatever its format: the first had no number."""

    format: NotRequired[PositiveInt]


class KeptRecord(Kept):
    """The same, of the format that is written now."""

    server: Name
    identity: dict[str, Any]
    measured_at: Time
    basis: dict[str, Any]
    verdict: KeptVerdict
    earlier: list[Earlier]


class _Exports(TypedDict):
    classifier: Annotated[_Classifier, AfterValidator(_counts_agree)]


# reports/onnx/<variant>.json: the classifier, and whatever else was exported.
Exports = Annotated[dict[Name, Export], AfterValidator(TypeAdapter(_Exports).validate_python)]
Served = dict[Name, dict[str, dict[str, NonNegative]]]
Training = dict[Name, dict[str, FiniteFloat]]


def read_record(path: Path, shape: Any) -> Any:
    """Return the content of a JSON file that has a shape: a type that pydantic can check.

    Raises StageError that names the file, what is wrong in it and what mends it; FileNotFoundError if
    there is none.
    """
    content = read_json(path)
    try:
        TypeAdapter(shape).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = cut(".".join(map(str, first["loc"])), LONGEST_PLACE) or "the whole"
        said = cut(" ".join(first["msg"].removeprefix("Value error, ").split()), LONGEST_REASON)
        value = "" if isinstance(first["input"], Mapping | list) else f" (it is {quoted(first['input'])})"
        raise damaged(path, f"{place}: {said}{value}") from None
    return content
