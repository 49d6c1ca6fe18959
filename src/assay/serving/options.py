"""Options: named settings of config.pbtxt, an axis of the matrix beside those that have a key of their own."""

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.params.triton import BACKEND
from assay.serving.model_config import THREADS

# What a backend reads. All else says which model it is, belongs to another axis, or would answer for the model.
FIELDS = ("optimization", "parameters")
# Those that NVIDIA's backend and ours read (docs/servers.md), but for the one that is an axis.
PARAMETERS = ("inter_op_thread_count", "execution_mode", "enable_mem_arena", "enable_mem_pattern")
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
    if not fields:
        raise ValueError("it sets nothing")
    if others := [name for name in fields if name not in FIELDS]:
        raise ValueError(f"an option may set {' and '.join(FIELDS)}, and this sets {listed(others)}")
    if THREADS in option.parameters:
        raise ValueError(f"{THREADS} is the axis perf.threads; list numbers there")
    if option.optimization.HasField("execution_accelerators"):
        raise ValueError("execution_accelerators are variants, as openvino; list it in onnx.variants")
    return option


def without_effect(option: ModelConfig) -> str | None:
    """Say which parameters of an option an ONNX Runtime backend does not read, NVIDIA's or ours; None of none."""
    unread = [key for key in option.parameters if key not in PARAMETERS]
    if not unread:
        return None
    return (
        f"sets {listed(unread)}, which NVIDIA's onnxruntime backend or ours does not read; both read "
        f"{', '.join(PARAMETERS)}"
    )


def set_option(config: ModelConfig, name: str, text: str) -> None:
    """Write an option over a configuration; raises StageError if its backend is ONNX Runtime's and does not read it."""
    option = parse_option(text)
    if config.backend == BACKEND and (why := without_effect(option)):
        raise StageError(f"options.{name} {why}")
    config.MergeFrom(option)
