"""The schedule of an event: many talks in one file, and which of them a recording is.

`programme.yaml` or `.json` → Schedule; `jobs.ical` makes one of an iCal file. A recording is matched by its name,
else by the date, the time and the stage that its name and its folders tell.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from fnmatch import fnmatchcase

from jobs.errors import InputError
from jobs.programme import Talk, parse_talk
from jobs.transcript import Notice

#: An event with more talks than this is none.
MAX_SLOTS = 2000
#: A recording that names a time belongs to the talk that begins within so many minutes of it.
MAX_DRIFT_MINUTES = 10

_KEYS = {
    "datei": "file", "file": "file", "aufnahme": "file",
    "beginn": "begins", "begins": "begins", "start": "begins", "uhrzeit": "begins", "zeit": "begins",
    "datum": "date", "date": "date", "tag": "date",
    "bühne": "stage", "stage": "stage", "ort": "stage", "raum": "stage",
    "ende": "ends", "end": "ends",
}  # fmt: skip
_TALKS = frozenset({"talks", "programm", "programme", "vorträge", "sessions", "beiträge"})
#: Said once for all talks, unless a talk says otherwise.
_COMMON = frozenset({
    "begriffe", "terms", "glossar", "namen", "names", "sprache", "language", "vertraulich", "sensitive", "datum",
    "date", "bühne", "stage", "form", "shape",
})  # fmt: skip
_DATE = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_TIME = re.compile(r"(?<!\d)([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?!\d)")
_GERMAN_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(20\d\d)")
_CLOCK = re.compile(r"(\d{1,2})[.:h](\d{2})(?::\d\d)?(?:\s*Uhr)?$")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Slot:
    """One talk of a schedule, and how its recording is known."""

    talk: Talk
    #: File name, or a pattern with * and ?; case doesn't matter.
    file: str | None = None
    day: date | None = None
    #: On the clock at the place of the event.
    begins: time | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """All talks of a folder."""

    slots: tuple[Slot, ...]
    notices: tuple[Notice, ...] = ()


def parse_schedule(data: object) -> Schedule:
    """Read the content of `programme.yaml`: a list of talks, or entries for all of them and a list under "talks".

    Raises:
        InputError: "bad-sidecar"; the field `what` says in German what to correct.
    """
    common: dict[str, object] = {}
    if isinstance(data, Mapping):
        given = {str(key).strip().lower(): value for key, value in data.items()}
        lists = [key for key in given if key in _TALKS]
        unknown = [key for key in given if key not in _TALKS | _COMMON]
        if unknown or len(lists) != 1:
            raise _bad(f"Den Eintrag „{unknown[0][:40]}“ gibt es nicht." if unknown else "Es fehlt die Liste „talks:“.")
        data = given.pop(lists[0])
        common = given
    if not isinstance(data, (list, tuple)) or len(data) > MAX_SLOTS:
        raise _bad(f"Es muss eine Liste von höchstens {MAX_SLOTS} Talks sein.")
    return Schedule(tuple(_slot(entry, common) for entry in data))


def _slot(entry: object, common: Mapping[str, object]) -> Slot:
    if not isinstance(entry, Mapping):
        raise _bad("Jeder Talk muss aus Zeilen der Form „titel: …“ bestehen.")
    own = {str(key).strip().lower(): value for key, value in entry.items()}
    place = {_KEYS[key]: value for given in (common, own) for key, value in given.items() if key in _KEYS}
    talk = parse_talk({key: _plain(value) for key, value in {**common, **own}.items() if key not in _KEYS})
    begins, day = place.get("begins"), place.get("date")
    whole = _GERMAN_DATE.match(begins) or _DATE.match(begins) if isinstance(begins, str) else None
    if isinstance(begins, datetime) or whole:
        day = begins
    return Slot(talk, _text(place.get("file")), _date(day), _time(begins), _text(place.get("stage")))


def match(schedule: Schedule, key: str, source: str) -> Talk:
    """What the schedule says about the recording at `key`: nothing but a notice where no talk, or several, fit.

    Args:
        schedule: the talks.
        key: path of the recording; its last folders may name stage and date.
        source: file name of the schedule, for the notice.
    """
    named = _by_name(schedule.slots, key)
    found, how = (named, "name") if named else (_by_time(schedule.slots, key), "time")
    if len(found) != 1:
        notice = Notice(f"schedule-{'several' if found else 'none'}", {"source": source})
        # It may be the one that is to stay in house.
        sensitive = any(slot.talk.sensitive for slot in found)
        return Talk(sensitive=sensitive, notices=(*schedule.notices, notice))
    fields = {"source": source, "title": found[0].talk.title or "–"}
    if how == "time" and found[0].begins is not None:
        fields["begins"] = f"{found[0].begins:%H.%M}"
    notices = (*schedule.notices, Notice(f"schedule-by-{how}", fields))
    slot = found[0]
    return replace(slot.talk, day=slot.day, stage=slot.stage, begins=slot.begins, notices=notices)


def _by_name(slots: Sequence[Slot], key: str) -> tuple[Slot, ...]:
    """Talks that name this file; one with its folders before one without."""
    parts = key.casefold().split("/")
    found: list[tuple[int, Slot]] = []
    for slot in slots:
        wanted = (slot.file or "").casefold()
        depth = wanted.count("/") + 1
        end = "/".join(parts[-depth:])
        if wanted and (fnmatchcase(end, wanted) or fnmatchcase(_stem(end), wanted)):
            exact = not set(wanted) & set("*?[")
            found.append((depth + 1000 * exact, slot))
    best = max((rank for rank, _ in found), default=0)
    return tuple(slot for rank, slot in found if rank == best)


def _by_time(slots: Sequence[Slot], key: str) -> tuple[Slot, ...]:
    """Talks that begin when the recording's name says, on its day and its stage as far as both are told."""
    day, begins = _told(key)
    if begins is None:
        return ()
    timed = [(abs(_minutes(slot.begins) - _minutes(begins)), slot) for slot in slots if slot.begins is not None]
    near = [(drift, slot) for drift, slot in timed if slot.file is None and drift <= MAX_DRIFT_MINUTES]
    here = _on_stage([slot for _, slot in near if None in {day, slot.day} or slot.day == day], slots, key)
    fitting = [(drift, slot) for drift, slot in near if any(slot is one for one in here)]
    closest = min((drift for drift, _ in fitting), default=0)
    return tuple(slot for drift, slot in fitting if drift == closest)


