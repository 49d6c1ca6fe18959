"""params.yaml: what is accepted, and what a person is told otherwise."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import PIPELINES, ROOT, errors, read_params
from ruamel.yaml import YAML

from assay.exporting import variants
from assay.ground.process import StageError
from assay.params import plugins
from assay.params.cells import Cell, parse_batching
from assay.params.moved_and_missing import NAMED_BY_DVC, defaults_taken
from assay.params.section import Section
from assay.validation.schema import Params, load_params, validate
from assay.validation.sections import plugin_sections

VARIANTS = ", ".join(plugins.names(variants))


def test_shipped_parameters_are_valid() -> None:
    """The params.yaml in the repository passes its own schema, and so does what tests start from."""
    assert load_params()
    assert load_params(ROOT / "tests" / "params.yaml").model == "autoencoder"


def test_a_file_that_is_missing_or_in_conflict_is_told_with_the_remedy(tmp_path: Path) -> None:
    """A merge's conflict is no YAML, and Git has the committed file."""
    path = tmp_path / "params.yaml"
    with pytest.raises(StageError, match=r"^cannot read params\.yaml: No such file .*; `git checkout params"):
        load_params(path)
    shipped = (ROOT / "params.yaml").read_text()
    path.write_text(shipped.replace("seed: 42", "<<<<<<< HEAD\nseed: 42\n=======\nseed: 43\n>>>>>>> other", 1))
    os.utime(path, (0, 0))  # nobody is at it any more
    with pytest.raises(StageError, match="a merge left its conflict in it; keep one side of it, and remove"):
        load_params(path)


def test_all_errors_are_reported_at_once(content: dict[str, Any]) -> None:
    """A wrong type, an unknown key, a bad choice and an impossible pair come in one message."""
    content["seed"] = "42"
    content["perf"]["windw_ms"] = 200
    content["triton"]["server"] = "remote"
    content["dataset"] = "iris"
    content["data"]["test_fraction"] = 0.9
    found = "\n".join(errors(content))
    assert "seed: Input should be a valid integer (it is '42')" in found
    assert "perf.windw_ms: unknown key; allowed here: search, instances, max_batch_size" in found
    assert "triton.server: Input should be 'embedded', 'local', 'docker' or 'url' (it is 'remote')" in found
    assert "model: autoencoder cannot be trained on dataset iris: it takes 28x28x1 images" in found
    assert "data.test_fraction: validation_fraction and test_fraction together must stay below 1" in found
    assert len(errors(content)) == 5


@pytest.mark.parametrize(
    ("section", "key", "value", "sentence"),
    [
        ("url", "http", "http://127.0.0.1:8000", "triton.url.http: write host:port, without http://"),
        ("url", "http", "127.0.0.1", "triton.url.http: write host:port"),
        ("url", "http", "u:secret@h:1", "triton.url.http: write host:port, without http:// or a user"),
        ("url", "grpc", "server:70000", "triton.url.grpc: write host:port"),
        ("url", "grpc", "--help:80", "triton.url.grpc: write host:port"),
        ("url", "cores", 0, "triton.url.cores: Input should be greater than or equal to 1 (it is 0)"),
        ("local", "folder", "opt/tritonserver", "triton.local.folder: write an absolute path"),
        ("docker", "image", "--privileged", "triton.docker.image: write an image's name"),
        ("docker", "image", "a b", "triton.docker.image: write an image's name"),
    ],
)
def test_where_a_server_is_must_be_a_plain_name(
    content: dict[str, Any], section: str, key: str, value: Any, sentence: str
) -> None:
    """Addresses, folders and images that could mean something else to a command line are refused."""
    content["triton"][section][key] = value
    (found,) = errors(content)
    assert sentence in found
    assert "secret" not in found


@pytest.mark.parametrize("server", ["docker", "url"])
def test_processor_time_is_no_objective_where_nobody_can_read_it(content: dict[str, Any], server: str) -> None:
    """A container's or another machine's processes do not show what they cost."""
    content["triton"]["server"] = server
    assert validate(content)
    content["perf"]["objective"] = "cpu"
    (found,) = errors(content)
    assert f"triton.server {server} does not show them; choose embedded or local" in found


