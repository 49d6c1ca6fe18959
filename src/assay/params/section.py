"""The base of every section of params.yaml, and what several have in common."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Section(BaseModel):
    """Strict and immutable: no unknown keys, no coercion of types.

    Every key has a default, the value that the shipped params.yaml has: a file that is older than a key stays valid.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def without_repeats(values: list[Item]) -> list[Item]:
    """Return `values`; raise ValueError if one of them stands there twice."""
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"each value may stand here once; repeated: {', '.join(repeated)}")
    return values


Axis = Annotated[list[Item], Field(min_length=1), AfterValidator(without_repeats)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