def _on_stage(near: Sequence[Slot], slots: Sequence[Slot], key: str) -> list[Slot]:
    """Those on the stage that the key names; all where it names none."""
    parts = [_letters(part) for part in key.split("/")]
    named = {stage for slot in slots if (stage := _letters(slot.stage or "")) and any(stage in part for part in parts)}
    # "Bühne 1" isn't meant where "Bühne 12" is.
    named = {one for one in named if not any(one != other and one in other for other in named)}
    return [slot for slot in near if not named or slot.stage is None or _letters(slot.stage) in named]


def _told(key: str) -> tuple[date | None, time | None]:
    """The date and the time that a key tells; the time by its file name only.

    Examples:
        >>> _told("2026-09-12/mainstage/0930-panel.mp4")
        (datetime.date(2026, 9, 12), datetime.time(9, 30))
    """
    days = [day for one in _DATE.finditer(key) if (day := _day(*map(int, one.groups())))]
    clock = _TIME.search(_DATE.sub(" ", key.rpartition("/")[2]))
    return (days[-1] if days else None), (time(int(clock[1]), int(clock[2])) if clock else None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _date(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date) or value is None:
        return value
    text = _text(value) or ""
    german, other = _GERMAN_DATE.match(text), _DATE.match(text)
    numbers = german.groups()[::-1] if german else other.groups() if other else ()
    found = _day(*map(int, numbers)) if numbers else None
    if found is None:
        raise _bad(f"„datum: {text[:20]}“ ist kein Datum; richtig ist zum Beispiel „12.09.2026“.")
    return found


def _time(value: object) -> time | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.time().replace(tzinfo=None)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 3600:
        # YAML reads 14:30 as a number to the base of 60, and 14:30:00 as well.
        minutes = value if value < 24 * 60 else value // 60
        return time(minutes // 60, minutes % 60)
    text = _text(value) or ""
    clock = _CLOCK.search(text)
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59:
        raise _bad(f"„beginn: {text[:20]}“ ist keine Uhrzeit; richtig ist zum Beispiel „09:30“.")
    return time(int(clock[1]), int(clock[2]))


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _stem(path: str) -> str:
    """The path without its suffix."""
    return path.rpartition(".")[0] or path


def _letters(text: str) -> str:
    """Letters and digits only, as file names spell them: "Bühne 1" is "buehne1"."""
    return "".join(sign for sign in text.casefold().translate(_UMLAUTS) if sign.isalnum())


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, (Mapping, list, tuple)):
        raise _bad("„datei“, „beginn“, „datum“ und „bühne“ müssen Texte sein.")
    return " ".join(str(value).split())[:300] or None


def _plain(value: object) -> object:
    """The value without the tags of web pages, out of which programmes are copied."""
    return without_tags(value) if isinstance(value, str) else value


def without_tags(text: str) -> str:
    """The text without HTML tags."""
    return _TAG.sub(" ", text)


def _bad(what: str) -> InputError:
    return InputError("bad-sidecar", "the schedule can't be read", what=what)
