"""What the programme says about a talk: the sidecar `NAME.yaml` beside a recording, or an entry of a schedule.

All of it is optional, and so is every field in it. German and English keys are both understood, so
that a producer can write it without looking anything up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time

from jobs.errors import InputError
from jobs.transcript import Notice

#: ISO 639-2: several languages in one recording. It overrules what is said for a whole programme.
SEVERAL = "mul"


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
    #: ISO 639-1 when somebody fixes it, `SEVERAL` when somebody says that it changes; None where nobody says.
    language: str | None = None
    #: Names and terms the recognizer should know, most useful first.
    terms: tuple[str, ...] = ()
    #: Bounds on the number of voices; None where open.
    min_speakers: int | None = None
    max_speakers: int | None = None
    #: Source protection: no language model off this machine, no word of it in logs.
    sensitive: bool = False
    #: Wanted before the others.
    urgent: bool = False
    #: Name of the shape that its recap is to have, see `jobs.shapes`; None leaves it to the settings.
    shape: str | None = None
    #: When and where it was held, as far as a schedule says.
    day: date | None = None
    stage: str | None = None
    #: On the clock at the place of the event.
    begins: time | None = None
    #: How it was found, and what about it the producer should look at.
    notices: tuple[Notice, ...] = ()


def merged(sidecar: Talk, schedule: Talk, glossary: Sequence[str] = ()) -> Talk:
    """One talk of all that is known: what the sidecar says goes before the schedule, entry by entry.

    The guests are one entry, so are the bounds on voices. Terms add up, the sidecar's first and the glossary's last.
    Sensitive or urgent is what either calls so.
    """
    voices = sidecar if (sidecar.min_speakers, sidecar.max_speakers) != (None, None) else schedule
    return replace(
        sidecar,
        title=sidecar.title or schedule.title,
        guests=sidecar.guests or schedule.guests,
        language=sidecar.language or schedule.language,
        terms=tuple(dict.fromkeys((*sidecar.terms, *schedule.terms, *glossary))),
        min_speakers=voices.min_speakers,
        max_speakers=voices.max_speakers,
        sensitive=sidecar.sensitive or schedule.sensitive,
        urgent=sidecar.urgent or schedule.urgent,
        shape=sidecar.shape or schedule.shape,
        day=sidecar.day or schedule.day,
        stage=sidecar.stage or schedule.stage,
        begins=sidecar.begins or schedule.begins,
        notices=(*sidecar.notices, *schedule.notices),
    )


_KEYS = {
    "title": "title", "titel": "title",
    "speakers": "guests", "guests": "guests", "gäste": "guests", "sprecher": "guests", "personen": "guests",
    "language": "language", "sprache": "language",
    "terms": "terms", "names": "terms", "begriffe": "terms", "namen": "terms", "glossar": "terms",
    "voices": "voices", "stimmen": "voices",
    "sensitive": "sensitive", "vertraulich": "sensitive",
    "urgent": "urgent", "dringend": "urgent",
    "purpose": "purpose", "zweck": "purpose",
    "shape": "shape", "form": "shape",
}  # fmt: skip
_LANGUAGES = {"deutsch": "de", "german": "de", "englisch": "en", "english": "en", "gemischt": SEVERAL, "mixed": SEVERAL}
_MAX_VOICES = 50
#: More guests or terms than this are no talk.
_MAX_ENTRIES = 500


def parse_talk(data: object) -> Talk:
    """Read a sidecar's content, as YAML gives it.

    Raises:
        InputError: "bad-sidecar"; the field `what` says in German what to correct.
    """
    if data is None:
        return Talk()
    if not isinstance(data, Mapping):
        raise _bad("Die Datei muss aus Zeilen der Form „titel: …“ bestehen.")
    unknown = [str(key) for key in data if str(key).strip().lower() not in _KEYS]
    if unknown:
        raise _bad(f"Den Eintrag „{unknown[0][:40]}“ gibt es nicht.")
    given = {_KEYS[str(key).strip().lower()]: value for key, value in data.items() if value is not None}
    guests = tuple(_guest(entry) for entry in _entries(given.get("guests"), "gäste"))
    least, most = _voices(given.get("voices"))
    return Talk(
        title=_text(given.get("title"), "titel"),
        guests=guests,
        language=_language(given.get("language")),
        terms=_terms(given.get("terms")),
        min_speakers=least,
        max_speakers=most,
        sensitive=_flag(given.get("sensitive"), "vertraulich"),
        urgent=_flag(given.get("urgent"), "dringend"),
        shape=_text(given.get("shape"), "form"),
    )


def _bad(what: str) -> InputError:
    return InputError("bad-sidecar", "the talk data beside the recording can't be read", what=what)


def _text(value: object, key: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, (Mapping, list, tuple)):
        raise _bad(f"„{key}“ muss ein Text sein.")
    # YAML can write half a surrogate pair, which no file can hold, and signs that turn the reading direction.
    clean = str(value).encode(errors="replace").decode()
    shown = "".join(sign for sign in clean if sign.isprintable() or sign.isspace())
    return " ".join(shown.split())[:300] or None


def _terms(value: object) -> tuple[str, ...]:
    return tuple(text for entry in _entries(value, "begriffe") if (text := _text(entry, "begriffe")))


def parse_glossary(data: object) -> tuple[str, ...]:
    """Read the content of `glossar.yaml`: a list of names and terms, or one under "begriffe".

    Raises:
        InputError: "bad-sidecar"; the field `what` says in German what to correct.
    """
    if isinstance(data, Mapping):
        return parse_talk(data).terms
    return _terms(data)


def _entries(value: object, key: str) -> tuple[object, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, (list, tuple)):
        raise _bad(f"„{key}“ muss eine Liste sein.")
    if len(value) > _MAX_ENTRIES:
        raise _bad(f"„{key}“ hat mehr als {_MAX_ENTRIES} Einträge; bitte kürzen.")
    return tuple(entry for entry in value if entry is not None)


def _guest(entry: object) -> Guest:
    if isinstance(entry, Mapping):
        fields = {str(key).strip().lower(): value for key, value in entry.items()}
        name = _text(fields.get("name"), "name")
        role = _text(fields.get("role") or fields.get("rolle"), "rolle")
        if len(fields) == 1 and not fields.keys() & {"name", "role", "rolle"}:  # "- Anna Berger: Moderation"
            ((name, given),) = ((str(key).strip(), value) for key, value in entry.items())
            role = _text(given, "rolle")
    else:
        name, role = _text(entry, "gäste"), None
    if not name:
        raise _bad("Unter „gäste“ fehlt ein Name.")
    return Guest(name, role)


def _language(value: object) -> str | None:
    text = (_text(value, "sprache") or "").lower()
    if not text:
        return None
    code = _LANGUAGES.get(text, text)
    if code != SEVERAL and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise _bad(f"„sprache: {text[:20]}“ ist unbekannt; möglich sind „de“, „en“ oder „gemischt“.")
    return code


def _voices(value: object) -> tuple[int | None, int | None]:
    """A number ("3") is an upper bound: announced guests may stay away, and the audience may ask. "2-4" gives both."""
    if value is None:
        return None, None
    parts = (_text(value, "stimmen") or "").replace("–", "-").split("-")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if (
        not numbers
        or len(numbers) > 2
        or numbers != sorted(numbers)
        or not 1 <= numbers[0] <= numbers[-1] <= _MAX_VOICES
    ):
        raise _bad("„stimmen“ muss eine Zahl („3“) oder ein Bereich („2-4“) sein.")
    return (numbers[0] if len(numbers) == 2 else None), numbers[-1]


def _flag(value: object, key: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    text = (_text(value, key) or "").lower()
    if text in {"ja", "yes", "true", "1"}:
        return True
    if text in {"nein", "no", "false", "0"}:
        return False
    raise _bad(f"„{key}“ muss „ja“ oder „nein“ sein.")
