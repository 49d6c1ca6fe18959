"""The schema of params.yaml: every stage reads its parameters through here.

Strict: unknown keys, wrong types and impossible combinations are all reported
at once, each with its path and what is allowed, before a stage does any work.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import datasets
import models
import variants
from parameters import plugins
from parameters.cells import parse_batching
from parameters.mistakes import sentence, without_advice
from parameters.own import Description
from parameters.section import Item, Section, without_repeats
from parameters.triton import Triton
from runtime.files import CONFLICT, has_conflict
from runtime.numerals import counted
from runtime.paths import PARAMS
from runtime.process import StageError
from runtime.quoting import first
from runtime.still import read_still


def _one_of(choices: list[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"choose one of: {', '.join(choices)}")
        return value

    return check


def _batching(value: str) -> str:
    parse_batching(value)
    return value


Axis = Annotated[list[Item], Field(min_length=1), AfterValidator(without_repeats)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
DatasetName = Annotated[str, AfterValidator(_one_of(plugins.names(datasets)))]
ModelName = Annotated[str, AfterValidator(_one_of(plugins.names(models)))]
VariantName = Annotated[str, AfterValidator(_one_of(plugins.names(variants)))]
Batching = Annotated[str, AfterValidator(_batching)]
_TO_MEND = "keep one side of it, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
# What fits a screen: where there are more, mending one often mends many.
MOST_ERRORS = 20

# One subsection a model family, each with the family's own schema.
_families: dict[str, Any] = {name: (models.get(name).hyperparameters, ...) for name in plugins.names(models)}
Models: Any = create_model("Models", __base__=Section, **_families)
# One subsection a variant, likewise.
_variants: dict[str, Any] = {name: (variants.get(name).settings, ...) for name in plugins.names(variants)}
Variants: Any = create_model("Variants", __base__=Section, **_variants)


class Data(Section):
    """How examples are divided, what remains trains; and what one's own examples are."""

    validation_fraction: Fraction
    test_fraction: Fraction
    own: Description

    @field_validator("test_fraction")
    @classmethod
    def _something_remains(cls, value: float, info: ValidationInfo) -> float:
        if value + info.data.get("validation_fraction", 0) >= 1:
            raise ValueError("validation_fraction and test_fraction together must stay below 1")
        return value


class Onnx(Section):
    """What is exported."""

    variants: Axis[VariantName]
    # tf2onnx writes up to 18; the native backend of release 24.10 reads up to 21.
    opset: Annotated[int, Field(ge=13, le=18)]


class Slo(Section):
    """What a configuration must meet to be recommended; None sets no limit.

    Latencies in milliseconds at `perf.decide_at`, the test accuracy a share of 1.
    """

    p95_ms: Annotated[float, Field(gt=0)] | None
    p99_ms: Annotated[float, Field(gt=0)] | None
    accuracy: Fraction | None

    @property
    def latency_limits_ms(self) -> dict[int, float]:
        """The limits on latency that are set, by percentile."""
        limits = {95: self.p95_ms, 99: self.p99_ms}
        return {percent: limit for percent, limit in limits.items() if limit is not None}

    def with_latencies(self, factor: float) -> "Slo":
        """Return the same limits with those on latency multiplied."""
        longer = {f"p{percent}_ms": factor * limit for percent, limit in self.latency_limits_ms.items()}
        return self.model_copy(update=longer)


class OpenLoop(Section):
    """How the recommended configuration is asked at a rate of its own; without a distribution, it is not."""

    distribution: Literal["constant", "poisson"] | None
    rounds: Annotated[int, Field(ge=6, le=100)]


class Runoff(Section):
    """How the finalists are measured side by side: rounds in each of several server starts."""

    finalists: Annotated[int, Field(ge=2, le=8)]
    starts: Annotated[int, Field(ge=3, le=100)]
    rounds: Annotated[int, Field(ge=2, le=100)]


class Perf(Section):
    """The matrix of serving configurations, how each is measured, and what makes one the best."""

    instances: Axis[Annotated[int, Field(ge=1, le=64)]]
    max_batch_size: Axis[Annotated[int, Field(ge=1, le=1024)]]
    dynamic_batching: Axis[Batching]
    concurrency: Axis[Annotated[int, Field(ge=1, le=1024)]]
    protocol: Literal["grpc", "http"]
    shared_memory: Literal["none", "system"]
    client_cores: Annotated[int, Field(ge=0, le=1024)]
    window_ms: Annotated[int, Field(ge=20, le=60_000)]
    precision: Annotated[float, Field(gt=0, le=1)]
    objective: Literal["throughput", "p95_latency", "p99_latency", "cpu"]
    decide_at: int | None
    slo: Slo
    runoff: Runoff
    open_loop: OpenLoop

    @field_validator("open_loop")
    @classmethod
    def _open_loop_has_a_limit(cls, value: OpenLoop, info: ValidationInfo) -> OpenLoop:
        slo = info.data.get("slo")
        if slo and value.distribution and not slo.latency_limits_ms:
            raise ValueError("the highest rate is the one that meets a latency limit; set perf.slo.p95_ms or p99_ms")
        return value

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
            if batching and batching.preferred and smallest and max(batching.preferred) > smallest:
                raise ValueError(
                    f"{text!r} prefers a batch of {max(batching.preferred)}, "
                    f"larger than the smallest perf.max_batch_size, {smallest}"
                )
        return value


