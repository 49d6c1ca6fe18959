"""The sections of params.yaml that say how it is measured, one for each stage that reruns with it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from assay.params.section import Section
from assay.params.triton import Timeouts, Triton


class Load(Section):
    """load: how the load generator asks the server, in every measurement."""

    protocol: Literal["grpc", "http"] = "grpc"
    shared_memory: Literal["none", "system"] = "none"
    client_cores: Annotated[int, Field(ge=0, le=1024)] = 0


class Screening(Section):
    """screening: how well the cells of the matrix are known before the best of them are compared."""

    precision: Annotated[float, Field(gt=0, le=1)] = 0.1


# DVC has a stage for each (race/dvc.yaml).
MOST_FINALISTS = 8


class Finalists(Section):
    """finalists: who reaches the run-off."""

    at_most: Annotated[int, Field(ge=3, le=MOST_FINALISTS)] = 4


class Runoff(Section):
    """runoff: how the finalists are measured side by side, in rounds in each of several server starts."""

    starts: Annotated[int, Field(ge=3, le=100)] = 12
    rounds: Annotated[int, Field(ge=2, le=100)] = 12


class SaturationSearch(Section):
    """saturation: how the recommended configuration is asked at rates of its own; without a distribution, not."""

    distribution: Literal["constant", "poisson"] | None = None
    rounds: Annotated[int, Field(ge=6, le=100)] = 12


@dataclass(frozen=True)
class Conditions:
    """What every measurement is made under: the seed of its order, the server, the load, and how long a window is."""

    seed: int
    triton: Triton
    timeouts: Timeouts
    load: Load
    window_ms: int
