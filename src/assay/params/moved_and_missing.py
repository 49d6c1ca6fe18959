"""Keys of params.yaml, by their paths: which ones every file needs, which ones have another place now.

What dvc.yaml names, DVC looks for in the file, and knows no defaults. All else may be missing in a file that is
older than a key: its default is what the shipped file says.
"""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML

NAMED_BY_DVC = (
    "seed",
    "dataset",
    "data",
    "data.own",
    "model",
    "onnx.opset",
    "onnx.variants",
    "options",
    "labels",
    "triton",
    "triton.server",
    "perf.instances",
    "perf.max_batch_size",
    "perf.dynamic_batching",
    "perf.threads",
    "perf.options",
    "perf.shapes",
    "perf.concurrency",
    "perf.window_ms",
    "perf.objective",
    "perf.decide_at",
    "perf.slo",
    "perf.search",
    "load",
    "screening",
    "finalists",
    "runoff",
    "saturation",
)
MOVED = {
    "perf.protocol": "load.protocol",
    "perf.shared_memory": "load.shared_memory",
    "perf.client_cores": "load.client_cores",
    "perf.precision": "screening.precision",
    "perf.runoff": "runoff, and its key finalists is now finalists.at_most",
    "perf.open_loop": "saturation",
    "triton.labels": "labels",
    "triton.start_timeout_s": "timeouts.start_s",
    "triton.request_timeout_s": "timeouts.request_s",
    "runoff.finalists": "finalists.at_most",
}


def missing(content: Any, defaults: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each key that dvc.yaml names and the file lacks, with the line to add."""
    if not isinstance(content, Mapping):
        return []
    return [
        f"{key}: missing; add the line `{_line(key, defaults)}`{_place(key)}"
        for key in _needed(content)
        if _has(defaults, key) and not _has(content, key) and isinstance(_above(content, key), Mapping)
    ]


def _needed(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys that dvc.yaml names, those of the chosen plug-ins among them."""
    yield from NAMED_BY_DVC
    yield from ("models", "onnx", "perf", "variants")  # what holds some of them
    if isinstance(model := content.get("model"), str):
        yield f"models.{model}"
    chosen = _at(content, "onnx.variants")
    yield from (f"variants.{name}" for name in (chosen if isinstance(chosen, list) else []) if isinstance(name, str))


def defaults_taken(content: Any, complete: Mapping[str, Any], place: str = "") -> list[str]:
    """Return what a file does not say, each as a path and the value that is taken for it."""
    given = content if isinstance(content, Mapping) else {}
    found = []
    for key, value in complete.items():
        if key not in given:
            found.append(f"{place}{key}: {flow(value)}")
        elif isinstance(value, Mapping):
            found += defaults_taken(given[key], value, f"{place}{key}.")
    return found


def _at(content: Any, key: str) -> Any:
    for name in key.split("."):
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _above(content: Any, key: str) -> Any:
    above = key.rpartition(".")[0]
    return _at(content, above) if above else content


def _has(content: Any, key: str) -> bool:
    section = _above(content, key)
    return isinstance(section, Mapping) and key.rpartition(".")[2] in section


def _line(key: str, defaults: Mapping[str, Any]) -> str:
    return f"{key.rpartition('.')[2]}: {flow(_at(defaults, key))}"


def _place(key: str) -> str:
    return f" under {above}" if (above := key.rpartition(".")[0]) else ""


def flow(value: Any) -> str:
    """Return a value as it stands in a line of YAML, as every reader of it takes it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and ":" in value:  # DVC's reader takes no such text within braces
        return json.dumps(value)
    text, yaml = io.StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 10_000
    yaml.dump({"": value}, text)
    return text.getvalue().strip().removeprefix("{'': ").removesuffix("}")
