"""What params.yaml says of a variant."""

from typing import Annotated

from pydantic import Field

from assay.params.section import Section


class Settings(Section):
    """What every variant's section of params.yaml says.

    `parity_limit` is the largest difference from any output of the trained model that is
    allowed, as a share of its largest value; None allows any.
    """

    parity_limit: Annotated[float, Field(gt=0)] | None = 1e-4


class OtherModel(Settings):
    """The same for a variant that is meant to be another model than the trained one."""

    parity_limit: Annotated[float, Field(gt=0)] | None = None
