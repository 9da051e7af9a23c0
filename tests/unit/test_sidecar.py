"""Where talk data is looked for, and what goes before what."""

import pytest

from jobs.errors import InputError
from worker.bucket.sidecar import MAX_SCHEDULE_BYTES, announced, parse, read_stored
from worker.bucket.storage import FolderStorage

KEY = "event/tag1/mainstage/0930-panel.mp4"
TALKS = "- {datei: 0930-panel, titel: Programm, begriffe: [p]}"


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path)


def put(storage, **files):
    for key, text in files.items():
        storage.write(key, text.encode(), "text/plain")


def test_the_sidecar_goes_before_the_programme_and_the_glossary_comes_last(storage):
    put(storage, **{
        "event/tag1/mainstage/0930-panel.yaml": "{titel: Beiblatt, begriffe: [b]}",
        "event/tag1/programme.yaml": TALKS,
        "event/glossar.txt": "\ufeffg # Hausname\n\n# nur ein Kommentar\np\n",
    })  # fmt: skip
    talk = read_stored(KEY, storage)
    assert (talk.title, talk.terms) == ("Beiblatt", ("b", "p", "g"))


@pytest.mark.parametrize("name", ["programme.yaml", "programme.yml", "programme.json", "programm.yaml"])
@pytest.mark.parametrize("folder", ["", "event/", "event/tag1/", "event/tag1/mainstage/"])
def test_the_programme_lies_in_the_folder_or_above(storage, folder, name):
    put(storage, **{folder + name: '[{"datei": "0930-panel", "titel": "Programm"}]'})
    assert read_stored(KEY, storage).title == "Programm"


def test_the_nearest_one_counts(storage):
    put(storage, **{"event/programme.yaml": TALKS.replace("Programm", "Fern"), "event/tag1/programme.yaml": TALKS})
    assert announced(KEY, storage).title == "Programm"


def test_nothing_outside_the_prefix_is_read(storage):
    put(storage, **{"programme.yaml": TALKS, "event/glossar.txt": "g"})
    assert announced(KEY, storage, "event/").notices == ()
    assert announced(KEY, storage, "event/").terms == ("g",)
    assert announced(KEY, storage, "event/t").terms == ()


def test_all_calendars_of_a_folder_are_one_schedule(storage):
    event = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260912T0{}3000\r\nSUMMARY:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    put(storage, **{"event/programm-a.ics": event.format(8, "Früh"), "event/programm-b.ICS": event.format(9, "Spät")})
    assert announced(KEY, storage).title == "Spät"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("programme.yaml", "talks: ["),
        ("programm.ics", "x"),
        ("glossar.yaml", "a: 1"),
        ("programme.json", " " * (1 << 20) + "[]"),
    ],
)
def test_a_mistake_names_the_file(storage, name, text):
    put(storage, **{f"event/{name}": text})
    with pytest.raises(InputError) as caught:
        read_stored(KEY, storage)
    assert name in str(caught.value.fields["what"])
    assert name not in caught.value.detail
    assert MAX_SCHEDULE_BYTES == 1 << 20


def test_a_few_lines_cannot_stand_for_terabytes():
    bomb = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(InputError):
        parse(f"{bomb}stimmen: *i\n".encode())
