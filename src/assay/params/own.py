"""The section of params.yaml that describes one's own examples."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from assay.params.section import Section, without_repeats

MAX_PIXELS = 4096
Length = Annotated[int, Field(ge=1, le=MAX_PIXELS)]


def _plain(name: str) -> str:
    # A class is a folder's name, a label in a CSV file and a word in tables: é is one character in all.
    name = unicodedata.normalize("NFC", name)
    if not re.fullmatch(r"[^\W_][\w .+-]{0,99}", name):
        raise ValueError("a class name begins with a letter or digit and has letters, digits, spaces and _.+- only")
    return name


ClassName = Annotated[str, AfterValidator(_plain)]


def _features_or_image(shape: list[int]) -> list[int]:
    if len(shape) not in (1, 3):
        raise ValueError("write [features] or [height, width, channels]")
    if len(shape) == 3 and shape[2] not in (1, 3):
        raise ValueError("an image has 1 channel, grey, or 3: red, green, blue")
    return shape


class Description(Section):
    """data.own in params.yaml."""

    format: Literal["images", "npz", "csv"] = "images"
    shape: Annotated[list[Length], AfterValidator(_features_or_image)] = [28, 28, 1]
    classes: Annotated[list[ClassName], Field(min_length=2), AfterValidator(without_repeats)] = ["0", "1"]
    resize: bool = False
