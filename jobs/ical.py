"""A schedule out of an iCal file, as calendars and event tools give it (RFC 5545)."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.error import BrokenCalendarProperty

from jobs.errors import InputError
from jobs.programme import parse_talk
from jobs.schedule import MAX_SLOTS, Schedule, Slot, without_tags
from jobs.transcript import Notice

#: Where the clock hangs when a calendar gives times in UTC and doesn't say.
DEFAULT_ZONE = "Europe/Berlin"
#: More attendees of one event are an audience.
MAX_GUESTS = 50
_BROKEN = (
    AttributeError, IndexError, KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError,
    BrokenCalendarProperty,
)  # fmt: skip
_REPEATS = ("RRULE", "RDATE")
#: A line of a description that says what a sidecar says: "Gäste: Anna Lindner, Jonas Brandt".
_LINE = re.compile(
    r"\s*(gäste|guests|speakers|sprecher|begriffe|terms|sprache|language|stimmen|voices)\s*:\s*(.+)", re.IGNORECASE
)
_HOST = re.compile(r"\s*(moderation|host|moderator(?:in)?)\s*:\s*(.+)", re.IGNORECASE)


def parse_calendar(data: bytes) -> Schedule:
    """Read an iCal file: each event is a talk; one that repeats is left out, with a notice.

    SUMMARY is the title, LOCATION the stage, attendees are the guests (with ROLE=CHAIR they host), and the description
    may hold lines as in a sidecar ("Gäste: …", "Moderation: …"). Times are those of the event's own time zone.

    Raises:
        InputError: "bad-sidecar" where it is no calendar, or holds more than `MAX_SLOTS` events.
    """
    try:
        calendar = Calendar.from_ical(data)
        zone = ZoneInfo(str(calendar.get("X-WR-TIMEZONE", DEFAULT_ZONE)))
        events = calendar.walk("VEVENT")
        once = [event for event in events if not any(key in event for key in _REPEATS)]
        slots = tuple(_slot(event, zone) for event in once[: MAX_SLOTS + 1])
    except _BROKEN:
        raise _bad("Die Datei ist kein lesbarer Kalender; bitte neu als iCal (.ics) exportieren.") from None
    if len(slots) > MAX_SLOTS:
        raise _bad(f"Der Kalender hat mehr als {MAX_SLOTS} Termine; bitte nur die der Veranstaltung exportieren.")
    skipped = len(events) - len(once)
    return Schedule(slots, (Notice("schedule-repeats", {"count": skipped}),) if skipped else ())


def _slot(event: Any, zone: ZoneInfo) -> Slot:
    lines = without_tags(str(event.get("DESCRIPTION", "")).replace("<br>", "\n")).splitlines()
    said = {match[1].lower(): match[2] for line in lines if (match := _LINE.match(line))}
    named = next((key for key in said if key in {"gäste", "guests", "speakers", "sprecher"}), None)
    guests = [*_attendees(event)]
    guests += [(match[2].strip(), "Moderation") for line in lines if (match := _HOST.match(line))]
    guests += [(name.strip(), None) for name in said.pop(named).split(",")] if named else []
    once: dict[str, object] = {}
    for name, role in guests[:MAX_GUESTS]:
        once.setdefault(name, {"name": name, "rolle": role})
    named_ones = [guest for name, guest in once.items() if name]
    known = {"titel": without_tags(str(event.get("SUMMARY", ""))), "gäste": named_ones}
    try:
        talk = parse_talk({**known, **said})
    except InputError:
        # A description is prose; what only looks like talk data isn't the producer's mistake.
        talk = parse_talk(known)
    day, begins = _begin(event, zone)
    return Slot(talk, None, day, begins, without_tags(str(event.get("LOCATION", ""))).strip()[:300] or None)


def _begin(event: Any, zone: ZoneInfo) -> tuple[Any, Any]:
    """Date and clock time at the place; an event of whole days has no time."""
    begins = getattr(event.get("DTSTART"), "dt", None)
    if isinstance(begins, datetime):
        in_utc = begins.tzinfo is not None and str(begins.tzinfo) in {"UTC", "Etc/UTC", "Z"}
        begins = begins.astimezone(zone) if in_utc else begins
        return begins.date(), begins.time().replace(tzinfo=None, second=0, microsecond=0)
    return (begins if isinstance(begins, date) else None), None


def _attendees(event: Any) -> Iterator[tuple[str, str | None]]:
    found = event.get("ATTENDEE", [])
    for one in found if isinstance(found, list) else [found]:
        params = getattr(one, "params", {})
        name = without_tags(str(params.get("CN", ""))).strip()
        if name and "@" not in name:
            host = str(params.get("ROLE", "")).upper() == "CHAIR"
            yield name, "Moderation" if host else None


def _bad(what: str) -> InputError:
    return InputError("bad-sidecar", "the calendar can't be read", what=what)
