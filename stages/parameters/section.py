"""The base of every section of params.yaml."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Section(BaseModel):
    """Strict and immutable: no unknown keys, no coercion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def without_repeats(values: list[Item]) -> list[Item]:
    """Return `values`; raise ValueError if one of them stands there twice."""
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"each value may stand here once; repeated: {', '.join(repeated)}")
    return values
