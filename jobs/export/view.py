"""What a reader is shown of a transcript or a recap, before any markup: the same in every readable format.

All texts in here are cleaned (see `readable.clean`) and not escaped; times are given as the reader sees them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from jobs.export.labels import Labels, sentence
from jobs.export.readable import clean
from jobs.export.voices import Voices, voices_of
from jobs.german import enumeration, quoted, time_code
from jobs.programme import Talk
from jobs.recap import Chapter, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Seconds
from jobs.transcript import Notice, Transcript, Utterance

#: A long speech gets a new paragraph after this many characters …
PARAGRAPH_LENGTH = 700
#: … or after a silence this long.
PARAGRAPH_PAUSE_S: Seconds = 4.0

#: The file that evidence links lead to.
TRANSCRIPT_PAGE = "transcript.html"
_GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands at the top and the bottom of a file."""

    title: str
    #: That a machine made this and nobody checked it.
    label: str
    #: Sentences about the whole recording.
    notices: tuple[str, ...]
    duration: str
    voices: tuple[str, ...]
    #: When and with what the file was made; "" where the provenance isn't known.
    made: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One utterance."""

    id: str
    time: str
    #: "t=12", where this is the first utterance of that second; None elsewhere.
    time_anchor: str | None
    text: str
    #: ISO 639-1 where it isn't German; None where it is.
    language: str | None
    #: Why it shouldn't be trusted, in German; None where nothing speaks against it.
    doubt: str | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What one voice says in one go."""

    voice: str
    #: Somebody else spoke before.
    is_change: bool
    time: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """A transcript as it is read."""

    heading: Heading
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The utterance that bears a sentence out."""

    link: str
    time: str
    voice: str
    text: str
    language: str | None
    doubt: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, a title or an open question, and what it rests on."""

    text: str
    #: ISO 639-1 where it isn't German and so needs a translation; None where it is.
    language: str | None
    evidence: tuple[Evidence, ...]
    #: What to do about evidence that the transcript doesn't hold.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuoteView:
    """Somebody's words, already in quotation marks."""

    claim: Claim
    voice: str
    time: str
    link: str
    #: In quotation marks.
    translation: str | None


@dataclass(frozen=True, slots=True)
class ChapterView:
    """A stretch on one topic."""

    title: Claim
    time: str
    link: str
    sentences: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class RecapView:
    """A recap draft as it is read. What is empty is not to be shown."""

    heading: Heading
    headline: Claim | None
    lead: tuple[Claim, ...]
    quotes: tuple[QuoteView, ...]
    chapters: tuple[ChapterView, ...]
    questions: tuple[Claim, ...]


def view_transcript(transcript: Transcript, talk: Talk, labels: Labels) -> TranscriptView:
    """Lay a transcript out for reading; an empty one has no paragraphs and a notice that says why."""
    voices = voices_of(transcript, labels)
    title = clean(talk.title or "") or labels["export.untitled"]
    heading = _heading(title, transcript, transcript.provenance, voices, labels)
    return TranscriptView(heading, tuple(_paragraphs(transcript, voices, labels)))


