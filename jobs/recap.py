"""A recap draft: every sentence leads back to what was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jobs.artifacts import digest
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
    #: Taken over from the transcript, with who says it: in quotation marks, or in indirect speech made by rule.
    ATTRIBUTED = "attributed"
    #: Put together by rule from facts (names, times, counts); no claim of its own.
    FRAME = "frame"
    #: Written by a language model and checked against its evidence.
    WRITTEN = "written"
    #: Written or changed by whoever signed the draft; checked against its evidence where it has any.
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the utterances that prove it."""

    text: str
    #: Utterance ids, at least one; a person may write without.
    evidence: tuple[str, ...]
    basis: Basis = Basis.VERBATIM
    #: ISO 639-1 of `text`; anything but "de" is marked "Übersetzung nötig" for the editor.
    language: str = "de"

    def __post_init__(self) -> None:
        if not self.evidence and self.basis is not Basis.EDITED:
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
    #: Tokens read and written, as the servers count them; None where one of them didn't.
    tokens_in: int | None
    tokens_out: int | None
    #: By the prices in the settings, in hundredths of their currency; None where no price is set or tokens are unknown.
    cost_cents: float | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who answers for a recap. Only `jobs.signoff` gives one."""

    #: Who says so, as given.
    by: str
    at: datetime
    #: Number of the sign-off within the recording, from 1.
    number: int
    #: The title that was approved; None where it is the programme's or the proposed one.
    title: str | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            message = f"at needs a time zone: {self.at!r}"
            raise ValueError(message)


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
    #: None while it is a draft, and only then.
    approval: Approval | None = None
    #: Name of the shape that the files beside it are laid out in, see `jobs.shapes`; the recap itself holds everything.
    shape: str | None = None

    def __post_init__(self) -> None:
        if (self.approval is not None) is not (self.status is Status.APPROVED):
            message = f"a recap is approved by somebody: status {self.status.value}"
            raise ValueError(message)

    @property
    def draft(self) -> str:
        """Name of the draft that this is, or was made from: 16 hexadecimal characters, another with every try."""
        return digest(self.recording_id, self.provenance)


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
