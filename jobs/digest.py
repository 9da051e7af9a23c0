"""One look back over many talks: every sentence leads to the talk, the voice and the second it was said.

Contributions (one a talk, in the order of the programme) → Digest.
"""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from jobs.programme import Talk
from jobs.recap import Approval, Question, Quote, Recap, Sentence, Status
from jobs.recording import Provenance
from jobs.timeline import Seconds
from jobs.transcript import Transcript

#: Where a digest's files lie, within the folder of its talks. Ends like the folder of a recording, so that nobody takes
#: them for uploads.
FOLDER = "_tag.nachlese/"


@dataclass(frozen=True, slots=True)
class Source:
    """Which version of a talk's files was read."""

    #: Of the file `transcript.json`.
    transcript_sha256: str
    #: The version that an editor has made; 0 is the machine's.
    transcript_version: int = 0
    #: Of the file `recap.json`, or of the signature, `signed-0001.json`; None where there was neither.
    recap_sha256: str | None = None
    #: Who answers for the recap; None while it is a draft.
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """All that one talk brings to a digest."""

    key: str
    #: With day, time and stage as far as the programme says.
    talk: Talk
    #: As the last editor has left it.
    transcript: Transcript
    #: The one approved last, else the draft. None where it isn't there yet: the transcript counts all the same.
    recap: Recap | None
    source: Source


@dataclass(frozen=True, slots=True)
class Passage:
    """Where in a talk something was said."""

    recording_id: str
    #: Ids, at least one.
    utterances: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.utterances:
            message = "a passage without utterances is no evidence"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Said:
    """Words of one talk, from its transcript and nowhere else."""

    recording_id: str
    quote: Quote

    @property
    def passage(self) -> Passage:
        """Where they were said."""
        return Passage(self.recording_id, self.quote.evidence)


@dataclass(frozen=True, slots=True)
class Frame:
    """A sentence or a title put together by rule, and what it rests on; no claim of its own."""

    text: str
    #: At least one.
    evidence: tuple[Passage, ...]
    #: ISO 639-1 of `text`.
    language: str = "de"

    def __post_init__(self) -> None:
        if not self.evidence:
            message = f"a sentence without evidence can't be stored ({len(self.text)} characters)"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Theme:
    """Something that is spoken of in more than one talk."""

    title: Frame
    #: In the order of the programme; of two talks at least.
    said: tuple[Said, ...]


class Stand(StrEnum):
    """How statements of different talks on one thing stand to each other; never more than a hint to an editor."""

    #: They say much the same.
    ALIKE = "alike"
    #: One denies what the other says.
    OPPOSED = "opposed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two statements on one thing, side by side; an editor has to judge."""

    title: Frame
    stand: Stand
    #: Two of different talks and voices, in the order of the programme.
    said: tuple[Said, Said]


@dataclass(frozen=True, slots=True)
class Entry:
    """One talk of a digest."""

    recording_id: str
    key: str
    title: str | None
    day: date | None
    #: On the clock at the place of the event.
    begins: time | None
    stage: str | None
    duration_s: Seconds
    #: Names of those who are heard, as far as they are known.
    speakers: tuple[str, ...]
    #: Its recap's.
    headline: Sentence | None
    open_questions: tuple[Question, ...]
    source: Source
    sensitive: bool = False


class Absence(StrEnum):
    """Why a talk is missing."""

    #: Its turn is still to come, or it is being worked on.
    UNDER_WAY = "under-way"
    FAILED = "failed"
    #: Its sidecar or schedule can't be read: it might say that the talk is sensitive.
    BAD_SIDECAR = "bad-sidecar"
    #: Nobody says anything in it that could be understood.
    SILENT = "silent"
    #: Its files can't be read.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Missing:
    """A talk that isn't in the digest."""

    key: str
    #: None where the programme has none.
    title: str | None
    why: Absence


@dataclass(frozen=True, slots=True)
class Digest:
    """A draft in German, in the order an editor reads."""

    #: What the keys of its recordings begin with: "" or a folder that ends in "/".
    prefix: str
    headline: Frame
    lead: tuple[Frame, ...]
    themes: tuple[Theme, ...]
    comparisons: tuple[Comparison, ...]
    quotes: tuple[Said, ...]
    #: In the order of the programme, at least one.
    talks: tuple[Entry, ...]
    missing: tuple[Missing, ...]
    #: Talks left out because they are sensitive.
    withheld: int
    provenance: Provenance
    status: Status = Status.DRAFT