def test_cores_are_divided_only_where_the_server_is_ours(content: dict[str, Any]) -> None:
    """A server that runs already cannot be kept from this machine's cores."""
    content["triton"]["server"] = "url"
    content["load"]["client_cores"] = 1
    (found,) = errors(content)
    assert "with triton.server url it must be 0" in found


@pytest.mark.parametrize(
    ("section", "key", "value", "sentence"),
    [
        (
            "perf",
            "instances",
            [1, 2, 1],
            "perf.instances: each value may stand here once; repeated: 1 (it is [1, 2, 1])",
        ),
        ("perf", "instances", [], "perf.instances: List should have at least 1 item"),
        ("perf", "instances", [0], "perf.instances[0]: Input should be greater than or equal to 1 (it is 0)"),
        ("screening", "precision", 0, "screening.precision: Input should be greater than 0 (it is 0)"),
        (
            "perf",
            "decide_at",
            3,
            "perf.decide_at: choose null, the largest, or one of perf.concurrency: 1, 8",
        ),
        ("perf", "dynamic_batching", [False], "Input should be a valid string; put it in quotes (it is False)"),
        ("perf", "dynamic_batching", [None], "perf.dynamic_batching[0]: Input should be a valid string (it is None)"),
        ("perf", "dynamic_batching", ["500"], "write off, delay_<microseconds>us or"),
        ("perf", "dynamic_batching", ["delay_5us_preferred_128"], "prefers a batch of 128, larger than the smallest"),
        ("perf", "threads", [0], "perf.threads[0]: Input should be greater than or equal to 1 (it is 0)"),
        ("perf", "options", ["arena"], "perf: options: no 'arena' among the section options; it has no_arena"),
        ("perf", "options", ["no-arena"], "perf.options[0]: String should match pattern"),
        (
            "options",
            "no_arena",
            "optimisation {}",
            "options.no_arena: no part of a config.pbtxt, by Triton's schema: 1:1",
        ),
        ("options", "2", "optimization { graph { level: -1 } }", "options.2: String should match pattern"),
        ("onnx", "variants", ["int3"], f"onnx.variants[0]: choose one of: {VARIANTS} (it is 'int3')"),
        ("labels", "top_k", 11, "labels: top_k is 11, and dataset digits has 10 classes"),
        ("perf", "client_cores", 1, "perf.client_cores: is now load.client_cores"),
        ("triton", "labels", {"top_k": 1}, "triton.labels: is now labels"),
        ("variants", "int3", {}, f"variants.int3: unknown key; allowed here: {VARIANTS}"),
        ("data", "test_fraction", float("nan"), "data.test_fraction: Input should be a finite number"),
    ],
)
def test_an_error_says_where_what_and_what_is_allowed(
    content: dict[str, Any], section: str, key: str, value: Any, sentence: str
) -> None:
    """Each refused value is named by its path, with what may stand there."""
    content[section][key] = value
    (found,) = errors(content)
    assert sentence in found


@pytest.mark.parametrize(
    ("written", "found"),
    [("0", "0"), ("true", "True"), ("0x1F", "31"), ("1e3", "1000.0"), ("2024-01-02", "2024-01-02")],
)
def test_a_text_that_yaml_takes_for_something_else_needs_quotes(
    content: dict[str, Any], written: str, found: str
) -> None:
    """A class that is called by a number, a truth or a day is text in quotes only, and the message says so."""
    content["data"]["own"]["classes"] = YAML(typ="safe", pure=True).load(f"[cat, {written}]")
    said = f"data.own.classes[1]: Input should be a valid string; put it in quotes (it is {found})"
    assert [each.strip() for each in errors(content)] == [said]
    content["data"]["own"]["classes"] = YAML(typ="safe", pure=True).load(f'[cat, "{written}"]')
    assert validate(content).data.own.classes == ["cat", written]


