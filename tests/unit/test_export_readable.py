"""Cleaning and Markdown, checked against markdown-it."""

import re
import unicodedata
from html import unescape

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from jobs.export.labels import sentence
from jobs.export.readable import clean, markdown, shorten
from jobs.export.voices import voices_of
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word

anything = st.text(st.characters(codec=None), max_size=80)


@given(anything)
def test_clean_text_is_one_line_that_shows_and_can_be_written(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert cleaned.encode() is not None
    assert {unicodedata.category(c) for c in cleaned} & {"Cc", "Cs", "Zl", "Zp", "Co"} == set()
    assert {c for c in cleaned if unicodedata.category(c) == "Cf"} <= {"\u200c", "\u200d"}


@given(st.text(st.characters(categories=["L", "N", "P", "Mn"]), max_size=80))
def test_clean_leaves_what_shows(text: str) -> None:
    assert clean(text) == text


@given(anything.map(clean).filter(bool))
@example("1. eins")
@example("eins #")
@example("--- # > + = * ~~~ | a | b |")
@example("&amp; &#60;b&#62; <b>x</b> [x](javascript:alert(1)) ![x](http://x.y) <http://x.y> `code` a_b_c")
@example("\\<script>\\\\* \\")
def test_markdown_shows_letter_by_letter_what_was_said(text: str) -> None:
    for prefix in ("", "# ", "> ", "- "):
        rendered = MarkdownIt("gfm-like", {"linkify": False}).render(prefix + markdown(text))
        tags = set(re.findall(r"</?([a-z0-9]+)", rendered))
        assert tags <= {"p", "h1", "blockquote", "ul", "li"}
        assert unescape(re.sub(r"</?(?:p|h1|blockquote|ul|li)>", "", rendered)).strip("\n") == text.strip()


def test_markdown_doesnt_make_links_of_what_was_said() -> None:
    assert markdown("https://x.y und www.x.y") == r"https\://x.y und www\.x.y"


@given(anything, st.integers(2, 40))
def test_shorten_keeps_the_limit_and_the_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_a_sentence_is_filled_and_unknown_codes_are_told() -> None:
    labels = {"notice.a": "{x} von {y}", "notice.unknown": "Unbekannt: {code}"}
    assert sentence(labels, "notice", "a", {"x": "{y}", "y": 3}) == "{y} von 3"
    assert sentence(labels, "notice", "a", {"x": 1}) == "1 von …"
    assert sentence(labels, "notice", "a", {"x": 20.0, "y": 1.25}) == "20 von 1,2"
    assert sentence(labels, "notice", "b", {}) == "Unbekannt: b"


def test_voices_are_numbered_by_appearance_and_names_come_first() -> None:
    spoken = ("SPEAKER_07", None, "SPEAKER_00", "SPEAKER_03", "SPEAKER_07")
    word = Word("Ja.", Span(0.0, 1.0), 0.9)
    utterances = tuple(Utterance(f"u{i}", (word,), speaker, "de") for i, speaker in enumerate(spoken))
    names = {"SPEAKER_00": " Anna\nBerg ", "SPEAKER_03": "\u202e"}
    labels = {"export.voice": "Stimme {number}", "export.voice_unknown": "Unbekannt"}
    voices = voices_of(Transcript("r-1", 9.0, "de", utterances, names=names), labels)
    assert [voices.name(s) for s in (*spoken, "SPEAKER_99")] == [
        "Stimme 1", "Unbekannt", "Anna Berg", "Stimme 3", "Stimme 1", "Unbekannt"
    ]  # fmt: skip