def view_recap(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> RecapView:
    """Lay a recap out for reading, every sentence with what was said."""
    voices = voices_of(transcript, labels)
    source = _Source({utterance.id: utterance for utterance in transcript.utterances}, voices, labels)
    proposed = "" if recap.headline is None else recap.headline.text
    title = clean(talk.title or "") or clean(proposed) or labels["export.untitled"]
    return RecapView(
        heading=_heading(title, transcript, (*transcript.provenance, recap.provenance), voices, labels),
        headline=None if recap.headline is None else source.claim(recap.headline),
        lead=tuple(map(source.claim, recap.lead)),
        quotes=tuple(map(source.quote, recap.quotes)),
        chapters=tuple(map(source.chapter, recap.chapters)),
        questions=tuple(
            source.proven(sentence(labels, "question", question.code, question.fields), _GERMAN, question.evidence)
            for question in recap.open_questions
        ),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """The transcript that a recap is shown against."""

    utterances: Mapping[str, Utterance]
    voices: Voices
    labels: Labels

    def claim(self, said: Sentence) -> Claim:
        return self.proven(said.text, said.language, said.evidence)

    def proven(self, text: str, language: str, ids: Sequence[str]) -> Claim:
        known = [self.utterances[one] for one in ids if one in self.utterances]
        missing = (self.labels["export.missing"].format(id=one) for one in ids if one not in self.utterances)
        return Claim(clean(text), _foreign(language), tuple(map(self.evidence, known)), tuple(map(clean, missing)))

    def evidence(self, utterance: Utterance) -> Evidence:
        return Evidence(
            link=_link(utterance.id),
            time=time_code(utterance.span.start),
            voice=self.voices.name(utterance.speaker),
            text=clean(utterance.text),
            language=_foreign(utterance.language),
            doubt=_doubt(utterance, self.labels),
        )

    def quote(self, said: Quote) -> QuoteView:
        claim = self.proven(quoted(clean(said.text)), said.language, said.evidence)
        translation = clean(said.translation or "")
        return QuoteView(
            claim=claim,
            voice=self.voices.name(said.speaker),
            time=time_code(said.span.start),
            link=_link(said.evidence[0]),
            translation=quoted(translation) if translation else None,
        )

    def chapter(self, stretch: Chapter) -> ChapterView:
        return ChapterView(
            title=self.proven(stretch.title, stretch.language, stretch.evidence),
            time=time_code(stretch.span.start),
            link=self.link_at(stretch.span.start),
            sentences=tuple(map(self.claim, stretch.sentences)),
        )

    def link_at(self, start: Seconds) -> str:
        """Where the transcript goes on after a point in time."""
        following = (one.id for one in self.utterances.values() if one.span.end > start)
        return next(map(_link, following), TRANSCRIPT_PAGE)


def _heading(
    title: str, transcript: Transcript, provenance: Sequence[Provenance], voices: Voices, labels: Labels
) -> Heading:
    return Heading(
        title=title,
        label=labels["draft.label"],
        notices=tuple(_notices(transcript, labels)),
        duration=time_code(transcript.duration_s),
        voices=tuple(map(voices.name, transcript.speakers)),
        made=_made(provenance, labels),
    )


def _notices(transcript: Transcript, labels: Labels) -> Iterator[str]:
    notices = transcript.notices
    if not transcript.utterances and all(notice.code != "no-speech" for notice in notices):
        notices = (*notices, Notice("no-speech"))
    for notice in notices:
        yield clean(sentence(labels, "notice", notice.code, notice.fields))


def _made(provenance: Sequence[Provenance], labels: Labels) -> str:
    if not provenance:
        return ""
    latest = max(provenance, key=lambda one: one.created_at)
    engines = dict.fromkeys(clean(f"{one.engine} {one.version}") for one in provenance)
    return labels["export.made"].format(
        date=latest.created_at.astimezone(UTC).strftime("%d.%m.%Y, %H:%M UTC"),
        engines=enumeration(tuple(engines)),
        version=clean(latest.app_version),
    )


def _paragraphs(transcript: Transcript, voices: Voices, labels: Labels) -> Iterator[Paragraph]:
    seconds: set[int] = set()
    before: Utterance | None = None
    for group in _grouped(transcript.utterances):
        passages = []
        for utterance in group:
            second = int(utterance.span.start)
            passages.append(_passage(utterance, labels, time_anchor=None if second in seconds else f"t={second}"))
            seconds.add(second)
        yield Paragraph(
            voice=voices.name(group[0].speaker),
            is_change=before is None or before.speaker != group[0].speaker,
            time=passages[0].time,
            passages=tuple(passages),
        )
        before = group[-1]


def _grouped(utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
    group: list[Utterance] = []
    length = 0
    for utterance in utterances:
        if group and (
            utterance.speaker != group[-1].speaker
            or utterance.span.start - group[-1].span.end >= PARAGRAPH_PAUSE_S
            or length >= PARAGRAPH_LENGTH
        ):
            yield group
            group, length = [], 0
        group.append(utterance)
        length += len(utterance.text)
    if group:
        yield group


def _passage(utterance: Utterance, labels: Labels, *, time_anchor: str | None) -> Passage:
    return Passage(
        id=utterance.id,
        time=time_code(utterance.span.start),
        time_anchor=time_anchor,
        text=clean(utterance.text),
        language=_foreign(utterance.language),
        doubt=_doubt(utterance, labels),
    )


def _doubt(utterance: Utterance, labels: Labels) -> str | None:
    return None if utterance.doubt is None else sentence(labels, "doubt", utterance.doubt.value, {})


def _foreign(language: str) -> str | None:
    return None if language == _GERMAN else clean(language)


def _link(utterance_id: str) -> str:
    return f"{TRANSCRIPT_PAGE}#{quote(utterance_id, safe='', errors='replace')}"
