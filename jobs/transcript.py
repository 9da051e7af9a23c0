"""What was said, when and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jobs.audio import MediaInfo
from jobs.recording import Provenance
from jobs.timeline import Seconds, Span


class Doubt(StrEnum):
    """Why a passage shouldn't be trusted. It stays visible and never becomes evidence or a quote."""

    #: The same words over and over.
    LOOP = "loop"
    #: A phrase recognizers invent: credits, thanks for watching.
    BOILERPLATE = "boilerplate"
    #: Text where the diarizer hears nobody speak: music, applause, noise.
    NO_SPEECH = "no-speech"
    #: The recognizer itself was unsure.
    LOW_CONFIDENCE = "low-confidence"
    #: More words a second than anyone can say.
    IMPOSSIBLE_RATE = "impossible-rate"
    #: The names and terms that the recognizer was given, come back where nobody says them.
    ECHO = "echo"
    #: Letters that the language isn't written in.
    SCRIPT = "script"
    #: Words of another language than the one it was heard in: translated, or misheard.
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word, punctuation attached, no outer spaces."""

    text: str
    span: Span
    #: Recognizer's confidence, 0.0 to 1.0; not calibrated across models.
    probability: float
    #: Diarization label such as "SPEAKER_00"; None where no turn is near enough.
    speaker: str | None = None
    #: What the recognizer heard, where `text` was repaired to the spelling of the programme; one word or several.
    heard: str | None = None
    #: Whether the times were worked out from the words around it, because nothing better is known.
    estimated: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One speaker talking. Turns of different speakers may overlap."""

    span: Span
    #: "SPEAKER_00", "SPEAKER_01", …
    speaker: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence, or the part of one, by one speaker in one language."""

    #: "u0001", "u0002", … by start; what evidence points at. A listener's interjection lies inside another in time.
    id: str
    words: tuple[Word, ...]
    speaker: str | None
    #: ISO 639-1, e.g. "de"; "und" where unknown.
    language: str
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        if not self.words:
            message = f"utterance {self.id} has no words"
            raise ValueError(message)

    @property
    def span(self) -> Span:
        """From the first word's start to the last word's end."""
        return Span(self.words[0].span.start, max(word.span.end for word in self.words))

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A voice that sounds like somebody's who has agreed to be recognised by it: a suggestion, never a name."""

    #: Diarization label.
    speaker: str
    name: str
    #: Cosine of voice and profile, at most 1.0.
    similarity: float
    #: When the profile was made; aware.
    enrolled_at: datetime


#: Code of the notice that names the version of a corrected transcript.
CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know about the whole recording."""

    #: Key of the German sentence in `config/labels.de.toml` under `notice.<code>`.
    code: str
    fields: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything said in one recording, in time order. May be empty; then a notice says why."""

    recording_id: str
    duration_s: Seconds
    #: The language most of it is in, ISO 639-1; "und" where nothing was said.
    language: str
    utterances: tuple[Utterance, ...]
    #: The diarizer's turns, overlaps kept; the words' speakers were taken from these.
    turns: tuple[Turn, ...] = ()
    #: Speaker label → name to show. Labels without a known name are missing here.
    names: Mapping[str, str] = field(default_factory=dict)
    #: Whom voices sound like; empty unless voice profiles are enabled. Holds no voice, only what comparing came to.
    likenesses: tuple[Likeness, ...] = ()
    notices: tuple[Notice, ...] = ()
    media: MediaInfo | None = None
    provenance: tuple[Provenance, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """Speaker labels in order of first appearance."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances if u.speaker is not None))

    @property
    def version(self) -> int:
        """Number of the version that an editor has made; 0 is the machine's."""
        said = [notice.fields.get("version", 0) for notice in self.notices if notice.code == CORRECTED]
        return int(said[-1]) if said else 0

    def utterance(self, utterance_id: str) -> Utterance:
        """The utterance of that id.

        Raises:
            KeyError: there is none.
        """
        for utterance in self.utterances:
            if utterance.id == utterance_id:
                return utterance
        raise KeyError(utterance_id)
