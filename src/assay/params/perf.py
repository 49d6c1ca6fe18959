"""The section of params.yaml that asks the question: which configurations, at which load, and what is best."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from assay.params.cells import parse_batching
from assay.params.made_inputs import parse_shape
from assay.params.section import Axis, Fraction, Section, without_repeats


def _batching(value: str) -> str:
    parse_batching(value)
    return value


def _shape(value: str) -> str:
    parse_shape(value)
    return value


def _option_name(value: str) -> str:
    if value in ("anchor", "off") or value.startswith("delay_"):
        raise ValueError(f"{value!r} is a name of something else in a matrix; give the option another")
    return value


Batching = Annotated[str, AfterValidator(_batching)]
Shape = Annotated[str, AfterValidator(_shape)]
Threads = Annotated[int, Field(ge=1, le=256)]
# Part of a model's name, and no number, which would be taken for one of threads.
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_option_name)]


class Slo(Section):
    """perf.slo: what a configuration must meet to be recommended; None sets no limit.

    Latencies in milliseconds at `perf.decide_at`, the test accuracy a share of 1; of a model that was brought, the
    least share of rows that say what it said as it came, and the largest difference in an output of floats.
    """

    p95_ms: Annotated[float, Field(gt=0)] | None = None
    p99_ms: Annotated[float, Field(gt=0)] | None = None
    accuracy: Fraction | None = None
    agreement: Annotated[float, Field(gt=0, le=1)] | None = None
    difference: Annotated[float, Field(gt=0)] | None = None

    @property
    def latency_limits_ms(self) -> dict[int, float]:
        """The limits on latency that are set, by percentile."""
        limits = {95: self.p95_ms, 99: self.p99_ms}
        return {percent: limit for percent, limit in limits.items() if limit is not None}

    def with_latencies(self, factor: float) -> "Slo":
        """Return the same limits with those on latency multiplied."""
        longer = {f"p{percent}_ms": factor * limit for percent, limit in self.latency_limits_ms.items()}
        return self.model_copy(update=longer)


class Perf(Section):
    """perf: the matrix of serving configurations, the loads on each, and what makes one the best.

    Each configuration is measured with further numbers of `threads` and with `options` as well, which compete; and, but
    for those, in further `shapes` of requests, which decide nothing.
    """

    search: Literal["all", "race"] = "all"
    instances: Axis[Annotated[int, Field(ge=1, le=64)]] = [1, 2]
    max_batch_size: Axis[Annotated[int, Field(ge=0, le=1024)]] = [64]
    dynamic_batching: Axis[Batching] = ["off", "delay_0us", "delay_500us"]
    threads: Annotated[list[Threads], AfterValidator(without_repeats)] = Field(default_factory=list)
    options: Annotated[list[OptionName], AfterValidator(without_repeats)] = Field(default_factory=list)
    shapes: Annotated[list[Shape], AfterValidator(without_repeats)] = Field(default_factory=list)
    concurrency: Axis[Annotated[int, Field(ge=1, le=1024)]] = [1, 8]
    window_ms: Annotated[int, Field(ge=20, le=60_000)] = 50
    objective: Literal["throughput", "p95_latency", "p99_latency", "cpu"] = "throughput"
    decide_at: int | None = None
    slo: Slo = Slo()

    @field_validator("decide_at")
    @classmethod
    def _is_measured(cls, value: int | None, info: ValidationInfo) -> int | None:
        levels = info.data.get("concurrency", [])
        if value is not None and levels and value not in levels:
            raise ValueError(f"choose null, the largest, or one of perf.concurrency: {', '.join(map(str, levels))}")
        return value

    @property
    def deciding_concurrency(self) -> int:
        """The concurrency at which the configurations are judged."""
        return self.decide_at or max(self.concurrency)

    @field_validator("dynamic_batching")
    @classmethod
    def _preferred_sizes_fit(cls, value: list[str], info: ValidationInfo) -> list[str]:
        smallest = min(info.data.get("max_batch_size", []), default=None)
        for text in value:
            batching = parse_batching(text)
            if batching and smallest == 0:
                raise ValueError(
                    f"{text!r} batches, and perf.max_batch_size is 0, which is for models that take no batches"
                )
            if batching and batching.preferred and smallest and max(batching.preferred) > smallest:
                raise ValueError(
                    f"{text!r} prefers a batch of {max(batching.preferred)}, "
                    f"larger than the smallest perf.max_batch_size, {smallest}"
                )
        return value
