"""Fill the report's templates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from analysis.flags import batching_in_words
from deciding.words import answer_in_words, check_in_words

FOLDER = Path(__file__).parent


def _capital(text: str) -> str:
    # Jinja's own filter makes the rest of a text lower case.
    return text[:1].upper() + text[1:]


def _markdown(text: str) -> Markup:
    # The library escapes what is HTML in the text.
    return Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text))  # noqa: S704


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _microseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _mebibytes(value: float | None) -> str:
    return "–" if value is None else f"{value / 2**20:,.0f}"


FILTERS: dict[str, Callable[..., str]] = {
    "answered": answer_in_words,
    "capital": _capital,
    "markdown": _markdown,
    "amount": _amount,
    "microseconds": _microseconds,
    "seconds": _seconds,
    "mebibytes": _mebibytes,
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
    environment.globals |= {"batching_in_words": batching_in_words, "check_in_words": check_in_words}
    environment.filters |= FILTERS
    return environment.get_template(name).render(**content)
