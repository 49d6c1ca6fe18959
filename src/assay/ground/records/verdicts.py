"""What is concluded: verdicts that are kept, and what earlier hours told."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from assay.ground.records.checking import Name, NonNegative, Positive, PositiveCount, Time


class Recommended(TypedDict):
    """The configuration to run, and its throughput in a closed loop."""

    cell: Name
    throughput: Positive


class DecidedFile(TypedDict):
    """reports/verdict.json, as far as the search for saturation needs it."""

    format: Literal[1]
    recommended: Recommended | None


class BetweenHours(TypedDict):
    """benchmarks/results/between_hours.json."""

    deviation: NonNegative
    freedom: PositiveCount
    visits: PositiveCount
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

    format: NotRequired[PositiveCount]


class KeptRecord(Kept):
    """The same, of the format that is written now."""

    server: Name
    identity: dict[str, Any]
    measured_at: Time
    basis: dict[str, Any]
    verdict: KeptVerdict
    earlier: list[Earlier]
