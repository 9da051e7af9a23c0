"""The pages, read with Python's HTML parser: well-formed, linked, accessible, and closed to strangers' markup."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from jobs.artifacts import Artifact
from jobs.export import recap_html, transcript_html
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript, Utterance

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Every tag, attribute and word of a page; fails where tags aren't closed in order."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.meta: dict[str, str] = {}
        self.attributes: set[str] = set()
        self.texts: dict[str, list[str]] = {}
        self.languages: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []
        self.feed(artifact.data.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs)
        self.tags[tag] += 1
        self.attributes |= set(values)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if "href" in values else []
        if tag == "meta":
            self.meta[values.get("name") or values.get("http-equiv") or "charset"] = values.get("content") or ""
        if tag not in VOID:
            self._open.append((tag, values.get("lang")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1][0], []).append(data)
            language = next(lang for _, lang in reversed(self._open) if lang)
            self.languages[data.strip()] = language

    @property
    def text(self) -> str:
        return " ".join(" ".join(part) for tag, part in self.texts.items() if tag != "style")


@pytest.fixture
def transcript_page(sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]) -> Page:
    return Page(transcript_html.write(sample_transcript, sample_talk, sample_labels))


@pytest.fixture
def recap_page(
    sample_recap: Recap, sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> Page:
    return Page(recap_html.write(sample_recap, sample_transcript, sample_talk, sample_labels))


def test_every_utterance_is_an_anchor_and_so_is_every_second_in_which_one_starts(
    transcript_page: Page, sample_transcript: Transcript
) -> None:
    assert len(transcript_page.ids) == len(set(transcript_page.ids))
    spoken = sample_transcript.utterances
    assert set(transcript_page.ids) == {u.id for u in spoken} | {f"t={int(u.span.start)}" for u in spoken}


def test_every_link_leads_somewhere(transcript_page: Page, recap_page: Page) -> None:
    assert transcript_page.links
    assert {link.removeprefix("#") for link in transcript_page.links} <= set(transcript_page.ids)
    assert {link.removeprefix("transcript.html#") for link in recap_page.links} <= set(transcript_page.ids)


def test_every_sentence_shows_its_evidence(
    recap_page: Page, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    chapters = sample_recap.chapters
    parts = (
        sample_recap.headline, *sample_recap.lead, *sample_recap.quotes, *chapters, *sample_recap.open_questions,
        *(sentence for chapter in chapters for sentence in chapter.sentences),
    )  # fmt: skip
    assert recap_page.tags["details"] == len(parts)
    cited = {one for part in parts if part is not None for one in part.evidence}
    times = {int(sample_transcript.utterance(one).span.start) for one in cited}
    assert {f"transcript.html#t={second}" for second in times} <= set(recap_page.links)
    assert all(sample_transcript.utterance(one).text in recap_page.text for one in cited)


def test_pages_are_headed_in_german_and_foreign_words_are_marked(transcript_page: Page, recap_page: Page) -> None:
    for page in (transcript_page, recap_page):
        assert page.tags["h1"] == page.tags["main"] == page.tags["title"] == 1
        assert page.tags["h2"] >= 1
        assert page.languages["Lokaljournalismus & seine Zukunft"] == "de"
        assert page.languages["Readers pay for reporting, not for noise."] == "en"
        assert page.meta["machine-generated"] == "true"
        assert page.meta["label"].startswith("ENTWURF")
    assert recap_page.texts["span"].count("Übersetzung nötig (en)") == 2  # the quote brings a translation


def test_doubt_is_told_in_german(transcript_page: Page) -> None:
    assert "zweifelhaft, vermutlich erfundener Abspann:" in transcript_page.texts["b"]


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(
    sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str], transcript_page: Page
) -> None:
    data = transcript_html.write(sample_transcript, sample_talk, sample_labels).data
    (style,) = re.findall(rb"<style>(.*?)</style>", data, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    policy = transcript_page.meta["Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert b"url(" not in style
    assert b"@import" not in style


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2) of "#rrggbb" or "#rgb"."""
    digits = color.removeprefix("#")
    pairs = re.findall("..", digits) if len(digits) == 6 else [digit * 2 for digit in digits]
    channels = [int(pair, 16) / 255 for pair in pairs]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_has_the_contrast_of_wcag_aa_by_day_by_night_and_on_paper(
    sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    style = transcript_html.write(sample_transcript, sample_talk, sample_labels).data.decode()
    palettes = [
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(palettes) == 3
    for palette in palettes:
        for ground in ("paper", "doubt"):
            for text in ("ink", "faint", "accent"):
                dark, light = sorted((luminance(palette[ground]), luminance(palette[text])))
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, text)


def test_silence_gives_pages_that_say_so(
    empty_transcript: Transcript, empty_recap: Recap, sample_labels: dict[str, str]
) -> None:
    for page in (
        Page(transcript_html.write(empty_transcript, Talk(), sample_labels)),
        Page(recap_html.write(empty_recap, empty_transcript, Talk(), sample_labels)),
    ):
        assert "keine Sprache gefunden" in page.text
        assert page.tags["h2"] == 0
        assert "Aufnahme ohne Titel" in page.texts["h1"]


HOSTILE = (
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "--><!-- ]]> &lt;b&gt;",
)  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_foreign_text_is_shown_and_never_markup(
    attack: str, sample_transcript: Transcript, sample_recap: Recap, sample_labels: dict[str, str]
) -> None:
    def pages(text: str) -> tuple[Page, Page]:
        transcript, recap = poison(sample_transcript, sample_recap, text)
        talk = Talk(title=text)
        return (
            Page(transcript_html.write(transcript, talk, sample_labels)),
            Page(recap_html.write(recap, transcript, talk, sample_labels)),
        )

    for page, harmless in zip(pages(attack), pages("x"), strict=True):
        assert page.tags == harmless.tags
        assert page.attributes == harmless.attributes
        assert attack in page.text
        assert all(link.startswith(("#", "transcript.html")) for link in page.links)


def poison(transcript: Transcript, recap: Recap, attack: str) -> tuple[Transcript, Recap]:
    """Put a text wherever foreign text can come from."""
    spoken = tuple(
        Utterance(
            f"{u.id}{attack}", (replace(u.words[0], text=attack), *u.words[1:]), u.speaker,
            u.language if u.language == "de" else attack, u.doubt,
        )
        for u in transcript.utterances
    )  # fmt: skip
    assert recap.headline is not None
    headline = replace(recap.headline, text=attack, evidence=(f"u0001{attack}", attack), language=attack)
    quotes = tuple(replace(quote, text=attack, translation=attack, evidence=(attack,)) for quote in recap.quotes)
    return (
        replace(transcript, utterances=spoken, names=dict.fromkeys(transcript.names, attack)),
        replace(recap, headline=headline, quotes=quotes),
    )
