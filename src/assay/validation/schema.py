"""The schema of params.yaml: every stage reads its parameters through here.

Strict: unknown keys, wrong types and impossible combinations are all reported
at once, each with its path and what is allowed, before a stage does any work.
"""

import errno
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import CollectionStartEvent

from assay.exporting import variants
from assay.exporting.settings import Settings
from assay.ground.files import CONFLICT, has_conflict
from assay.ground.numerals import counted
from assay.ground.paths import PARAMS
from assay.ground.process import StageError
from assay.ground.quoting import first, listed
from assay.ground.still import read_still
from assay.learning import datasets, models
from assay.params.cells import Cell
from assay.params.matrix import in_shapes, matrix
from assay.params.measuring import Conditions, Finalists, Load, Runoff, SaturationSearch, Screening
from assay.params.mistakes import sentence, unreadable
from assay.params.moved_and_missing import missing
from assay.params.perf import Perf
from assay.params.section import Section
from assay.params.triton import Labels, Timeouts, Triton
from assay.serving.options import SHIPPED, parse_option, refused_of_onnx_runtime
from assay.validation.sections import Data, DatasetName, ModelName, Models, Onnx, Options, Variants

_TO_MEND = "keep one side of it, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
# What fits a screen: where there are more, mending one often mends many.
MOST_ERRORS = 20
# Lists and mappings: the reader crashes on some 30,000 that lie in each other.
_MOST_NESTED = 10_000