@pytest.mark.parametrize("value", ["text", 3, None, ["a"]])
def test_a_section_replaced_by_a_value_is_refused(content: dict[str, Any], value: Any) -> None:
    """`-S perf=text`, which DVC itself accepts, names the section and its keys."""
    content["perf"] = value
    (found,) = errors(content)
    assert "perf: must be a section with the keys search, instances, max_batch_size" in found


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [
        (None, "load", "load: missing; add the line `load: {protocol: grpc, shared_memory: none, client_cores: 0}`"),
        (None, "perf", "perf: missing; add the line `perf: {"),
        (None, "seed", "seed: missing; add the line `seed: 42`"),
        ("perf", "window_ms", "perf.window_ms: missing; add the line `window_ms: 50` under perf"),
        ("perf", "decide_at", "perf.decide_at: missing; add the line `decide_at: null` under perf"),
        ("onnx", "variants", "onnx.variants: missing; add the line `variants: [fp32]` under onnx"),
        ("models", "autoencoder", "models.autoencoder: missing; add the line `autoencoder: {"),
        ("variants", "fp32", "variants.fp32: missing; add the line `fp32: {parity_limit: 0.0001}` under variants"),
    ],
)
def test_a_key_that_dvc_needs_is_named_with_the_line_to_add(
    content: dict[str, Any], section: str | None, key: str, said: str
) -> None:
    """DVC looks for it in the file, and knows no defaults."""
    del (content[section] if section else content)[key]
    (found,) = errors(content)
    assert found.strip().startswith(said)


def test_the_line_to_add_is_one_for_dvc_too(content: dict[str, Any]) -> None:
    """Whose reader of YAML takes an address within braces in quotes alone."""
    del content["triton"]
    (found,) = errors(content)
    line = found.partition("add the line `")[2].partition("`")[0]
    assert YAML(typ="safe").load(line) == {"triton": Params().triton.model_dump()}


def test_an_emptied_section_is_told_what_it_may_hold(content: dict[str, Any]) -> None:
    """As one whose only line was deleted."""
    content["screening"] = None
    (found,) = errors(content)
    assert found.strip() == "screening: must be a section with the keys precision; it is empty: add one of them"


def test_a_file_that_is_older_than_a_key_stays_valid(content: dict[str, Any]) -> None:
    """Each key that dvc.yaml does not name has a default, which is what the shipped file says."""
    del content["models"]["autoencoder"]["head"]["epochs"], content["load"]["protocol"], content["timeouts"]
    del content["models"]["cnn"], content["variants"]["pruned"]
    assert validate(content).model_dump() == validate(read_params()).model_dump()
    shipped = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    assert shipped == Params().model_dump()
    assert defaults_taken(shipped, Params().model_dump()) == []
    assert "load.protocol: grpc" in defaults_taken(content, Params().model_dump())


def test_what_dvc_yaml_names_is_what_a_file_needs() -> None:
    """Keys, and what is put into names; those of chosen plug-ins and of matrices are known by their place."""
    named = set()
    for pipeline in PIPELINES:
        text = (ROOT / pipeline).read_text()
        for stage in YAML(typ="safe", pure=True).load(text)["stages"].values():
            named |= {key for key in stage.get("params", []) if isinstance(key, str) and "$" not in key}
        named |= {key for key in re.findall(r"\$\{([a-z_.]+)\}", text) if not key.startswith(("item.", "key"))}
    assert named - {"key"} == set(NAMED_BY_DVC) | {"onnx", "perf", "variants"}


def test_a_plug_in_needs_a_default_for_every_key() -> None:
    """Or params.yaml files that are older than it would be refused, whatever they choose."""

    class Settings(Section):
        epochs: int

    with pytest.raises(TypeError, match=r"models\.new needs a default for epochs"):
        plugin_sections("models", {"new": Settings})


