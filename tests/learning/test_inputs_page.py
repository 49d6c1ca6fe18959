"""docs/inputs.md says what the code does: formats, limits, and a test for each sentence."""

import ast
import re

import pytest
from conftest import ROOT

from assay.learning.formats.decoding import LARGEST_BYTES
from assay.learning.formats.images import FORMATS, LARGEST_IMAGE
from assay.learning.formats.table import LONGEST_ROW

PAGE = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| .+ \| (.+) \| `(test_\w+)` \|$", PAGE, re.MULTILINE)


def sources() -> dict[str, str]:
    """Return the source of every test, its parameters among it, by its name."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found[node.name] = "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    return found


TESTS = sources()


def test_the_page_has_a_line_for_each_refusal() -> None:
    """None was lost to a mistake in the table."""
    assert len(ROWS) == len(re.findall(r"`test_\w+`", PAGE))
    assert len(ROWS) > 30


@pytest.mark.parametrize(("sentence", "name"), ROWS)
def test_a_sentence_of_the_page_is_held_by_its_test(sentence: str, name: str) -> None:
    """The test exists, and asks for every part of the sentence that does not differ."""
    source = re.sub(r"\\(.)", r"\1", TESTS[name])  # as patterns have it
    assert [part for part in re.split("…", sentence) if part.strip(" ,;") not in source] == []


def test_the_page_lists_formats_and_limits() -> None:
    """As the code has them."""
    assert [name for name in FORMATS if name not in PAGE.upper()] == []
    assert f"| {LARGEST_BYTES / 1e9:.1f} GB |" in PAGE
    assert f"| {LARGEST_IMAGE // 10**6} million |" in PAGE
    assert f"| {LONGEST_ROW // 10**6} million characters |" in PAGE
