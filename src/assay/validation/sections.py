"""Sections of params.yaml that name plug-ins: datasets, model families, variants, and options of a configuration."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator

from assay.exporting import variants
from assay.learning import datasets, models
from assay.params import plugins
from assay.params.own import Description
from assay.params.perf import OptionName
from assay.params.section import Axis, Fraction, Section
from assay.serving.options import parse_option
from assay.tensors.releases import NEWEST_OPSET, OLDEST_OPSET


def _one_of(choices: list[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"choose one of: {', '.join(choices)}")
        return value

    return check


DatasetName = Annotated[str, AfterValidator(_one_of(plugins.names(datasets)))]
ModelName = Annotated[str, AfterValidator(_one_of(plugins.names(models)))]
VariantName = Annotated[str, AfterValidator(_one_of(plugins.names(variants)))]


def plugin_sections(title: str, schemas: dict[str, type[Section]]) -> Any:
    """Return a section with one subsection a plug-in, of the plug-in's own schema.

    Raises TypeError if one has a key without a default: every params.yaml that is older than the plug-in lacks it.
    """
    for name, schema in schemas.items():
        if without := [key for key, field in schema.model_fields.items() if field.is_required()]:
            raise TypeError(
                f"{title}.{name} needs a default for {', '.join(without)}, for params.yaml files without it"
            )
    fields: dict[str, Any] = {name: (schema, schema()) for name, schema in schemas.items()}
    return create_model(title.capitalize(), __base__=Section, **fields)


Models: Any = plugin_sections("models", {name: models.get(name).hyperparameters for name in plugins.names(models)})
Variants: Any = plugin_sections("variants", {name: variants.get(name).settings for name in plugins.names(variants)})


class Data(Section):
    """data: how examples are divided, what remains trains; and what one's own examples are."""

    validation_fraction: Fraction = 0.15
    test_fraction: Fraction = 0.2
    own: Description = Description()

    @field_validator("test_fraction")
    @classmethod
    def _something_remains(cls, value: float, info: ValidationInfo) -> float:
        if value + info.data.get("validation_fraction", 0) >= 1:
            raise ValueError("validation_fraction and test_fraction together must stay below 1")
        return value


class Onnx(Section):
    """onnx: what is exported."""

    variants: Axis[VariantName] = Field(default=["fp32"])
    opset: Annotated[int, Field(ge=OLDEST_OPSET, le=NEWEST_OPSET)] = 17


def _option(value: str) -> str:
    parse_option(value)
    return value


Options = dict[OptionName, Annotated[str, AfterValidator(_option)]]
