"""Whatever params.yaml is made to say: it is refused in words, or it describes something that can be run."""

import re
from typing import Any

import numpy as np
import pytest
from conftest import read_params
from google.protobuf import text_format
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from tritonclient.grpc.model_config_pb2 import TYPE_FP32, ModelConfig

from assay.ground.process import StageError
from assay.serving.model_config import ModelShape, TensorShape, render, serving_config
from assay.validation.schema import Params, validate

Path = tuple[str | int, ...]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.sampled_from([2**31, 2**32, 2**64, 10**30, -(2**63)]),
    st.floats(),
    st.sampled_from(["1e-5", "1", "true", "null", "off", "", " ", "a-b", "a/b", "../x", "a|b", "a\nb", "é", "\x00"]),
    st.sampled_from(["delay_0us", "delay_00us", "delay_5us_preferred_4_2", "delay_5us_preferred_", "DELAY_0us"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(0, 2), inner, max_size=2)
    ),
    max_leaves=4,
)


def paths(node: Any, here: Path = ()) -> list[Path]:
    """Return the path of every section, value and list item."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [here, *(path for key, child in items for path in paths(child, (*here, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return valid parameters with one to three mutations."""
    content: Any = read_params()
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(content, dict) or not content:
            break
        *parents, last = draw(st.sampled_from([path for path in paths(content) if path]))
        holder = content
        for key in parents:
            holder = holder[key]
        manner = draw(st.sampled_from(["replace", "delete", "add", "repeat"]))
        if manner == "replace":
            holder[last] = draw(VALUES)
        elif manner == "delete":
            del holder[last]
        elif manner == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=6) | st.integers(0, 1))] = draw(VALUES)
        elif isinstance(holder, list):
            holder.append(draw(st.sampled_from(holder)))
    return content


def check_runnable(params: Params) -> None:
    """Assert that every cell has a name of its own, fit for a folder, and a configuration that reads back."""
    cells = params.cells
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+-[1-9]\d*-[1-9]\d*-[a-z0-9_]+", name) for name in names)
    shape = ModelShape(
        inputs=(TensorShape("image", TYPE_FP32, params.raw_data.shape),),
        outputs=(TensorShape("logits", TYPE_FP32, (len(params.raw_data.classes),)),),
    )
    for cell in cells:
        config = serving_config(
            cell.name,
            shape,
            threads=1,
            instances=cell.instances,
            max_batch_size=cell.max_batch_size,
            batching=cell.batching,
        )
        assert text_format.Parse(render(config), ModelConfig()) == config


def check_refusal(error: StageError) -> None:
    """Assert that every line names a path and says something about it."""
    first, *lines = str(error).split("\n  ")
    assert re.fullmatch(r"params\.yaml has \d+ errors?:", first)
    assert len(lines) == int(first.split()[2])
    for line in lines:
        assert re.match(r".+?: .{5,}", line), line


@pytest.mark.slow  # takes seconds: one example of each kind is among the fast tests of parameters
# The same examples every time: what passed once passes again.
@settings(max_examples=1500, deadline=None, derandomize=True)
@given(mutated())
@example("text")
@example(None)
@example([])
@example({})
@example({**read_params(), "perf": "text"})
@example({**read_params(), 1: 2})
@example({**read_params(), "\n": None})
@example({**read_params(), "": None})
@example({**read_params(), "seed": np.int64(3)})
def test_mutated_parameters_are_refused_in_words_or_run(content: Any) -> None:
    """Types, ranges, unknown keys, sections replaced, repeats, colliding names: never a traceback."""
    try:
        params = validate(content)
    except StageError as error:
        event("refused")
        check_refusal(error)
    else:
        event("accepted")
        check_runnable(params)
