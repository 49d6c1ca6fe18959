"""What came from outside, in a sentence."""

import os

from assay.ground.quoting import cut, first, listed, printable, quoted


def test_a_long_value_is_cut() -> None:
    """However long, a sentence shows its beginning."""
    assert cut("short") == "short"
    assert cut("x" * 61) == "x" * 59 + "…"
    assert quoted("x" * 10**8) == "'" + "x" * 58 + "…"
    assert quoted(list(range(100))).startswith("[0, 1, 2")


def test_of_many_names_the_first_are_shown() -> None:
    """And how many more there are."""
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(range(1012)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 1,002 more"
    assert first(["a", "b"], most=2) == ["a", "b"]
    assert first(["a", "b", "c"], most=1) == ["a", "and 2 more"]


def test_a_path_is_one_line_of_text() -> None:
    """Letters of any script stay; what a terminal would obey, and bytes that are no text, are escaped."""
    assert printable("Übung/图像.png") == "Übung/图像.png"
    assert printable("a\n\x1b[2J") == "a\\n\\x1b[2J"
    assert printable(os.fsdecode(b"\xff.png")) == "\\xff.png"
