"""A recap draft: every sentence leads back to what was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from jobs.programme import Talk
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Transcript


class Status(StrEnum):
    """How far a recap has come. A machine writes DRAFT only; a person signs."""

    DRAFT = "draft"
    APPROVED = "approved"


class Basis(StrEnum):
    """How a sentence came to be."""

    #: Taken over from the transcript word for word.
    VERBATIM = "verbatim"
    #: Put together by rule from facts (names, times, counts); no claim of its own.
    FRAME = "frame"
    #: Written by a language model and checked against its evidence.
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the utterances that prove it."""

    text: str
    #: Utterance ids, at least one.
    evidence: tuple[str, ...]
    basis: Basis = Basis.VERBATIM
    #: ISO 639-1 of `text`; anything but "de" is marked "Übersetzung nötig" for the editor.
    language: str = "de"

    def __post_init__(self) -> None:
        if not self.evidence:
            message = f"a sentence without evidence can't be stored ({len(self.text)} characters)"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Quote:
    """Words from the transcript, never from a model."""

    text: str
    #: Diarization label; None where nobody could be told.
    speaker: str | None
    span: Span
    language: str
    #: Ids of the utterances the words were taken from, at least one.
    evidence: tuple[str, ...]
    #: Marked as a translation wherever it is shown.
    translation: str | None = None

    def __post_init__(self) -> None:
        if not self.evidence:
            message = "a quote without evidence can't be stored"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch on one topic. Chapters follow each other without a gap."""

    title: str
    span: Span
    #: Utterance ids the title was taken from.
    evidence: tuple[str, ...]
    #: The key sentences of this stretch.
    sentences: tuple[Sentence, ...] = ()
    language: str = "de"


@dataclass(frozen=True, slots=True)
class Question:
    """Something an editor must settle before publishing: a name unknown, a passage in doubt."""

    #: Key of the German sentence in `config/labels.de.toml` under `question.<code>`.
    code: str
    fields: Mapping[str, str | int | float]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a language model was asked for a draft."""

    #: Requests that were answered, those whose answer was of no use included.
    requests: int
    #: Tokens read and written, as the servers count them.
    tokens_in: int
    tokens_out: int
    #: By the prices in the settings, in hundredths of their currency; None where no price is set.
    cost_cents: float | None = None


@dataclass(frozen=True, slots=True)
class Recap:
    """A draft in German, in the order an editor reads."""

    recording_id: str
    #: Proposed title.
    headline: Sentence | None
    lead: tuple[Sentence, ...]
    quotes: tuple[Quote, ...]
    chapters: tuple[Chapter, ...]
    open_questions: tuple[Question, ...]
    provenance: Provenance
    status: Status = Status.DRAFT
    #: A better one is to come: no language model could be reached. To be shown, and to be written again later.
    provisional: bool = False
    #: None where no language model was asked.
    usage: Usage | None = None


class Writer(Protocol):
    """Whatever turns a transcript into a recap draft."""

    def load(self) -> None:
        """Read what it needs into memory now rather than with the first transcript."""
        ...

    def write(self, transcript: Transcript, talk: Talk) -> Recap:
        """Draft a recap. An empty transcript gives a recap without headline, lead, quotes and chapters."""
        ...

    def digest(self) -> str:
        """Name everything but the transcript and the talk that a draft depends on: part of the stage's name."""
        ...
