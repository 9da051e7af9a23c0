"""What the programme says about a talk: the sidecar `NAME.yaml` beside a recording.

A sidecar is optional, and so is every field in it. German and English keys are both understood, so
that a producer can write it without looking anything up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.errors import InputError


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody announced for a talk."""

    name: str
    #: "Moderation", "Chefredakteurin, Elbkurier", …
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """What is known about a recording before anybody listened to it."""

    title: str | None = None
    guests: tuple[Guest, ...] = ()
    #: ISO 639-1 when the sidecar fixes it; None lets the recognizer detect it.
    language: str | None = None
    #: Names and terms the recognizer should know, most useful first.
    terms: tuple[str, ...] = ()
    #: Bounds on the number of voices; None where open.
    min_speakers: int | None = None
    max_speakers: int | None = None
    #: Source protection: no language model off this machine, no word of it in logs.
    sensitive: bool = False

    @property
    def hotwords(self) -> tuple[str, ...]:
        """Guests' names first, then the terms, each once."""
        return tuple(dict.fromkeys((*(guest.name for guest in self.guests), *self.terms)))


_KEYS = {
    "title": "title", "titel": "title",
    "speakers": "guests", "guests": "guests", "gäste": "guests", "sprecher": "guests", "personen": "guests",
    "language": "language", "sprache": "language",
    "terms": "terms", "names": "terms", "begriffe": "terms", "namen": "terms", "glossar": "terms",
    "min_speakers": "min_speakers", "max_speakers": "max_speakers", "stimmen": "voices", "voices": "voices",
    "sensitive": "sensitive", "vertraulich": "sensitive",
}  # fmt: skip
_LANGUAGES = {"deutsch": "de", "german": "de", "englisch": "en", "english": "en"}
