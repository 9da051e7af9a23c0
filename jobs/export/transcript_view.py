"""A transcript laid out for reading: the same in every format with paragraphs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.export.heading import Heading, transcript_heading
from jobs.export.labels import Labels
from jobs.export.said import Said, anchor, said
from jobs.export.together import together
from jobs.export.voices import Voices, voices_of
from jobs.german import enumeration
from jobs.programme import Talk
from jobs.timeline import Seconds
from jobs.transcript import Transcript, Utterance

#: A long speech gets a new paragraph after this many characters …
PARAGRAPH_LENGTH = 700
#: … or after a silence this long.
PARAGRAPH_PAUSE_S: Seconds = 4.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One utterance and the names by which it is linked to."""

    id: str
    #: "t=12", where this is the first utterance of that second; None elsewhere.
    time_anchor: str | None
    said: Said
    #: Who speaks at the same time, in German; "" where nobody does. Cleaned, not escaped.
    together: str = ""


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
    """A transcript as it is read; an empty one has no paragraphs and a notice that says why."""

    heading: Heading
    paragraphs: tuple[Paragraph, ...]


def view_transcript(transcript: Transcript, talk: Talk, labels: Labels) -> TranscriptView:
    """Lay a transcript out for reading."""
    paragraphs = _paragraphs(transcript, voices_of(transcript, labels), labels)
    return TranscriptView(transcript_heading(transcript, talk, labels), tuple(paragraphs))


def _paragraphs(transcript: Transcript, voices: Voices, labels: Labels) -> Iterator[Paragraph]:
    anchors: set[str] = set()
    others = {one: enumeration(tuple(map(voices.name, heard))) for one, heard in together(transcript).items()}
    before: Utterance | None = None
    for group in _grouped(transcript.utterances):
        passages = []
        for utterance in group:
            name = anchor(utterance.span.start)
            over = labels["export.together"].format(names=others[utterance.id]) if utterance.id in others else ""
            passages.append(Passage(utterance.id, None if name in anchors else name, said(utterance, labels), over))
            anchors.add(name)
        yield Paragraph(
            voice=voices.name(group[0].speaker),
            is_change=before is None or before.speaker != group[0].speaker,
            time=passages[0].said.time,
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