@pytest.mark.parametrize(
    "text", ["", "just a word", "seed: [", "seed: 1\nseed: 2\n", "- 1\n- 2\n", "seed: 2020-13-45", "[" * 1000]
)
def test_a_file_that_is_not_parameters_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """Empty, broken or foreign YAML never ends in a traceback."""
    path = tmp_path / "params.yaml"
    path.write_text(text)
    os.utime(path, (0, 0))  # nobody is at it any more
    with pytest.raises(StageError, match=r"params\.yaml"):
        load_params(path)


def test_what_dvc_cannot_read_is_refused_before_dvc_meets_it(tmp_path: Path) -> None:
    """A colon within braces that other readers take for a letter; `make check` says the line, and not DVC after it."""
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("max_batch_size: [", "max_batch_size: [x:y, ", 1))
    os.utime(path, (0, 0))  # nobody is at it any more
    with pytest.raises(StageError, match=r"^params\.yaml is not readable YAML: line \d+, column \d+: .*in quotes$"):
        load_params(path)


@pytest.mark.parametrize("depth", [50, 600, 900, 3000, 100_000])
def test_brackets_in_brackets_are_refused(tmp_path: Path, depth: int) -> None:
    """However many they are: where the reader, or the schema, cannot follow them, that is the sentence."""
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    path.write_text(text.replace("\nseed: 42", f"\nseed: {'[' * depth}{']' * depth}", 1))
    os.utime(path, (0, 0))  # nobody is at it any more
    with pytest.raises(
        StageError, match=r"^params\.yaml (has 1 error:\n  seed: |is not readable YAML: |holds more )"
    ) as raised:
        load_params(path)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("each", ["{", "[", "- ", "? "])
def test_brackets_in_text_are_no_lists_or_mappings(tmp_path: Path, each: str) -> None:
    """However many they are: in quotes and in comments they begin nothing."""
    path, text = tmp_path / "params.yaml", (ROOT / "params.yaml").read_text()
    path.write_text(f"# {each * 20_000}\n{text}")
    assert load_params(path) == load_params(ROOT / "params.yaml")
    path.write_text(f"{text}\nnote: '{each * 20_000}'\n")
    os.utime(path, (0, 0))  # nobody is at it any more
    with pytest.raises(StageError, match=r"^params\.yaml has 1 error:\n  note: unknown key"):
        load_params(path)


def test_exponents_without_a_point_are_numbers(tmp_path: Path) -> None:
    """`1e-5` is a number in YAML 1.2, though PyYAML reads it as text."""
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("limit: 1.0e-4", "limit: 1e-5"))
    assert load_params(path).settings("fp32").parity_limit == 1e-5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delay_0us", (0, ())),
        ("delay_500us", (500, ())),
        ("delay_500us_preferred_8", (500, (8,))),
        ("delay_1000us_preferred_8_16_32", (1000, (8, 16, 32))),
    ],
)
def test_batching_is_read_from_its_name(text: str, expected: tuple[int, tuple[int, ...]]) -> None:
    """The value of the axis says delay and preferred sizes."""
    batching = parse_batching(text)
    assert batching is not None
    assert (batching.delay_us, batching.preferred) == expected


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "Off",
        "delay_us",
        "delay_05us",
        "delay_-1us",
        "delay_10000001us",
        "delay_99999999999999999999us",
        "delay_1us_preferred",
        "delay_1us_preferred_8_8",
        "delay_1us_preferred_16_8",
        "delay_1us_preferred_0",
        "delay_1us_preferred_08",
        "off/../x",
    ],
)
def test_any_other_batching_is_refused(text: str) -> None:
    """Two spellings of one configuration, or a path in a name, cannot arise."""
    with pytest.raises(ValueError, match=r"batching|preferred"):
        parse_batching(text)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("fp32-2-64-off", "2 instances, no batching"),
        ("fp32-1-8-delay_0us", "1 instance, batches of up to 8, no delay"),
        ("int8_static-1-64-delay_1500us", "1 instance, batches of up to 64, delay 1,500 µs"),
        ("fp32-1-64-delay_5us_preferred_4_8", "1 instance, batches of up to 64, preferred 4 or 8, delay 5 µs"),
    ],
)
def test_a_cells_name_has_a_meaning(name: str, meaning: str) -> None:
    """In words, for who meets it for the first time."""
    variant, instances, size, batching = name.split("-")
    cell = Cell(variant, int(instances), int(size), batching)
    assert (cell.name, cell.meaning) == (name, meaning)


