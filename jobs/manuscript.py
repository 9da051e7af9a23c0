"""An edited recap as it is read, line by line: from Markdown, or from the paragraphs of a Word document.

Nothing here knows what a line means: that is told by the file it was made from, see `jobs.signoff`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from jobs.export.readable import clean

_TIME = r"\d{1,3}(?::\d\d){1,2}"
#: "(0:20, 1:02:03)" behind a sentence: where it was said.
_TIMES = re.compile(rf"\(\s*{_TIME}(?:\s*[,;]\s*{_TIME})*\s*\)")
_DRAFT = re.compile(r"draft: [\"']?([0-9a-f]{16})[\"']?\s*")
_HEADINGS = ("Heading", "Title")


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, a heading, or what else stands by itself; cleaned, never empty."""

    text: str
    #: Time codes that stand in brackets behind it, as written.
    times: tuple[str, ...] = ()
    is_heading: bool = False
    is_quote: bool = False


@dataclass(frozen=True, slots=True)
class Manuscript:
    """An edited file."""

    lines: tuple[Line, ...]
    #: The draft it says it was made from, see `Recap.draft`; None where it doesn't say.
    draft: str | None


def from_markdown(text: str) -> Manuscript:
    """Read a Markdown file, with front matter or without."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    head, body = "", text
    if text.startswith("---\n"):
        head, _, body = text[4:].partition("\n---")
    found = next((_DRAFT.fullmatch(line) for line in head.splitlines() if line.startswith("draft:")), None)
    tokens = MarkdownIt("commonmark").parse(body)
    return Manuscript(tuple(_of_tokens(tokens)), None if found is None else found[1])


def _of_tokens(tokens: Iterable[Token]) -> Iterator[Line]:
    quotes = 0
    is_heading = False
    for token in tokens:
        if token.type == "inline":
            text = "".join(_words(token.children or ()))
            yield from _lines(text, is_heading=is_heading, is_quote=quotes > 0)
        elif token.type in {"blockquote_open", "blockquote_close"}:
            quotes += token.nesting
        is_heading = token.type == "heading_open"


def _words(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            yield token.content
        elif token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"


def from_paragraphs(paragraphs: Iterable[tuple[str | None, str]], draft: str | None) -> Manuscript:
    """Read the paragraphs of a Word document, each with the id of its style; they may hold line breaks."""
    return Manuscript(tuple(_of_paragraphs(paragraphs)), draft)


def _of_paragraphs(paragraphs: Iterable[tuple[str | None, str]]) -> Iterator[Line]:
    for style, text in paragraphs:
        name = style or ""
        yield from _lines(text, is_heading=name.startswith(_HEADINGS), is_quote=name == "Quote")


def _lines(text: str, *, is_heading: bool, is_quote: bool) -> Iterator[Line]:
    for row in text.split("\n"):
        begin = 0
        for times in _TIMES.finditer(row):
            yield from _line(row[begin : times.start()], times[0], is_heading=is_heading, is_quote=is_quote)
            begin = times.end()
        yield from _line(row[begin:], "", is_heading=is_heading, is_quote=is_quote)


def _line(text: str, times: str, *, is_heading: bool, is_quote: bool) -> Iterator[Line]:
    text = clean(text)
    # What is left of a sentence behind its times is a sign at most.
    if any(sign.isalnum() for sign in text):
        yield Line(text, tuple(re.findall(_TIME, times)), is_heading=is_heading, is_quote=is_quote)
