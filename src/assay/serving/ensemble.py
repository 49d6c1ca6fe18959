"""A classifier and the step that names its classes, joined to one model by Triton."""

import json
from collections.abc import Sequence

from tritonclient.grpc import model_config_pb2 as schema

from assay.serving.model_config import PYTHON_BACKEND

LABEL = "label"
# What the step takes and gives, in triton/steps/label/1/model.py.
SCORES, INDEX = "scores", "index"


def ensemble_name(variant: str) -> str:
    """Return the name of the model that answers with labels."""
    return f"labelled-{variant}"


def label_config(classes: Sequence[str], top_k: int, max_batch_size: int) -> schema.ModelConfig:
    """Return the configuration of the step that names the likeliest `top_k` of the classes."""
    config = schema.ModelConfig(name=LABEL, backend=PYTHON_BACKEND, max_batch_size=max_batch_size)
    config.input.add(name=SCORES, data_type=schema.TYPE_FP32, dims=[len(classes)])
    _add_outputs(config, top_k)
    config.instance_group.add(kind=schema.ModelInstanceGroup.KIND_CPU, count=1)
    config.parameters["classes"].string_value = json.dumps(list(classes), ensure_ascii=False)
    config.parameters["top_k"].string_value = str(top_k)
    return config


def ensemble_config(variant: str, classifier: schema.ModelConfig, top_k: int) -> schema.ModelConfig:
    """Return the configuration that sends a classifier's scores through the label step."""
    (model_input,), (scores,) = classifier.input, classifier.output
    config = schema.ModelConfig(
        name=ensemble_name(variant), platform="ensemble", max_batch_size=classifier.max_batch_size
    )
    config.input.add().CopyFrom(model_input)
    _add_outputs(config, top_k)
    first = config.ensemble_scheduling.step.add(model_name=classifier.name, model_version=-1)
    first.input_map[model_input.name] = model_input.name
    first.output_map[scores.name] = SCORES
    second = config.ensemble_scheduling.step.add(model_name=LABEL, model_version=-1)
    second.input_map[SCORES] = SCORES
    for output in config.output:
        second.output_map[output.name] = output.name
    return config


def _add_outputs(config: schema.ModelConfig, top_k: int) -> None:
    config.output.add(name=LABEL, data_type=schema.TYPE_STRING, dims=[top_k])
    config.output.add(name=INDEX, data_type=schema.TYPE_INT64, dims=[top_k])