def test_a_cell_that_its_owner_configured_means_that() -> None:
    """Whatever its name says of instances and batches."""
    assert Cell("fp32", 1, 8, "delay_0us", as_configured=True).meaning == "as its owner configured it"


def test_threads_and_an_option_stand_behind_a_name() -> None:
    """In front of a shape, and a name without them is what it was."""
    cell = Cell("fp32", 2, 64, "off", threads=1, option="no_arena")
    assert (cell.name, cell.meaning) == (
        "fp32-2-64-off-1-no_arena",
        "2 instances, 1 thread each, no batching, no_arena",
    )
    assert Cell("fp32", 2, 64, "off", option="no_arena").name == "fp32-2-64-off-no_arena"
    assert Cell("fp32", 2, 64, "off", shape="x_8").name == "fp32-2-64-off-x_8"


def test_threads_and_options_are_further_configurations(content: dict[str, Any]) -> None:
    """Each one is there without them, too, and the default configuration is one without."""
    content["perf"].update(instances=[1], dynamic_batching=["off"], threads=[2], options=["no_arena"])
    assert [cell.name for cell in validate(content).cells] == [
        "fp32-1-64-off",
        "fp32-1-64-off-no_arena",
        "fp32-1-64-off-2",
        "fp32-1-64-off-2-no_arena",
    ]


def test_an_option_that_the_backend_does_not_read_is_refused(content: dict[str, Any]) -> None:
    """Before anything is trained; what nobody measures may stand there."""
    content["options"]["typo"] = 'parameters { key: "arena" value { string_value: "0" } }'
    assert validate(content)
    content["perf"]["options"] = ["typo"]
    (found,) = errors(content)
    assert "perf: options: typo sets 'arena', which NVIDIA's onnxruntime backend or ours does not read" in found


def test_a_value_that_the_backend_refuses_is_refused_before_anything_is_trained(content: dict[str, Any]) -> None:
    """Every configuration with it would fall out of the race."""
    content["options"]["typo"] = 'parameters { key: "execution_mode" value { string_value: "7" } }'
    content["perf"]["options"] = ["typo"]
    (found,) = errors(content)
    assert "perf: options: typo sets execution_mode to '7', which is not 0 or 1" in found


def test_options_where_no_variant_takes_one_are_refused(content: dict[str, Any]) -> None:
    """They would be measured as what they are without: a second time, under another name."""
    content["perf"]["options"] = ["no_arena"]
    content["onnx"]["variants"] = ["openvino", "fp32"]
    assert validate(content)
    content["onnx"]["variants"] = ["openvino"]
    (found,) = errors(content)
    assert "perf: options are ONNX Runtime's, and it computes none of onnx.variants, openvino; write []" in found


@pytest.mark.parametrize("name", ["off", "delay_0us", "delay_500us_preferred_8", "anchor"])
def test_an_option_is_not_named_as_something_else(content: dict[str, Any], name: str) -> None:
    """`fp32-1-64-off-off` says nothing to anybody."""
    content["options"][name] = content["options"]["no_arena"]
    content["perf"]["options"] = [name]
    assert f"{name!r} is a name of something else in a matrix" in errors(content)[0]


def test_an_option_and_a_shape_have_names_of_their_own(content: dict[str, Any]) -> None:
    """Two cells would have one."""
    content.update(model="own")
    content["options"]["x_8"] = content["options"]["no_arena"]
    content["perf"].update(options=["x_8"], shapes=["x_8"])
    assert "options and shapes both have 'x_8': cells would have one name" in errors(content)[0]
