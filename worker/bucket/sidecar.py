"""What is known of a talk before it is heard, written by people, read once.

`NAME.yaml` beside the recording; schedule (programme.yaml, programme*.ics) and glossary in its folder or the nearest
one above.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

import yaml

from config.settings import labels, shapes
from jobs.errors import InputError
from jobs.german import enumeration
from jobs.ical import parse_calendar
from jobs.programme import Talk, merged, parse_glossary, parse_talk
from jobs.schedule import Schedule, match, parse_schedule
from jobs.shapes import shape_name
from worker.bucket.storage import Storage, Stored

T = TypeVar("T")

#: A sidecar may be this long.
MAX_BYTES = 256 * 1024
#: A schedule or a glossary may be this long.
MAX_SCHEDULE_BYTES = 1024 * 1024
#: So many folders are looked into, from the recording's own upwards.
MAX_FOLDERS = 8

#: So many calendars of one folder are read.
MAX_CALENDARS = 10
#: How their names begin: a folder may hold any number of recordings, and isn't listed for every one of them.
_BEGIN = ("program", "glossar")
_SCHEDULES = ("programme.yaml", "programme.yml", "programme.json", "programm.yaml", "programm.yml", "programm.json")
_GLOSSARIES = ("glossar.yaml", "glossar.yml", "glossar.txt", "glossary.yaml", "glossary.yml", "glossary.txt")


class _Plain(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for terabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError
        return super().compose_node(parent, index)


def read_stored(key: str, storage: Storage, prefix: str = "") -> Talk:
    """All that is known of the recording at `key`: its sidecar, over the schedule, over the glossary.

    Args:
        key: of the recording.
        storage: where it lies.
        prefix: schedules and glossaries are looked for in folders within this prefix only.

    Raises:
        InputError: "bad-sidecar" when one of them is too long or can't be understood: it might say that the recording
            is sensitive.
    """
    beside = (read_sidecar(sidecar, storage) for sidecar in sidecar_keys(key))
    return merged(next((talk for talk in beside if talk is not None), Talk()), announced(key, storage, prefix))


def announced(key: str, storage: Storage, prefix: str = "") -> Talk:
    """What schedule and glossary say about the recording at `key`, each of its own folder or the nearest above.

    Raises:
        InputError: "bad-sidecar" when one of them is too long or can't be understood.
    """
    schedules: tuple[Stored, ...] = ()
    glossary: Stored | None = None
    for folder in _folders(key, prefix):
        found = (one for begin in _BEGIN for one in storage.folder(folder + begin))
        files = {_name(one): one for one in found if isinstance(one, Stored)}
        schedules = schedules or _schedules_in(files)
        glossary = glossary or next((files[name] for name in _GLOSSARIES if name in files), None)
        if schedules and glossary:
            break
    terms = _understood(glossary, storage, _glossary) if glossary else ()
    if not schedules:
        return Talk(terms=terms)
    read = [_understood(one, storage, _schedule) for one in schedules]
    whole = Schedule(tuple(s for one in read for s in one.slots), tuple(n for one in read for n in one.notices))
    scheduled = match(whole, key, enumeration([_name(one) for one in schedules]))
    return merged(with_shape(scheduled), Talk(), terms)


def _folders(key: str, prefix: str) -> tuple[str, ...]:
    """The folders above a key that lie within the prefix, its own first.

    Examples:
        >>> _folders("talks/day1/stage/a.mp3", "talks/")
        ('talks/day1/stage/', 'talks/day1/', 'talks/')
    """
    above = ["" if str(parent) == "." else f"{parent}/" for parent in PurePosixPath(key).parents]
    return tuple(folder for folder in above if folder.startswith(prefix))[:MAX_FOLDERS]


def _schedules_in(files: Mapping[str, Stored]) -> tuple[Stored, ...]:
    """The schedule among these files: programme.yaml and its like, else calendars such as programm-tag2.ics."""
    named = next((files[name] for name in _SCHEDULES if name in files), None)
    calendars = [files[name] for name in sorted(files) if name.lower().endswith(".ics")]
    return (named,) if named else tuple(calendars[:MAX_CALENDARS])


def _name(stored: Stored) -> str:
    return stored.key.rpartition("/")[2]


def is_schedule(key: str) -> bool:
    """Whether a key is the name of a schedule."""
    name = key.rpartition("/")[2]
    return name in _SCHEDULES or (name.startswith(_BEGIN[0]) and name.lower().endswith(".ics"))


def is_above(schedule: str, key: str) -> bool:
    """Whether a schedule lies in the folder of the recording at `key` or above it."""
    return key.startswith(schedule[: schedule.rfind("/") + 1])


def may_hurry(schedule: str, storage: Storage) -> bool:
    """Whether a schedule calls any talk urgent, judged by its words, which is quick; calendars can't.

    Raises:
        StorageError: the store failed.
    """
    found = storage.head(schedule)
    if found is None or found.size_bytes > MAX_SCHEDULE_BYTES or schedule.lower().endswith(".ics"):
        return False
    data = storage.read(schedule).lower()
    return b"dringend" in data or b"urgent" in data


def _schedule(name: str, data: bytes) -> Schedule:
    return parse_calendar(data) if name.lower().endswith(".ics") else parse_schedule(_yaml(data))


def _glossary(name: str, data: bytes) -> tuple[str, ...]:
    if not name.endswith(".txt"):
        return parse_glossary(_yaml(data))
    lines = (line.partition("#")[0].strip() for line in data.decode("utf-8-sig", errors="replace").splitlines())
    return parse_glossary([line for line in lines if line])


def _understood(stored: Stored, storage: Storage, read: Callable[[str, bytes], T]) -> T:
    """What a file says; whoever has to correct it is told which."""
    try:
        _check_size(stored.size_bytes, MAX_SCHEDULE_BYTES)
        return read(_name(stored), storage.read(stored.key))
    except InputError as error:
        what = labels()["put.schedule_wrong"].format(source=_name(stored), what=error.fields.get("what", ""))
        raise InputError(error.code, error.detail, what=what) from None


def sidecar_keys(key: str) -> tuple[str, ...]:
    """Where the sidecar of the recording at `key` may lie, first choice first.

    Examples:
        >>> sidecar_keys("a/talk.mp3")
        ('a/talk.yaml', 'a/talk.yml', 'a/talk.mp3.yaml')
    """
    head, slash, name = key.rpartition("/")
    stem = f"{head}{slash}{Path(name).stem}"
    return (f"{stem}.yaml", f"{stem}.yml", f"{key}.yaml")


def read_sidecar(sidecar: str, storage: Storage) -> Talk | None:
    """What the sidecar at this very key says; None where there is none.

    Raises:
        InputError: "bad-sidecar" when it is too long or can't be understood.
    """
    found = storage.head(sidecar)
    if found is None:
        return None
    _check_size(found.size_bytes)
    return parse(storage.read(sidecar))


def local_bytes(recording: Path, given: Path | None) -> bytes | None:
    """The sidecar given, or the one beside a file, once it is known to be understood; None where there is none.

    Raises:
        InputError: "not-found" or "bad-sidecar".
    """
    beside = [path for path in map(Path, sidecar_keys(str(recording))) if path.is_file()]
    chosen = given if given is not None else next(iter(beside), None)
    if chosen is None:
        return None
    try:
        _check_size(chosen.stat().st_size)
        data = chosen.read_bytes()
    except OSError:
        raise InputError("not-found", "there is no such sidecar", name=chosen.name) from None
    parse(data)
    return data


def parse(data: bytes) -> Talk:
    """Read a sidecar's bytes.

    Raises:
        InputError: "bad-sidecar" when they are too many or can't be understood.
    """
    _check_size(len(data))
    return with_shape(parse_talk(_yaml(data)))


def with_shape(talk: Talk) -> Talk:
    """The talk with its shape by the name that `config/shapes.toml` has for it.

    Raises:
        InputError: "bad-sidecar": there is no such shape.
    """
    if talk.shape is None:
        return talk
    name = shape_name(talk.shape)
    if name not in shapes():
        what = labels()["put.shape_unknown"].format(shape=talk.shape[:40], shapes=enumeration(tuple(shapes())))
        raise InputError("bad-sidecar", "there is no such shape", what=what)
    return replace(talk, shape=name)


def _yaml(data: bytes) -> object:
    try:
        # A subclass of the safe loader that understands less.
        return yaml.load(data, _Plain)  # noqa: S506
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError):
        # The cause would quote the sidecar.
        raise InputError("bad-sidecar", "the sidecar is not YAML", what=labels()["put.sidecar_unreadable"]) from None


def _check_size(size_bytes: int, most: int = MAX_BYTES) -> None:
    if size_bytes > most:
        detail = f"the sidecar has {size_bytes} bytes; {most} are allowed"
        raise InputError("bad-sidecar", detail, what=labels()["put.sidecar_too_long"])
