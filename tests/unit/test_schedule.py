"""Which talk of a schedule a recording is, out of YAML, JSON or a calendar."""

import datetime as dt

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import labels
from jobs.errors import InputError
from jobs.ical import parse_calendar
from jobs.programme import Guest
from jobs.schedule import MAX_SLOTS, match, parse_schedule

PROGRAMME = """
datum: 2026-09-12
begriffe: [Nordlichtpreis]
talks:
  - {datei: 0930-panel, titel: <b>Wer</b> zahlt, gäste: [Anna Lindner], beginn: 09:30, bühne: Mainstage}
  - {datei: "tag2/*.wav", titel: Muster}
  - {titel: Eins, beginn: 14:30, bühne: Bühne 1}
  - {titel: Zwölf, beginn: 14:30, bühne: Bühne 12, vertraulich: ja}
  - {titel: Morgen, beginn: 2026-09-13 14:30, bühne: Bühne 1}
  - {titel: Abends, beginn: "20.15 Uhr", datum: 13.09.2026}
"""


def found(key, text=PROGRAMME):
    return match(parse_schedule(yaml.safe_load(text)), key, "programme.yaml")


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("talks/0930-Panel.mp4", "Wer zahlt"),
        ("2026-09-12/tag2/irgendwas.wav", "Muster"),
        ("2026-09-12/bühne-1/1430.mp3", "Eins"),
        ("2026-09-12/buehne_12/14-30 keynote.wav", "Zwölf"),
        ("Bühne 12/14.37 talk.wav", "Zwölf"),
        ("Bühne 1/20260913_1432-talk.mp4", "Morgen"),
        ("2015.mp3", "Abends"),
        ("2026-09-12/bühne-1/1445.mp3", None),
        ("1430.mp3", None),
        ("2026-09-14/bühne 1/1430.mp3", None),
        ("nichts.mp3", None),
    ],
)
def test_a_recording_is_found_by_its_name_else_by_day_time_and_stage(key, title):
    assert found(key).title == title


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("0930-panel.mp4", "schedule-by-name"),
        ("2015.mp3", "schedule-by-time"),
        ("nichts.mp3", "schedule-none"),
        ("1430.mp3", "schedule-several"),
    ],
)
def test_the_producer_is_told_how_it_was_found(key, code):
    (notice,) = found(key).notices
    assert notice.code == code
    told = labels()[f"notice.{code}"].format(**notice.fields)
    assert "programme.yaml" in told


def test_what_may_be_sensitive_is():
    assert found("1430.mp3").sensitive
    assert not found("nichts.mp3").sensitive


def test_what_is_said_once_is_meant_for_all_talks():
    assert found("0930-panel.mp4").terms == ("Nordlichtpreis",)
    assert found("0930-panel.mp4").guests == (Guest("Anna Lindner"),)


@pytest.mark.parametrize(
    "data",
    [
        None, 3, "text", {}, {"talks": "x"}, {"talks": [1]}, {"tolks": []}, [{"beginn": "25:00"}],
        [{"datum": "morgen"}],
        [{"datum": "31.02.2026"}], [{"bühne": ["x"]}], [{"gast": "x"}], [{}] * (MAX_SLOTS + 1),
        [{"beginn": "9" * 5000}],
    ],
)  # fmt: skip
def test_a_mistake_is_the_producers_and_says_what_to_correct(data):
    with pytest.raises(InputError) as caught:
        parse_schedule(data)
    assert caught.value.code == "bad-sidecar"
    assert caught.value.fields["what"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["titel", "beginn", "datum", "bühne", "datei", "talks"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(anything, st.text(max_size=40))
def test_whatever_yaml_holds_and_whatever_a_key_is_called(data, key):
    try:
        schedule = parse_schedule(data)
    except InputError:
        return
    assert match(schedule, key, "x").notices


def calendar(*events, zone="Europe/Berlin"):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//", f"X-WR-TIMEZONE:{zone}"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def test_an_event_is_a_talk():
    schedule = parse_calendar(
        calendar(
            [
                "DTSTART:20260912T073000Z",
                "SUMMARY:Wer zahlt\\, <i>wer</i> hört?",
                "LOCATION:Mainstage",
                "DESCRIPTION:Ein Panel.\\nModeration: Jonas Brandt\\nGäste: Anna Lindner\\, Jonas Brandt",
                "ATTENDEE;CN=Mareile Tönnsing;ROLE=CHAIR:mailto:a@example.org",
                "ATTENDEE;CN=b@example.org:mailto:b@example.org",
            ]
        )
    )
    (slot,) = schedule.slots
    assert (slot.day, slot.begins, slot.stage) == (dt.date(2026, 9, 12), dt.time(9, 30), "Mainstage")
    assert slot.talk.title == "Wer zahlt, wer hört?"
    assert slot.talk.guests == (
        Guest("Mareile Tönnsing", "Moderation"),
        Guest("Jonas Brandt", "Moderation"),
        Guest("Anna Lindner"),
    )


@pytest.mark.parametrize(
    ("start", "zone", "begins"),
    [
        ("DTSTART:20260112T073000Z", "Europe/Berlin", dt.time(8, 30)),
        ("DTSTART:20260712T073000Z", "Europe/Berlin", dt.time(9, 30)),
        ("DTSTART:20260712T073000Z", "Europe/London", dt.time(8, 30)),
        ("DTSTART;TZID=Europe/Vienna:20260712T073000", "Europe/London", dt.time(7, 30)),
        ("DTSTART:20260712T073000", "Europe/London", dt.time(7, 30)),
        ("DTSTART;VALUE=DATE:20260712", "Europe/Berlin", None),
    ],
)
def test_times_are_those_on_the_clock_at_the_place(start, zone, begins):
    (slot,) = parse_calendar(calendar([start, "SUMMARY:x"], zone=zone)).slots
    assert slot.begins == begins


def test_events_that_repeat_are_left_out_with_a_notice():
    schedule = parse_calendar(calendar(["DTSTART:20260912T073000Z", "RRULE:FREQ=DAILY", "SUMMARY:x"]))
    assert schedule.slots == ()
    assert [(one.code, one.fields) for one in schedule.notices] == [("schedule-repeats", {"count": 1})]


def test_prose_that_looks_like_talk_data_is_no_mistake():
    (slot,) = parse_calendar(calendar(["SUMMARY:x", "DESCRIPTION:Language: of love"])).slots
    assert slot.talk.language is None


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), st.sampled_from(["DTSTART:", "DESCRIPTION:", ""]))
def test_whatever_a_calendar_holds_is_a_schedule_or_the_producers_mistake(data, line):
    for whole in (data, calendar([line]).replace(b"UID:0", b"UID:0\r\n" + line.encode() + data)):
        try:
            parse_calendar(whole)
        except InputError as error:
            assert error.fields["what"]  # noqa: PT017
