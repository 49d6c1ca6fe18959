"""Options: named settings of config.pbtxt, an axis of the matrix beside those that have a key of their own."""

import re
from collections.abc import Iterable, Mapping

from google.protobuf import text_format
from google.protobuf.message import Message
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.params.triton import BACKEND
from assay.serving.model_config import THREADS

# What a backend reads. All else says which model it is, belongs to another axis, or would answer for the model.
FIELDS = ("optimization", "parameters")
# Those that NVIDIA's backend and ours read (docs/servers.md), but for the one that is an axis: what each may be, in
# words and as a pattern. A negative number of threads is taken, and does what 0 does: another name for what is there.
_FLAG = ("0 or 1", "0|1|true|false|on|off")
PARAMETERS: Mapping[str, tuple[str, str]] = {
    "inter_op_thread_count": ("a number of threads from 0 to 999", r"\d{1,3}"),
    "execution_mode": ("0 or 1", "0|1"),
    "enable_mem_arena": _FLAG,
    "enable_mem_pattern": _FLAG,
}
# What the backends tell apart: all others are 0 to them (docs/servers.md).
GRAPH_LEVELS = (-1, 0, 1, 2)
# What params.yaml comes with.
SHIPPED = {
    "no_arena": 'parameters { key: "enable_mem_arena" value { string_value: "0" } }',
    "parallel": 'parameters { key: "execution_mode" value { string_value: "1" } } '
    'parameters { key: "inter_op_thread_count" value { string_value: "2" } }',
    "basic_graph": "optimization { graph { level: -1 } }",
}


def parse_option(text: str) -> ModelConfig:
    """Return what an option writes into a configuration.

    Raises ValueError if Triton's schema does not know it, it sets nothing, or something that no option may.
    """
    try:
        option: ModelConfig = text_format.Parse(text, ModelConfig())
    except text_format.ParseError as error:
        raise ValueError(f"no part of a config.pbtxt, by Triton's schema: {error}") from None
    fields = [field.name for field, _ in option.ListFields()]
    if option.optimization.HasField("execution_accelerators"):
        raise ValueError("execution_accelerators are variants, as openvino; list it in onnx.variants")
    if not _sets(option):
        raise ValueError("it sets nothing")
    if others := [name for name in fields if name not in FIELDS]:
        raise ValueError(f"an option may set {' and '.join(FIELDS)}, and this sets {listed(others)}")
    if _keys_in(text_format.MessageToString(option)) < _keys_in(text):
        raise ValueError("it sets a parameter twice, and the last would count: write each once")
    if THREADS in option.parameters:
        raise ValueError(f"{THREADS} is the axis perf.threads; list numbers there")
    return option


def _sets(message: Message) -> bool:
    """Return whether a message has any value, in whatever message in it; a number that is there already is none."""
    return any(not isinstance(value, Message) or _sets(value) for _, value in message.ListFields())


def _keys_in(text: str) -> int:
    """Return how many entries of maps a text has, those included that a later one with the same key replaces."""
    words, keys = text_format.Tokenizer(text.splitlines()), 0
    while not words.AtEnd():
        keys += words.token == "key"  # noqa: S105  a word of the text
        words.NextToken()
    return keys


def refused_of_onnx_runtime(option: ModelConfig) -> str | None:
    """Say what of an option an ONNX Runtime backend, NVIDIA's or ours, does not read or take; None if it takes all."""
    if unread := [key for key in option.parameters if key not in PARAMETERS]:
        return (
            f"sets {listed(unread)}, which NVIDIA's onnxruntime backend or ours does not read; both read "
            f"{', '.join(PARAMETERS)}"
        )
    for key, value in option.parameters.items():
        meaning, pattern = PARAMETERS[key]
        if not re.fullmatch(pattern, value.string_value, re.IGNORECASE | re.ASCII):
            return f"sets {key} to {value.string_value!r}, which is not {meaning}"
    level = option.optimization.graph.level
    return (
        None
        if level in GRAPH_LEVELS
        else f"sets the graph level {level}; there are {', '.join(map(str, GRAPH_LEVELS))}"
    )


def check_options(names: Iterable[str], options: Mapping[str, str]) -> None:
    """Raise StageError if an ONNX Runtime backend does not take one of these options, of the texts of all by name."""
    for name in names:
        _check_taken(name, parse_option(options[name]))


def _check_taken(name: str, option: ModelConfig) -> None:
    if why := refused_of_onnx_runtime(option):
        raise StageError(f"options.{name} {why}")


def set_option(config: ModelConfig, name: str, text: str) -> None:
    """Write an option over a configuration; raises StageError if its backend is ONNX Runtime's and does not take it."""
    option = parse_option(text)
    if config.backend == BACKEND:
        _check_taken(name, option)
    config.MergeFrom(option)