class Params(Section):
    """All of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    dataset: DatasetName
    data: Data
    model: ModelName
    models: Models
    onnx: Onnx
    variants: Variants
    triton: Triton
    perf: Perf

    @field_validator("model")
    @classmethod
    def _model_takes_dataset(cls, value: str, info: ValidationInfo) -> str:
        dataset, data = info.data.get("dataset"), info.data.get("data")
        own = data.own if data else None
        # Errors in `data` leave the shape of one's own examples open, that of all others not.
        if dataset and (own or dataset != datasets.OWN):
            refusal = models.get(value).refuses(datasets.get(dataset, own))
            if refusal:
                raise ValueError(f"{value} cannot be trained on dataset {dataset}: {refusal}")
        return value

    @field_validator("onnx")
    @classmethod
    def _variants_take_model(cls, value: Onnx, info: ValidationInfo) -> Onnx:
        model = info.data.get("model")
        refusals = [
            f"{name} cannot be made of model {model}: {refusal}"
            for name in value.variants
            if model and (refusal := variants.get(name).refuses(models.get(model)))
        ]
        if refusals:
            raise ValueError("; ".join(refusals))
        return value

    @field_validator("triton")
    @classmethod
    def _there_are_so_many_classes(cls, value: Triton, info: ValidationInfo) -> Triton:
        dataset, data, top_k = info.data.get("dataset"), info.data.get("data"), value.labels.top_k
        if dataset and data and top_k and top_k > (count := len(datasets.get(dataset, data.own).classes)):
            raise ValueError(f"labels.top_k is {top_k}, and dataset {dataset} has {count} classes")
        return value

    @field_validator("perf")
    @classmethod
    def _server_can_be_measured(cls, value: Perf, info: ValidationInfo) -> Perf:
        triton = info.data.get("triton")
        if triton and not triton.counts_cost and value.objective == "cpu":
            raise ValueError(
                f"objective cpu counts the processor time of the server's processes, and triton.server {triton.server} "
                "does not show them; choose embedded or local, or another objective"
            )
        if triton and triton.server not in ("embedded", "local") and value.shared_memory == "system":
            raise ValueError(
                f"shared_memory system needs a server that sees this machine's /dev/shm, and triton.server "
                f"{triton.server} may not; choose none, or the server embedded or local"
            )
        if triton and triton.server == "url" and value.client_cores:
            raise ValueError("client_cores divides this machine's cores; with triton.server url it must be 0")
        return value

    @property
    def raw_data(self) -> datasets.Dataset:
        """The chosen dataset."""
        return datasets.get(self.dataset, self.data.own)

    def settings(self, variant: str) -> variants.Settings:
        """Return the section of a variant."""
        section: variants.Settings = getattr(self.variants, variant)
        return section

    @property
    def hyperparameters(self) -> BaseModel:
        """The section of the chosen model family."""
        section: BaseModel = getattr(self.models, self.model)
        return section


def validate(content: Any, source: str = "params.yaml") -> Params:
    """Return `content` as checked parameters.

    Raises StageError that lists the errors, each with its path and what is allowed.
    """
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        found = [sentence(detail, Params) for detail in error.errors()]
        count = counted(len(found), "error")
        raise StageError("\n  ".join([f"{source} has {count}:", *first(found, MOST_ERRORS)])) from None


def load_params(path: Path = PARAMS) -> Params:
    """Read and check params.yaml, as YAML 1.2 like DVC does.

    Raises StageError if the file is missing, is not YAML, or has errors.
    """

    def parse(text: bytes) -> Params:
        try:
            content = YAML(typ="safe", pure=True).load(text.decode())
        except (YAMLError, ValueError, RecursionError) as error:
            why = f"{CONFLICT}; {_TO_MEND}" if has_conflict(path) else without_advice(error)
            raise StageError(f"{path.name} is not readable YAML: {why}") from None
        return validate(content, source=path.name)

    try:
        return read_still(path, parse)
    except OSError as error:
        bring = f"; `git checkout {path.name}` brings the committed one back" if error.errno == errno.ENOENT else ""
        raise StageError(f"cannot read {path.name}: {error.strerror}{bring}") from None
