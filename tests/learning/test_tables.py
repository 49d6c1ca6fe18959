"""One's own tables: what is read, and each mistake named where it stands."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_data import own, refusal

from assay.ground.process import StageError
from assay.learning.datasets.own import describe
from assay.learning.formats import decoding, table
from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.table import read_table
from assay.learning.loading import load
from assay.params.own import Description


def test_an_own_table_has_a_label_column(tmp_path: Path) -> None:
    """All columns but `label` are features, under their names."""
    written = pd.DataFrame({"a": [1.5, 2], "label": ["dog", "cat"], "b": [3, 4]})
    written.to_csv(tmp_path / "own.csv", index=False)
    examples = load(own("csv", [2]), tmp_path)
    assert examples.x.tolist() == [[1.5, 3.0], [2.0, 4.0]]
    assert examples.x.dtype == np.float32
    assert examples.y.tolist() == [1, 0]
    assert examples.columns == ("a", "b")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a readable CSV file: its first line is empty"),
        ("a,b,label\n", "has no examples, only a header"),
        ("a,b\n1,2\n", "has no column `label`; its columns: 'a', 'b'"),
        ("a,b,label\n1,2,cat\n1,x,dog\n", "has 'x' for 'b' in line 3, not a number"),
        ("a,b,label\n1,2,cat\n1,nan,dog\n", "has 'nan' for 'b' in line 3, not a number"),
        ("a,b,label\n1,2,cat\n1,True,dog\n", "has 'True' for 'b' in line 3, not a number"),
        ('a,b,label\n1,2,cat\n1,"2,5",dog\n', "has '2,5' for 'b' in line 3, not a number as in -1234.5 or"),
        ("a,b,label\n1,2,cat\n1,1e300,dog\n", "has '1e300' for 'b' in line 3, beyond the largest 32-bit float"),
        ("a,b,label\n1,2,cat\n1,-inf,dog\n", "has '-inf' for 'b' in line 3, not a number"),
        ("a,b,label\n1,,cat\n1,,dog\n", "has nothing for 'b' in line 2; give a number, or leave out the row or "),
        ("a,b,label\n1,2,cat\n1,2,\n", "has no label in line 3"),
        ("a,b,label\n1,2,cat\n1,2,cow\n", "has the label 'cow' in example 1; data.own.classes: 'cat', 'dog'"),
        ("a,b,label\n1,2,0\n1,2,1\n", "has the label '0' in example 0; data.own.classes: "),
        ("a,b,label\n1,2,cat\n1,2,3,4,dog\n", "has 5 fields in line 3, and 3 in its header"),
        ("a,b,label\n1,2,cat,9\n1,2,dog,9\n", "has 4 fields in line 2, and 3 in its header"),
        ("a,b,label\n1,2,cat\n1,dog\n", "has 2 fields in line 3, and 3 in its header"),
        ("a,b,label\n1\n", "has 1 field in line 2, and 3 in its header"),
        ("a,b,label\n1,2,cat\n\n1,2,dog\n", "has nothing in line 3, and examples after it; leave that line out"),
        ("a,b,label\n1,2,cat\n, ,\n1,2,dog\n", "has nothing in line 3, and examples after it; leave that line out"),
        (
            "# export of 2024\na,b,label\n1,2,cat\n",
            "begins with '# export of 2024', which names no columns; leave that",
        ),
        (
            "# of 3, and more\na,b,label\n1,2,cat\n",
            "begins with '# of 3, and more', which names no columns; leave that",
        ),
        ('a,b,label\n1,2,"c\nat"\n1,x,dog\n', "has 'x' for 'b' in line 4, not a number"),
        ("a,label\n1,cat\n1,dog\n", "has 1 column of features, not 2: 'a'"),
        ("label\ncat\ndog\n", "has no column but `label`; give it 2 columns of features, too"),
        ("a,b,c,label\n1,2,3,cat\n", "has 3 columns of features, not 2: 'a', 'b', 'c'"),
        ("a,a,label\n1,2,cat\n", "has several columns named 'a'"),
        ("a,label,label\n1,cat,cat\n", "has several columns named 'label'"),
        (",a,label\n0,2,cat\n", "has no name for column 1 of 3; leave out what is no feature: pandas does not write"),
        ("Unnamed: 0,a,label\n0,2,cat\n", "has no name for column 1 of 3; leave out what is no feature: pandas "),
        (
            "a,b,label,\n1,2,cat,\n",
            "has no name for column 4 of 4; its first line ends in a comma: leave that out in every",
        ),
        ("a,,label\n1,2,cat\n", "has no name for column 2 of 3; name it, or leave it out in every line"),
        ("a,b,label\n1,2,cat,\n", "has 4 fields in line 2, and 3 in its header; leave out the comma at its end"),
        (
            "a,b,label\n1,5,2,cat\n",
            "has 4 fields in line 2, and 3 in its header; numbers have decimal points, and text",
        ),
        (
            "a,b, Label \n1,2,cat\n",
            "has no column `label`; nearly called so: ' Label '; write it the same, in blanks and ",
        ),
        ('a,b,label\n1,2,"cat\n1,2,dog\n', "is not a readable CSV file: line 2: unexpected end of data"),
        (b"a,b,label\n1,2,\xe9\n", "is not text in UTF-8; save it as that"),
        ("a,b,label\n1,2,cat\n".encode("utf-16"), "is not text in UTF-8; save it as that"),
        (
            "a,b,label\n1,2," + "c" * 200_000,
            "is not a readable CSV file: line 2: field larger than field limit (131072)",
        ),
    ],
)
def test_a_bad_own_table_is_named_with_its_line(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """Each mistake in a CSV file is found where it stands, and said in a few words."""
    said = refusal(tmp_path, text)
    assert said.startswith(sentence)
    assert len(said) < 300


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        pytest.param("a;b;label\n1,5;2;cat\n", "semicolons", 1, id="semicolons"),
        pytest.param('"a";"b";"label"\n1;2;"cat"\n', "semicolons", 1, id="semicolons, quoted"),
        pytest.param("a\tb\tlabel\n1\t2\tcat\n", "tabs", 1, id="tabs"),
        pytest.param("a|b|label\n1|2|cat\n", "bars", 1, id="bars"),
        pytest.param("a b label\n1 2 cat\n", "blanks", 1, id="blanks"),
        pytest.param("  a    b  label\n1.5  2.5    cat\n", "blanks", 1, id="columns of text"),
        pytest.param("a;b;label\n1,2,cat\n", "semicolons", 1, id="semicolons above commas"),
        pytest.param("a b label\n1,2,cat\n", "blanks", 1, id="blanks above commas"),
        pytest.param("a,b,label\n1;2;cat\n", "semicolons", 2, id="semicolons below commas"),
        pytest.param("a,b,label\n1,2,cat\n1,5;2;cat\n", "semicolons", 3, id="semicolons and a decimal comma"),
        pytest.param('a,b,label\n"1";"2";"cat"\n', "semicolons", 2, id="semicolons below commas, quoted"),
        pytest.param("a,b,label\n1\t2\tcat\n", "tabs", 2, id="tabs below commas"),
        pytest.param("a,b,label\n1 2 cat\n", "blanks", 2, id="blanks below commas"),
    ],
)
def test_a_table_with_another_separator_says_so(tmp_path: Path, text: str, name: str, line: int) -> None:
    """What a spreadsheet saves in half of Europe, learned from or asked about, is named with its line and remedy."""
    said = f"has its fields separated by {name} in line {line}; save it with commas between fields, and with decimal "
    assert refusal(tmp_path, text) == f"{said}points in numbers"
    for columns in (("a", "b"), None):
        with pytest.raises(UnreadableError) as raised:
            read_table(tmp_path / "own.csv", 2, labelled=False, columns=columns)
        assert str(raised.value) == f"{said}points in numbers"


@pytest.mark.parametrize(
    ("text", "told", "more"),
    [
        ("sep=,\na,b,label\n1,2,cat\n", "sep=,", ""),
        ('"sep=,"\r\na,b,label\r\n1,2,cat\r\n', '"sep=,"', ""),
        ("sep=,,,\na,b,label\n1,2,cat\n", "sep=,,,", ""),
        ("sep=;\na;b;label\n1;2;cat\n", "sep=;", ", and save it with commas between fields, and with decimal points"),
        ("sep=\t\na\tb\tlabel\n", "sep=\t", ", and save it with commas between fields, and with decimal points"),
    ],
)
def test_a_line_that_tells_excel_the_separator_is_named(tmp_path: Path, text: str, told: str, more: str) -> None:
    """It is no header, not even of one column; where it says commas, nothing else is to be done."""
    said = f"begins with {told!r}, which is no name; leave that line out" + (more and f"{more} in numbers")
    assert refusal(tmp_path, text) == said
    for features in (1, 2):
        with pytest.raises(UnreadableError) as raised:
            read_table(tmp_path / "own.csv", features, labelled=False)
        assert str(raised.value) == said


@pytest.mark.parametrize(
    ("text", "cell", "name"),
    [
        ("a,b,label\n1,5;2,5;cat\n", "'5;2' for 'b'", "semicolons"),
        ("a,b,label\n1,1\t2,cat\n", "'1\\t2' for 'b'", "tabs"),
        ("a,b,label\n1,2|3,cat\n", "'2|3' for 'b'", "bars"),
    ],
)
def test_a_field_that_holds_a_separator_is_no_number(tmp_path: Path, text: str, cell: str, name: str) -> None:
    """As many decimal commas as there are fields make a row that seems whole; a tab beside a number is a blank."""
    assert refusal(tmp_path, text) == f"has {cell} in line 2, not a number: commas separate fields, not {name}"
    (tmp_path / "own.csv").write_text("a,b,label\n1,2\t,cat\n1,3,dog\n")
    assert load(own("csv", [2]), tmp_path).x.tolist() == [[1, 2], [1, 3]]


def test_signs_that_separate_nothing_are_part_of_a_name(tmp_path: Path) -> None:
    """A header that is complete is not asked about its semicolons, and one with semicolons may have a comma."""
    assert refusal(tmp_path, "width, cm;b;label\n1;2;cat\n").startswith("has its fields separated by semicolons")
    assert refusal(tmp_path, "width;cm,class\n1,cat\n", 1) == "has no column `label`; its columns: 'width;cm', 'class'"
    assert refusal(tmp_path, "my width,label\n1\n", 1) == "has 1 field in line 2, and 2 in its header"
    (tmp_path / "own.csv").write_text("a;b;c;d,label\n1,cat\n2,dog\n")
    assert load(own("csv", [1]), tmp_path).columns == ("a;b;c;d",)


@pytest.mark.parametrize("cell", ["5", "+5", "-5.0", "5.", ".5", "5e3", "5E-03", " 5\t", "005"])
def test_a_number_is_what_a_spreadsheet_writes(tmp_path: Path, cell: str) -> None:
    """Digits, a sign, a point and an exponent, with blanks around them."""
    (tmp_path / "own.csv").write_text(f"a,label\n{cell},cat\n1,dog\n")
    assert load(own("csv", [1]), tmp_path).x.ravel().tolist() == [np.float32(cell), 1]


@pytest.mark.parametrize(
    "cell",
    [
        "5_004",
        "\u0665\u0664",
        "\uff15",
        "\u00a05",
        "0x10",
        "0,1257",
        "5 004",
        "5'004",
        "5%",
        "$5",
        "1e5_0",
        "5\f",
        "\u22125",
    ],
)
def test_what_only_python_or_people_take_for_a_number_is_named(tmp_path: Path, cell: str) -> None:
    """Other digits, other blanks, signs between thousands and decimal commas, with how to write a number."""
    said = refusal(tmp_path, f'a,label\n1,cat\n"{cell}",dog\n', 1)
    assert said == (
        f"has {cell!r} for 'a' in line 3, not a number as in -1234.5 or 1e-3: with a decimal point, and nothing "
        "between thousands"
    )
    for word in ("inf", "-Infinity", "NaN", "e", "1e", "-", "TRUE"):
        said = refusal(tmp_path, f"a,label\n1,cat\n{word},dog\n", 1)
        assert said.startswith(f"has '{word}' for 'a' in line 3, not a number")


@pytest.mark.parametrize("cell", ["1e-50", "-1E-46", "1e-320", "1e-400", "0.001e-60", "0." + 50 * "0" + "1"])
def test_a_number_that_32_bits_take_for_0_is_refused(tmp_path: Path, cell: str) -> None:
    """As one beyond the largest float is, in learning and in asking; the smallest float, and 0 itself, are read."""
    said = f"has {cell!r} for 'a' in line 3, closer to 0 than any 32-bit float; write 0 if that is as good, or scale "
    assert refusal(tmp_path, f"a,label\n1,cat\n{cell},dog\n", 1) == said + "all values of the column"
    with pytest.raises(
        UnreadableError, match="closer to 0 than any 32-bit float; write 0 if that is as good, or scale"
    ):
        read_table(tmp_path / "own.csv", 1, labelled=False, columns=("a",))
    (tmp_path / "own.csv").write_text("a,label\n1e-45,cat\n0e5,dog\n-0.00,cat\n1,dog\n")
    assert load(own("csv", [1]), tmp_path).x.ravel().tolist() == [np.float32(1e-45), 0, 0, 1]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n\n", "\n,\n , \n", "\n  "])
def test_lines_may_end_as_any_system_ends_them(tmp_path: Path, ending: str) -> None:
    """And the last one may be followed by empty ones; a mark of the byte order, as Excel writes it, is no letter."""
    rows = ending if ending.strip("\r\n") == "" and len(ending) < 3 else "\n"
    text = rows.join(["\ufeffa,label", "1,cat", '2,"dog"']) + ending
    (tmp_path / "own.csv").write_bytes(text.encode())
    examples = load(own("csv", [1]), tmp_path)
    assert (examples.x.tolist(), examples.y.tolist()) == ([[1.0], [2.0]], [0, 1])


def test_a_label_in_a_table_is_a_name_even_if_it_looks_like_a_number(tmp_path: Path) -> None:
    """Classes called 01 and 2 are found by their names, not taken for places; NA is one, too."""
    description = Description(format="csv", shape=[1], classes=["2", "01", "NA"], resize=False)
    (tmp_path / "own.csv").write_text("a,label\n1,01\n2,2\n3,NA\n")
    assert load(describe(description), tmp_path).y.tolist() == [1, 0, 2]


def test_an_image_may_be_a_row_of_pixels(tmp_path: Path) -> None:
    """Row by row, channels last, under names that are kept; 1 is the 1 of 255."""
    pixels = np.arange(2 * 4 * 6 * 3).reshape(2, -1)
    names = tuple(f"p{place}" for place in range(4 * 6 * 3))
    pd.DataFrame(pixels, columns=names).assign(label=["cat", "dog"]).to_csv(tmp_path / "own.csv", index=False)
    examples = load(own("csv", [4, 6, 3]), tmp_path)
    assert np.array_equal(examples.x, pixels.reshape(2, 4, 6, 3))
    assert (examples.x.dtype, examples.columns) == (np.uint8, names)


def test_known_columns_are_found_by_their_names(tmp_path: Path) -> None:
    """In whatever order they are; one too few and one too many are named."""
    path = tmp_path / "rows.csv"
    path.write_text("b,a\n1,2\n")
    assert read_table(path, 2, labelled=False, columns=("a", "b")).x.tolist() == [[2.0, 1.0]]
    path.write_text("b,c,d\n1,2,3\n")
    with pytest.raises(UnreadableError, match="has no column 'a'; its columns: 'b', 'c', 'd'"):
        read_table(path, 2, labelled=False, columns=("a", "b"))
    path.write_text("A , b\n1,2\n")
    with pytest.raises(
        UnreadableError, match="has no columns 'a', 'b'; nearly called so: 'A ', ' b'; write it the same"
    ):
        read_table(path, 2, labelled=False, columns=("a", "b"))
    path.write_text("b,c,d\n1,2,3\n")
    with pytest.raises(UnreadableError, match="has columns that were not learned from: 'c', 'd'; leave them out"):
        read_table(path, 1, labelled=False, columns=("b",))
    with pytest.raises(UnreadableError, match="has a column that was not learned from: 'd'; leave it out"):
        read_table(path, 2, labelled=False, columns=("b", "c"))


@pytest.mark.parametrize("columns", [("a", "b"), None])
@pytest.mark.parametrize("gap", ["", "  ", '""'])
def test_a_gap_in_what_is_asked_is_named(tmp_path: Path, columns: tuple[str, ...] | None, gap: str) -> None:
    """A model that learned a column cannot answer without it: the column stays, and its cell is filled."""
    path = tmp_path / "rows.csv"
    path.write_text(f"b,label,a\n1,cat,2\n{gap},,3\n")
    with pytest.raises(UnreadableError) as raised:
        read_table(path, 2, labelled=False, columns=columns)
    assert str(raised.value) == (
        "has nothing for 'b' in line 3, and the model needs a number there; give one, or leave out the row"
    )


def test_a_table_without_a_header_is_refused(tmp_path: Path) -> None:
    """Its first example is not taken for names, be they known or not; 0, 1, 2, … beyond 255 are names, no pixels."""
    path = tmp_path / "rows.csv"
    path.write_text("1.0\n2.0\n3.0\n")
    with pytest.raises(UnreadableError, match="has no header: its first line holds nothing but numbers; write names"):
        read_table(path, 1, labelled=False)
    with pytest.raises(UnreadableError, match="has no header: its first line holds nothing but numbers; write names"):
        read_table(path, 1, labelled=False, columns=("a",))
    assert read_table(path, 1, labelled=False, columns=("1.0",)).x.tolist() == [[2.0], [3.0]]
    path.write_text(",".join(map(str, range(256))) + "\n" + ",".join(["0"] * 256))
    with pytest.raises(UnreadableError, match="has no header"):
        read_table(path, 256, labelled=False)
    path.write_text(",".join(map(str, range(257))) + "\n" + ",".join(["0"] * 257))
    assert read_table(path, 257, labelled=False).x.shape == (1, 257)
    path.write_text("0,label\n2.0,\n")
    assert read_table(path, 1, labelled=False).x.tolist() == [[2.0]]


def test_a_table_of_labels_has_nothing_to_answer(tmp_path: Path) -> None:
    """Without a feature beside the label there is nothing to list, in asking as in learning."""
    (tmp_path / "rows.csv").write_text("label\ncat\n")
    with pytest.raises(UnreadableError) as raised:
        read_table(tmp_path / "rows.csv", 1, labelled=False)
    assert str(raised.value) == "has no column but `label`; give it 1 column of features, too"
    with pytest.raises(UnreadableError) as raised:
        read_table(tmp_path / "rows.csv", 1, labelled=False, columns=("a",))
    assert str(raised.value) == "has no column 'a'; its column: 'label'"


def test_a_million_columns_take_seconds(tmp_path: Path) -> None:
    """As many as there are pixels in a large image; another number of them is refused at once."""
    columns = 100_000
    (tmp_path / "own.csv").write_text(
        ",".join(f"p{place}" for place in range(columns))
        + ",label\n"
        + "1," * columns
        + "cat\n"
        + "2," * columns
        + "dog"
    )
    assert load(own("csv", [100, 1000, 1]), tmp_path).x.shape == (2, 100, 1000, 1)
    with pytest.raises(StageError, match=r"has 100,000 columns of features, not 4: 'p0', 'p1', .* and 99,990 more"):
        load(own("csv", [4]), tmp_path)


@pytest.mark.parametrize("field", ["9,", '"\n",'])
def test_a_row_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """On one line or on many, no more of it is read than a row may be long."""
    monkeypatch.setattr(table, "LONGEST_ROW", 1000)
    assert refusal(tmp_path, "a,b,label\n" + field * 1000) == "has a row of more than 1,000 characters"


def test_more_rows_than_fit_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading ends where there are too many."""
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 100_000)
    said = refusal(tmp_path, "a,b,label\n" + "1,2,cat\n" * 10_000)
    assert said == "holds 0.0 GB of values; at most 0.0 GB are read at once"
