"""A model of one's own, an ONNX file that was brought: nothing is trained."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from assay.learning.bringing.folder import brought_here
from assay.learning.datasets import Dataset
from assay.learning.models import Family, Splits, Trained
from assay.params.made_inputs import MadeInput
from assay.params.section import Section, without_repeats


def _each_named_once(inputs: list[MadeInput]) -> list[MadeInput]:
    without_repeats([each.name for each in inputs])
    return inputs


class Hyperparameters(Section):
    """models.own in params.yaml: inputs that are made, and whether neighbours in a batch may change an answer.

    `step` is the one that the matrix's axes are of, where an ensemble was brought that has several. A repository's
    model may be measured `as_configured`: as its owner configured it, under its own name.
    """

    inputs: Annotated[list[MadeInput], AfterValidator(_each_named_once)] = Field(default_factory=list)
    allow_batching: bool = False
    step: Annotated[str, Field(min_length=1)] | None = None
    as_configured: bool = False


def train(splits: Splits, dataset: Dataset, hyperparameters: Hyperparameters, curves: Path) -> Trained:  # noqa: ARG001  it was trained elsewhere
    """Take the file as it is."""
    return Trained({"model": brought_here().model})


FAMILY = Family(
    framework="onnx_file", hyperparameters=Hyperparameters, refuses=lambda _: None, train=train, brought=True
)