class Params(Section):
    """All of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    dataset: DatasetName = "digits"
    data: Data = Data()
    model: ModelName = "autoencoder"
    models: Models = Models()
    onnx: Onnx = Onnx()
    variants: Variants = Variants()
    labels: Labels = Labels()
    triton: Triton = Triton()
    timeouts: Timeouts = Timeouts()
    options: Options = Field(default=SHIPPED)
    perf: Perf = Perf()
    load: Load = Load()
    screening: Screening = Screening()
    finalists: Finalists = Finalists()
    runoff: Runoff = Runoff()
    saturation: SaturationSearch = SaturationSearch()

    @field_validator("model")
    @classmethod
    def _model_takes_dataset(cls, value: str, info: ValidationInfo) -> str:
        dataset, data = info.data.get("dataset"), info.data.get("data")
        own = data.own if data else None
        # Errors in `data` leave the shape of one's own examples open, that of all others not.
        if dataset and (own or not datasets.is_described(dataset)):
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

    @field_validator("labels")
    @classmethod
    def _there_are_so_many_classes(cls, value: Labels, info: ValidationInfo) -> Labels:
        dataset, data, top_k = info.data.get("dataset"), info.data.get("data"), value.top_k
        if top_k and (model := info.data.get("model")) and models.get(model).brought:
            raise ValueError(
                f"top_k names classes of a dataset, and model {model} was brought without one; set it to null"
            )
        if dataset and data and top_k and top_k > (count := len(datasets.get(dataset, data.own).classes)):
            raise ValueError(f"top_k is {top_k}, and dataset {dataset} has {count} classes")
        return value

    @field_validator("perf")
    @classmethod
    def _cost_can_be_counted(cls, value: Perf, info: ValidationInfo) -> Perf:
        triton = info.data.get("triton")
        if triton and not triton.counts_cost and value.objective == "cpu":
            raise ValueError(
                f"objective cpu counts the processor time of the server's processes, and triton.server {triton.server} "
                "does not show them; choose embedded or local, or another objective"
            )
        return value

    @field_validator("perf")
    @classmethod
    def _limits_are_of_the_model(cls, value: Perf, info: ValidationInfo) -> Perf:
        model = info.data.get("model")
        if model and not models.get(model).brought:
            if value.slo.agreement is not None or value.slo.difference is not None:
                raise ValueError(
                    f"slo.agreement and slo.difference compare with a model that was brought, and {model} is trained; "
                    "set slo.accuracy"
                )
            if value.shapes:
                raise ValueError(f"shapes are those of a model that was brought, and {model} takes one; write []")
            if 0 in value.max_batch_size:
                raise ValueError(
                    f"max_batch_size 0 is for models that take no batches, and {model} does; write 1 or more"
                )
        return value

    @field_validator("perf")
    @classmethod
    def _races_in_one_shape(cls, value: Perf) -> Perf:
        if value.search == "race" and value.shapes:
            raise ValueError("shapes are measured where every configuration is; write [], or set search to all")
        return value

    @field_validator("perf")
    @classmethod
    def _options_are_there(cls, value: Perf, info: ValidationInfo) -> Perf:
        options, model = info.data.get("options"), info.data.get("model")
        if options is None:
            return value
        if unknown := [name for name in value.options if name not in options]:
            raise ValueError(f"options: no {listed(unknown)} among the section options; it has {', '.join(options)}")
        if twice := [name for name in value.options if name in value.shapes]:
            raise ValueError(f"options and shapes both have {listed(twice)}: cells would have one name")
        onnx = info.data.get("onnx")
        if value.options and onnx and all(variants.get(each).accelerator for each in onnx.variants):
            raise ValueError(
                f"options are ONNX Runtime's, and it computes none of onnx.variants, {', '.join(onnx.variants)}; "
                "write []"
            )
        if model and not models.get(model).brought:
            for name in value.options:
                if why := refused_of_onnx_runtime(parse_option(options[name])):
                    raise ValueError(f"options: {name} {why}")
        return value

    @field_validator("load")
    @classmethod
    def _server_can_be_loaded_so(cls, value: Load, info: ValidationInfo) -> Load:
        triton = info.data.get("triton")
        if triton and triton.server not in ("embedded", "local") and value.shared_memory == "system":
            raise ValueError(
                f"shared_memory system needs a server that sees this machine's /dev/shm, and triton.server "
                f"{triton.server} may not; choose none, or the server embedded or local"
            )
        if triton and triton.server == "url" and value.client_cores:
            raise ValueError("client_cores divides this machine's cores; with triton.server url it must be 0")
        return value

    @field_validator("saturation")
    @classmethod
    def _saturation_has_a_limit(cls, value: SaturationSearch, info: ValidationInfo) -> SaturationSearch:
        perf = info.data.get("perf")
        if perf and value.distribution and not perf.slo.latency_limits_ms:
            raise ValueError("the highest rate is the one that meets a latency limit; set perf.slo.p95_ms or p99_ms")
        return value

    @property
    def cells(self) -> list[Cell]:
        """The matrix; the default configuration comes first."""
        return matrix(self.onnx.variants, self.perf)

    @property
    def every_cell(self) -> list[Cell]:
        """The matrix, and the same cells in each of the further shapes."""
        return [*self.cells, *in_shapes(self.cells, self.perf.shapes)]

    @property
    def conditions(self) -> Conditions:
        """What every measurement is made under."""
        return Conditions(self.seed, self.triton, self.timeouts, self.load, self.perf.window_ms)

    @property
    def raw_data(self) -> datasets.Dataset:
        """The chosen dataset."""
        return datasets.get(self.dataset, self.data.own)

    def settings(self, variant: str) -> Settings:
        """Return the section of a variant."""
        section: Settings = getattr(self.variants, variant)
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
    found = missing(content, Params().model_dump())
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        found += [sentence(detail, Params) for detail in error.errors()]
    if found:
        count = counted(len(found), "error")
        raise StageError("\n  ".join([f"{source} has {count}:", *first(found, MOST_ERRORS)]))
    return params


def load_params(path: Path = PARAMS) -> Params:
    """Read and check params.yaml with the reader that DVC has, which takes some text for no YAML that others take.

    Raises StageError if the file is missing, is not YAML, or has errors.
    """

    def parse(text: bytes) -> Params:
        try:
            events = YAML(typ="safe").parse(text.decode())
            begun = (event for event in events if isinstance(event, CollectionStartEvent))
            if next(islice(begun, _MOST_NESTED, None), None):
                raise StageError(
                    f"{path.name} holds more than {_MOST_NESTED:,} lists or mappings, which no parameters need"
                )
            content = YAML(typ="safe").load(text.decode())
        except (YAMLError, ValueError, RecursionError) as error:
            why = f"{CONFLICT}; {_TO_MEND}" if has_conflict(path) else unreadable(error)
            raise StageError(f"{path.name} is not readable YAML: {why}") from None
        try:
            return validate(content, source=path.name)
        except RecursionError as error:  # what the reader can follow, and the schema cannot
            raise StageError(f"{path.name} is not readable YAML: {unreadable(error)}") from None

    try:
        return read_still(path, parse)
    except OSError as error:
        bring = f"; `git checkout {path.name}` brings the committed one back" if error.errno == errno.ENOENT else ""
        raise StageError(f"cannot read {path.name}: {error.strerror}{bring}") from None
