"""Fill the report's templates."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from assay.ground.numerals import amount, counted, ends, times, unlike
from assay.ground.quoting import printable
from assay.statistics.interval import Interval
from assay.telling.flags import batching_in_words
from assay.telling.race import fate_in_words, race_noise_in_words
from assay.telling.variants_table import points
from assay.telling.words import answer_in_words, check_in_words

FOLDER = Path(__file__).parent / "templates"


def _capital(text: str) -> str:
    # Jinja's own filter makes the rest of a text lower case.
    return text[:1].upper() + text[1:]


def _markdown(text: str) -> Markup:
    # The library escapes what is HTML in the text.
    return Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text))  # noqa: S704


def _plain(text: str) -> str:
    """Return text of other people's as it reads in a cell of a table in Markdown."""
    return re.sub(r"([\\`*_~<>&|\[\]])", r"\\\1", printable(text))


def _if_known(write: Callable[[Any], str]) -> Callable[[float | None], str]:
    """Return a filter that shows a number as it is written, or a dash where there is none."""
    return lambda value: "–" if value is None else write(value)


def _ratio(kept: dict[str, float] | None) -> str:
    """Return a ratio as an earlier verdict holds it; the default configuration has none."""
    return str(Interval(kept["ratio"], kept["low"], kept["high"])) if kept else "the default"


def _in_parentheses(remarks: Sequence[str]) -> str:
    """Return remarks as they follow a number, with a space before them; nothing where there are none."""
    return f" ({'; '.join(remarks)})" if remarks else ""


FILTERS: dict[str, Callable[..., str]] = {
    "answered": answer_in_words,
    "capital": _capital,
    "markdown": _markdown,
    "plain": _plain,
    "amount": amount,
    "ratio": _ratio,
    "in_parentheses": _in_parentheses,
    "minute": lambda when: f"{datetime.fromisoformat(when):%Y-%m-%d %H:%M} UTC",
    "microseconds": _if_known(amount),
    "seconds": _if_known(amount),
    "difference": _if_known("{:.2g}".format),
    "limit": lambda value: "none" if value is None else f"{value:g}",
    "change": points,
    "count": _if_known("{:,d}".format),
    # Nearly all are not all.
    "share": _if_known(lambda value: unlike(100 * value, 100, 1)),
    "score": lambda value, decimals=4: unlike(value, 1, decimals),
    "mebibytes": _if_known(lambda value: f"{value / 2**20:,.0f}"),
}


def render(name: str, **content: Any) -> str:
    """Return a filled-in template of this folder; raises jinja2.UndefinedError if a value is missing."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(["html.jinja"]),
    )
    environment.globals |= {
        "batching_in_words": batching_in_words,
        "fate_in_words": fate_in_words,
        "race_noise_in_words": race_noise_in_words,
        "check_in_words": check_in_words,
        "counted": counted,
        "ends": ends,
        "times": times,
    }
    environment.filters |= FILTERS
    return environment.get_template(name).render(**content)
