"""A small recording, written by hand, that every module may be tried on: three voices, two languages, one doubt."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import settings

from config.settings import labels as german_labels
from jobs.audio import AudioTrack, MediaInfo
from jobs.programme import Guest, Talk
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Notice, Transcript, Turn, Utterance, Word

# How long an example takes says something about the machine, not about the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

_MADE_AT = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
_ANNA, _TWO, _CLAIRE = "SPEAKER_01", "SPEAKER_00", "SPEAKER_02"

#: Speaker, language, start and end in seconds, doubt, words.
_SAID = (
    (_ANNA, "de", 0.4, 4.6, None, "Herzlich willkommen auf der Mainstage, schön, dass Sie so zahlreich da sind."),
    (_ANNA, "de", 4.9, 10.2, None, "Wir sprechen heute darüber, wie Lokalzeitungen mit 140.000 Abonnenten überleben."),
    (_ANNA, "de", 10.5, 12.1, None, "Wie ist die Lage bei Ihnen?"),
    (_TWO, "de", 12.6, 19.8, None,
     "Ehrlich gesagt besser, als viele denken, denn wir haben im Mai zum ersten Mal mehr digitale als gedruckte "
     "Ausgaben verkauft."),
    (_ANNA, "de", 20.0, 20.4, None, "Mhm."),
    (_TWO, "de", 20.6, 25.7, None, "Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital."),
    (None, "de", 27.5, 31.0, Doubt.BOILERPLATE, "Untertitel der Amara.org-Community"),
    (_ANNA, "en", 33.0, 34.9, None, "Claire, what about London?"),
    (_CLAIRE, "en", 35.2, 41.9, None,
     "We stopped chasing clicks two years ago, and honestly, nobody in the newsroom wants to go back."),
    (_CLAIRE, "en", 42.3, 44.8, None, "Readers pay for reporting, not for noise."),
    (_ANNA, "de", 45.4, 48.0, None, "Vielen Dank Ihnen beiden für das Gespräch."),
)  # fmt: skip


def build_transcript() -> Transcript:
    """A conversation of 50 seconds."""
    utterances = tuple(
        Utterance(f"u{number:04}", _words(text, Span(start, end), speaker), speaker, language, doubt)
        for number, (speaker, language, start, end, doubt, text) in enumerate(_SAID, start=1)
    )
    return Transcript(
        recording_id="r-0123456789abcdef0123",
        duration_s=50.0,
        language="de",
        utterances=utterances,
        turns=tuple(Turn(u.span, u.speaker) for u in utterances if u.speaker is not None),
        names={_ANNA: "Anna Berg", _CLAIRE: "Claire Dunn"},
        notices=(Notice("incomplete", {"decoded": "0:50", "claimed": "1:10", "missing": 20}),),
        media=MediaInfo("mov,mp4,m4a,3gp,3g2,mj2", 70.0, 50.0, (AudioTrack(0, "aac", 2, 48_000, "ger"),), 0),
        provenance=(
            Provenance("faster-whisper", "1.2.1", "ab" * 32, "0" * 16, "0.1.0", _MADE_AT),
            Provenance("pyannote.audio", "4.0.7", "cd" * 32, "1" * 16, "0.1.0", _MADE_AT),
        ),
    )


def build_empty_transcript() -> Transcript:
    """Half a minute in which nobody speaks."""
    return Transcript("r-ffffffffffffffffffff", 30.0, "und", (), notices=(Notice("no-speech"),))


def build_talk() -> Talk:
    """What the programme says about it."""
    return Talk(
        title="Lokaljournalismus & seine Zukunft", guests=(Guest("Anna Berg", "Moderation"), Guest("Claire Dunn"))
    )


def build_recap() -> Recap:
    """A draft of it, with everything that a draft can hold."""
    trust = "Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital."
    noise = "Readers pay for reporting, not for noise."
    return Recap(
        recording_id="r-0123456789abcdef0123",
        headline=Sentence(trust, ("u0006",)),
        lead=(
            Sentence("Anna Berg sprach mit zwei Gästen.", ("u0001", "u0004", "u0009"), Basis.FRAME),
            Sentence("Es geht um Zeitungen mit 140.000 Abonnenten.", ("u0002",), Basis.WRITTEN),
            Sentence(noise, ("u0010",), language="en"),
        ),
        quotes=(
            Quote(trust, _TWO, Span(20.6, 25.7), "de", ("u0006",)),
            Quote(noise, _CLAIRE, Span(42.3, 44.8), "en", ("u0010",), "Leser zahlen für Berichte, nicht für Lärm."),
        ),
        chapters=(
            Chapter("Wie ist die Lage bei Ihnen?", Span(0.0, 33.0), ("u0003",), (Sentence(trust, ("u0006",)),)),
            Chapter("Claire, what about London?", Span(33.0, 50.0), ("u0008",), language="en"),
        ),
        open_questions=(Question("sample", {"time": "0:27"}, ("u0007",)),),
        provenance=Provenance("extractive", "1", None, "2" * 16, "0.1.0", _MADE_AT),
    )


def build_empty_recap() -> Recap:
    """What a writer makes of silence."""
    return Recap(
        "r-ffffffffffffffffffff", None, (), (), (), (), Provenance("extractive", "1", None, "2" * 16, "0.1.0", _MADE_AT)
    )


def build_labels() -> dict[str, str]:
    """The German labels, and a sentence for the sample's own open question."""
    return german_labels() | {"question.sample": "Bei {time} ist unklar, wer spricht: bitte nachhören."}


def _words(text: str, span: Span, speaker: str | None) -> tuple[Word, ...]:
    """Words spread over a span, each as long as its letters."""
    texts = text.split()
    pace = span.duration / (sum(map(len, texts)) + len(texts) - 1)
    words, at = [], span.start
    for one in texts:
        end = at + len(one) * pace
        words.append(Word(one, Span(round(at, 3), round(end, 3)), 0.9, speaker))
        at = end + pace
    return tuple(words)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands run in this process set logging up for themselves; the next test starts without."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def sample_transcript() -> Transcript:
    return build_transcript()


@pytest.fixture
def empty_transcript() -> Transcript:
    return build_empty_transcript()


@pytest.fixture
def sample_talk() -> Talk:
    return build_talk()


@pytest.fixture
def sample_recap() -> Recap:
    return build_recap()


@pytest.fixture
def empty_recap() -> Recap:
    return build_empty_recap()


@pytest.fixture
def sample_labels() -> dict[str, str]:
    return build_labels()
