"""Options: what may be written into a configuration by name, and what is refused."""

import re

import pytest
from conftest import ROOT, linear_model

from assay.ground.process import StageError
from assay.serving.model_config import THREADS, ModelShape, effective_differences, serving_config, threads_in
from assay.serving.options import PARAMETERS, SHIPPED, parse_option, refused_of_onnx_runtime, set_option

PARALLEL = SHIPPED["parallel"]
ARENA_OFF, ARENA_ON = (
    f'parameters {{ key: "enable_mem_arena" value {{ string_value: "{value}" }} }}' for value in (0, 1)
)
BACKEND = ROOT / "triton" / "backends" / "onnxruntime" / "model_config.cc"


def test_an_option_is_written_over_what_is_there() -> None:
    """What it does not set stays as it was."""
    config = serving_config("linear", ModelShape.of(linear_model()), threads=2)
    set_option(config, "parallel", PARALLEL)
    set_option(config, "basic_graph", SHIPPED["basic_graph"])
    assert {key: value.string_value for key, value in config.parameters.items()} == {
        "intra_op_thread_count": "2",
        "inter_op_thread_count": "2",
        "execution_mode": "1",
    }
    assert config.optimization.graph.level == -1
    assert threads_in(config) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("optimisation { graph { level: 1 } }", 'has no field named "optimisation"'),
        ("optimization { graph { level: high } }", "Couldn't parse integer: high"),
        ("parameters { key: 1 }", "Expected string"),
        ("optimization {", "by Triton's schema"),
        ("", "it sets nothing"),
        ("  # later", "it sets nothing"),
        ("optimization {}", "it sets nothing"),
        ("optimization { graph { level: 0 } }", "it sets nothing"),
        ("instance_group [{ count: 2 }]", "may set optimization and parameters, and this sets 'instance_group'"),
        ("response_cache { enable: true }", "this sets 'response_cache'"),
        ('parameters { key: "intra_op_thread_count" }', "is the axis perf.threads"),
        (f"{ARENA_OFF} {ARENA_ON}", "it sets a parameter twice"),
        ("optimization { execution_accelerators {} }", "execution_accelerators are variants, as openvino"),
    ],
)
def test_what_is_no_option_is_refused(text: str, sentence: str) -> None:
    """By Triton's schema, or because another key says it."""
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_option(text)


def test_a_parameter_that_nobody_reads_is_refused_of_onnx_runtimes_backend_alone() -> None:
    """It would be measured as another configuration, and be the same one; of a program, its owner knows."""
    text = 'parameters { key: "enable_mem_areena" value { string_value: "0" } }'
    said = refused_of_onnx_runtime(parse_option(text))
    assert said is not None
    assert said.startswith("sets 'enable_mem_areena', which NVIDIA's onnxruntime backend or ours does not read")
    config = serving_config("linear", ModelShape.of(linear_model()), threads=None)
    with pytest.raises(StageError, match=r"^options\.typo sets 'enable_mem_areena'"):
        set_option(config, "typo", text)
    config.backend = "python"
    set_option(config, "typo", text)
    assert config.parameters["enable_mem_areena"].string_value == "0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('parameters { key: "enable_mem_arena" value { string_value: "banana" } }', "'banana', which is not 0 or 1"),
        ('parameters { key: "enable_mem_pattern" value { string_value: "" } }', "'', which is not 0 or 1"),
        ('parameters { key: "enable_mem_arena" }', "'', which is not 0 or 1"),
        ('parameters { key: "execution_mode" value { string_value: "7" } }', "'7', which is not 0 or 1"),
        ('parameters { key: "inter_op_thread_count" value { string_value: "-3" } }', "'-3', which is not a number"),
        ('parameters { key: "inter_op_thread_count" value { string_value: "100000000000" } }', "is not a number of"),
        ('parameters { key: "inter_op_thread_count" value { string_value: "two" } }', "'two', which is not a number"),
        ('parameters { key: "inter_op_thread_count" value { string_value: "\u0663" } }', "is not a number of"),
        ('parameters { key: "enable_mem_arena" value { string_value: "fal\u017fe" } }', "is not 0 or 1"),
        ("optimization { graph { level: 99 } }", "sets the graph level 99; there are -1, 0, 1, 2"),
    ],
)
def test_a_value_that_the_backend_does_not_tell_from_another_is_refused(text: str, sentence: str) -> None:
    """The server would refuse every configuration with it, or take it for what is there already."""
    said = refused_of_onnx_runtime(parse_option(text))
    assert said is not None
    assert sentence in said


@pytest.mark.parametrize("value", ["0", "1", "true", "False", "ON", "off"])
def test_a_flag_is_written_as_the_backends_read_it(value: str) -> None:
    """NVIDIA's takes words, too, whatever their case."""
    text = f'parameters {{ key: "enable_mem_arena" value {{ string_value: "{value}" }} }}'
    assert refused_of_onnx_runtime(parse_option(text)) is None


def test_maps_elsewhere_in_an_option_are_not_parameters_twice() -> None:
    """As the inputs of a CUDA graph."""
    text = f'{ARENA_OFF} optimization {{ cuda {{ graph_spec {{ input {{ key: "a" value {{ dim: 1 }} }} }} }} }}'
    option = parse_option(text)
    assert list(option.parameters) == ["enable_mem_arena"]
    assert list(option.optimization.cuda.graph_spec[0].input) == ["a"]


def test_the_parameters_are_those_that_our_backend_reads() -> None:
    """A new one there is an option here."""
    assert set(re.findall(r'key == "(\w+)"', BACKEND.read_text())) == {*PARAMETERS, THREADS}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_option_is_read(name: str) -> None:
    """By both backends."""
    assert refused_of_onnx_runtime(parse_option(SHIPPED[name])) is None


def test_a_graph_level_that_the_server_changed_is_told() -> None:
    """As everything that a configuration states."""
    written = serving_config("linear", ModelShape.of(linear_model()), threads=None)
    set_option(written, "basic_graph", SHIPPED["basic_graph"])
    served = type(written)()
    served.CopyFrom(written)
    assert effective_differences(written, served) == []
    served.optimization.graph.level = 0
    assert effective_differences(written, served) == ["optimization: config.pbtxt says [-1], the server [0]"]
