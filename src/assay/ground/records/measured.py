"""What is measured: windows, rounds, and the files of them."""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from assay.ground.records.checking import Count, Name, NonNegative, Positive, PositiveCount, Time


class Spent(TypedDict):
    """How often something happened, and the nanoseconds that it took in all."""

    count: Count
    ns: Count


class InferenceStatistics(TypedDict):
    """Triton's division of requests' time."""

    success: Spent
    fail: Spent
    queue: Spent
    compute_input: Spent
    compute_infer: Spent
    compute_output: Spent


class Statistics(TypedDict):
    """Triton's cumulative statistics of a model."""

    inference_count: Count
    execution_count: Count
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
    counted_s: Positive
    seconds: Positive
    repeats: Count
    latency_bins: dict[Annotated[str, Field(pattern=r"^\d+$")], Count] | None


class Alone(TypedDict):
    """Microseconds that a batch takes in one process, without a server."""

    batch: PositiveCount
    us: Positive


Look = Literal["may do", "too many", "not sent in time"]


class Beside(TypedDict, total=False):
    """What some rounds hold beside their windows."""

    model_alone: Alone | None
    first_looks: dict[Name, Look]
    fell_out: dict[Name, str]


class Round(Beside):
    """A window in each role, in random `order`; the `start` of the server that it belongs to, and its peak memory."""

    start: PositiveCount
    windows: Annotated[dict[Name, Window], Field(min_length=1)]
    order: NotRequired[list[Name]]
    server_peak_memory: NotRequired[NonNegative | None]


class Pair(TypedDict):
    """The two roles of a cell's round."""

    candidate: Window
    anchor: Window


class CellRound(TypedDict):
    """A round of a cell, with the server's memory in bytes."""

    start: PositiveCount
    windows: Pair
    server_peak_memory: NonNegative | None
    model_alone: Alone | None


class Level(TypedDict):
    """The rounds of a cell at one concurrency."""

    concurrency: PositiveCount
    rounds: Annotated[list[CellRound], Field(min_length=2)]


class CellFile(TypedDict):
    """reports/perf/all/<cell>.json."""

    format: Literal[1]
    cell: Name
    measured_at: Time
    server: dict[str, str]
    config: str
    single_alone_us: dict[str, Positive] | None
    levels: Annotated[list[Level], Field(min_length=1)]


# Where a race had fewer finalists, in place of such a file.
NOBODY = {"format": 1, "cell": None}


class Finalists(TypedDict):
    """reports/finalists/<search>.json."""

    format: Literal[1]
    concurrency: PositiveCount
    single_requests: bool
    finalists: Annotated[list[Name], Field(min_length=1)]


class Heat(TypedDict):
    """Configurations that raced in one server, the default one first, and how many were to be left.

    A round has a window of each that was still in it and of the anchor. What `fell_out` since the last round could
    not be measured, for that reason; what fell out before stands in the round that came next.
    """

    entrants: Annotated[list[Name], Field(min_length=1)]
    survivors: PositiveCount
    rounds: list[Round]
    fell_out: dict[Name, str]


class RaceFile(TypedDict):
    """reports/perf/race/heats.json: the heats in their order, winners of those before in the last.

    `same_as` are configurations that did not enter, for they are others under a second name.
    """

    format: Literal[1]
    concurrency: PositiveCount
    measured_at: Time
    same_as: dict[Name, Name]
    heats: Annotated[list[Heat], Field(min_length=1)]


class RunoffFile(TypedDict):
    """reports/runoff.json; what is read has every finalist in each round."""

    format: Literal[1]
    concurrency: PositiveCount
    measured_at: Time
    finalists: Annotated[list[Name], Field(min_length=1)]
    rounds: Annotated[list[Round], Field(min_length=2)]


def _all_measured(runoff: RunoffFile) -> RunoffFile:
    for each in runoff["rounds"]:
        if missing := [name for name in runoff["finalists"] if name not in each["windows"]]:
            raise ValueError(f"a round lacks {missing[0]}")
    return runoff


# reports/runoff.json.
Runoff = Annotated[RunoffFile, AfterValidator(_all_measured)]


class SaturationRound(TypedDict):
    """A window at each rate, and what first looks, by rate, said before."""

    start: PositiveCount
    windows: Annotated[dict[Name, Window], Field(min_length=1)]
    first_looks: dict[Name, Look]


class SaturationRounds(TypedDict):
    """reports/saturation.json; what is read has the same rates in each round."""

    format: Literal[1]
    cell: Name | None
    rounds: list[SaturationRound]


def _same_rates(saturation: SaturationRounds) -> SaturationRounds:
    rates = [set(each["windows"]) for each in saturation["rounds"]]
    if any(each != rates[0] for each in rates):
        raise ValueError("its rounds are not at the same rates")
    for rate in (*rates[0], *saturation["rounds"][0]["first_looks"]) if rates else ():
        float(rate)
    return saturation


# reports/saturation.json.
SaturationFile = Annotated[SaturationRounds, AfterValidator(_same_rates)]
