"""How a recording stands, in words for whoever uploaded it; and what they can do: put, pull."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from redis.exceptions import RedisError

from config.settings import Settings, labels
from jobs.artifacts import FAILURE, MANIFEST, MAX_COMPONENT_BYTES, SIGNED, Failure, Manifest, folder_of, signed_name
from jobs.errors import InputError, StorageError
from jobs.recap import Approval
from jobs.timeline import Seconds
from worker.bucket import edits, signatures
from worker.bucket.inventory import is_recording, look, settled
from worker.bucket.place import Place
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.sidecar import local_bytes, sidecar_keys
from worker.bucket.storage import Moved, Storage, Stored
from worker.bucket.tickets import (
    Mark,
    read_mark,
    recording_at,
)
from worker.queue.dispatch import JobQueue, Standing
from worker.queue.forecast import NOBODY, Forecast, fleet_of, forecasts

log = structlog.get_logger()

#: S3's limit for a whole key: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_MAX_KEY_BYTES = 1024
#: Size of boto3's parts, which a multipart etag depends on.
_PART_BYTES = 8 * 1024 * 1024
_ARTIFACT = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Phase(StrEnum):
    """How far a recording has come."""

    #: It lies in the bucket and hasn't been queued yet.
    ARRIVED = "arrived"
    #: It is too young: it might still change.
    SETTLING = "settling"
    WAITING = "waiting"
    RUNNING = "running"
    #: The transcript is there, the recap is to come.
    HEARD = "heard"
    DONE = "done"
    #: Done, and a better recap is to come.
    PROVISIONAL = "provisional"
    #: Done, but a part of it couldn't be read.
    INCOMPLETE = "incomplete"
    #: The recording is at fault: nothing but a new upload helps.
    FAILED = "failed"
    #: Every try ended in trouble that may pass: `retry` brings it back.
    SET_ASIDE = "set-aside"
    #: Nothing that is worked on: a sidecar, a result, another kind of file.
    IGNORED = "ignored"
    MISSING = "missing"


#: Nothing was made, and nothing will be by itself.
FAILED = frozenset({Phase.FAILED, Phase.SET_ASIDE})


@dataclass(frozen=True, slots=True)
class State:
    """How one recording stands."""

    key: str
    #: None where there is no recording.
    recording_id: str | None
    phase: Phase
    #: One or two German sentences for a producer.
    sentence: str
    #: What is being done, and how far it is, while it runs and has told.
    stage: str | None = None
    done_s: Seconds | None = None
    total_s: Seconds | None = None
    #: Place among those that wait, from 1.
    position: int | None = None
    #: Seconds of sound that workers have before them until it is its turn; None where the broker doesn't tell.
    seconds_ahead: Seconds | None = None
    #: When it will probably be finished, the recap aside where that has a queue of its own; None where nobody can know.
    expected_at: datetime | None = None
    #: Seconds that a worker takes for a second of sound, by the recordings of late; None where none is known.
    pace: float | None = None
    #: Whether it was put before the others; told of what waits.
    urgent: bool = False
    #: What the producer reads about a failure, or about the part that is missing.
    message: str | None = None
    #: Keys of what was made, as its manifest lists it.
    artifacts: tuple[str, ...] = ()
    #: Number of the last correction of the transcript; None where nobody has corrected it.
    version: int | None = None
    #: Who has approved the recap last, and when; None where nobody has.
    approval: Approval | None = None
    #: Whether recap or transcript say something else since then.
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """What an upload came to."""

    key: str
    #: False when the very same recording lay there already.
    uploaded: bool
    #: Whether another recording lay there before.
    replaced: bool


def state_of(key: str, storage: Storage, queue: JobQueue | None, settings: Settings) -> State:
    """How the recording at `key` stands. Without a broker it is told what the bucket knows.

    Raises:
        StorageError: the bucket doesn't answer.
    """
    if not is_recording(key, settings):
        return _state(key, None, Phase.IGNORED)
    stored = storage.head(key)
    if stored is None:
        return _state(key, None, Phase.MISSING)
    recording_id = recording_at(storage, stored).id
    mark = read_mark(storage, key, recording_id)
    if mark is None:
        return _open_state(stored, recording_id, _around(storage, queue, settings))
    return _ended_state(stored, recording_id, mark, storage)


def listing(prefix: str, storage: Storage, queue: JobQueue | None, settings: Settings) -> Iterator[State]:
    """How every recording below `prefix` stands, by key.

    Raises:
        StorageError: the bucket doesn't answer.
    """
    found = look(storage, settings, prefix)
    around = _around(storage, queue, settings)
    for stored in sorted(found.uploads, key=lambda upload: upload.key):
        recording_id = recording_at(storage, stored).id
        mark = found.marks.get(recording_id)
        if mark is None:
            yield _open_state(stored, recording_id, around)
        else:
            yield _ended_state(stored, recording_id, mark, storage)


def put(  # noqa: PLR0913  # what the command offers
    path: Path,
    storage: Storage,
    settings: Settings,
    *,
    key: str | None = None,
    talk: Path | None = None,
    moved: Moved | None = None,
) -> Put:
    """Upload a recording, its sidecar first: once the recording is there, it may be taken up at once.

    Args:
        path: The recording.
        storage: Where to put it.
        settings: What counts as a recording, and where recordings lie.
        key: Where to put it; None makes the key from the prefix in the settings and the file's name.
        talk: The sidecar; None takes `NAME.yaml` or `NAME.yml` beside the recording, if there is one.
        moved: Called with the number of bytes that went since its last call; from any thread.

    Raises:
        InputError: "not-found", "not-a-recording", "name-too-long", "bad-name" or "bad-sidecar": nothing was uploaded.
        StorageError: the bucket failed.
    """
    key = settings.storage.prefix + unicodedata.normalize("NFC", path.name) if key is None else key
    if not path.is_file():
        raise InputError("not-found", "there is no such file", name=shown(path.name))
    check_key(key, settings)
    sidecar = local_bytes(path, talk)
    before = storage.head(key)
    if sidecar is not None:
        storage.write(sidecar_keys(key)[0], sidecar, "application/yaml")
    if before is not None and _is_same(path, before):
        return Put(key, uploaded=False, replaced=False)
    storage.upload(path, key, "application/octet-stream", moved=moved)
    return Put(key, uploaded=True, replaced=before is not None)


def check_key(key: str, settings: Settings) -> None:
    """Refuse a key that no store would take, or that nobody would ever work on.

    Raises:
        InputError: "bad-name", "name-too-long" or "not-a-recording".
    """
    name = key.rpartition("/")[2]
    try:
        longest = max(len(part.encode()) for part in key.split("/"))
        whole = len(key.encode())
    except UnicodeEncodeError:
        raise InputError("bad-name", "the name is no valid UTF-8", name=shown(name)) from None
    if {"", ".", ".."} & set(key.split("/")) or "\0" in key or "\\" in key:
        raise InputError("bad-name", "a part of the key is empty, '.', '..' or holds a backslash", name=shown(name))
    if longest > MAX_COMPONENT_BYTES or whole > _MAX_KEY_BYTES:
        fields = {"bytes": longest, "limit": MAX_COMPONENT_BYTES}
        raise InputError("name-too-long", f"{longest} of {MAX_COMPONENT_BYTES} bytes", name=shown(name), **fields)
    if not is_recording(key, settings):
        suffixes = " ".join(settings.intake.suffixes)
        raise InputError("not-a-recording", "no such suffix is worked on", name=shown(name), suffixes=suffixes)


def pull(key: str, storage: Storage, out: Path, formats: tuple[str, ...] = ()) -> tuple[Path, ...]:
    """Copy what was made of the recording at `key`, and what was approved last, into a folder of its own below `out`.

    Args:
        key: The recording.
        storage: Where it lies.
        out: A local folder; made if it isn't there.
        formats: Whole names ("recap.docx") or suffixes ("docx"); empty takes everything.

    Returns:
        The files written, in the manifest's order; what was approved comes last.

    Raises:
        InputError: "nothing-made-yet" when there is nothing, "no-such-format" when nothing fits `formats`.
        StorageError: "object-changed" when a file isn't the one that the manifest lists; or the bucket failed.
    """
    made = _made(key, storage)
    if not made:
        raise InputError("nothing-made-yet", "there is no manifest", name=shown(key.rpartition("/")[2]))
    made = {**made, **_approved(key, storage)}
    wanted = {name: sha256 for name, sha256 in made.items() if _ARTIFACT.fullmatch(name) and _wanted(name, formats)}
    if not wanted:
        raise InputError("no-such-format", "no artifact fits", formats=" ".join(formats))
    folder = folder_of(key)
    target = out / folder.rstrip("/").rpartition("/")[2]
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, sha256 in wanted.items():
        data = storage.read(folder + name)
        if sha256 not in (None, hashlib.sha256(data).hexdigest()):
            raise StorageError("object-changed", "an artifact isn't the one that its manifest lists: pull again")
        path = target / name
        half = path.with_name(f".{path.name}.half")
        half.write_bytes(data)
        half.replace(path)
        written.append(path)
    return tuple(written)


def shown(name: str) -> str:
    """A name fit for a line of text: unreadable bytes and control characters replaced."""
    readable = os.fsencode(name).decode(errors="replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in readable)


@dataclass(frozen=True, slots=True)
class _Around:
    """What open recordings are judged by: the queue and the clock at one moment."""

    #: None where no broker answers.
    queue: JobQueue | None
    standing: Mapping[str, Standing]
    forecasts: Mapping[str, Forecast]
    pace: float | None
    now: datetime
    settle_s: Seconds


def _around(storage: Storage, queue: JobQueue | None, settings: Settings) -> _Around:
    standing: Mapping[str, Standing] = {}
    fleet = NOBODY
    if queue is not None:
        try:
            standing, fleet = queue.standing(), fleet_of(queue)
        except RedisError as error:
            log.warning("broker.silent", error=type(error).__name__)
            queue = None
    foreseen = forecasts(fleet, datetime.now(UTC))
    return _Around(queue, standing, foreseen, fleet.pace, storage.clock(), settings.intake.settle_s)


def _open_state(stored: Stored, recording_id: str, around: _Around) -> State:
    standing = around.standing.get(recording_id)
    if around.queue is None or standing is None:
        young = not settled(stored, around.now, around.settle_s)
        return _state(stored.key, recording_id, Phase.SETTLING if young else Phase.ARRIVED)
    forecast = around.forecasts.get(recording_id, Forecast(None, 0.0, None))
    known: dict[str, Any] = {"expected_at": forecast.expected_at, "pace": around.pace, "urgent": forecast.urgent}
    if standing is Standing.RUNNING:
        return _running_state(stored.key, recording_id, around.queue, known)
    if forecast.position is not None:
        known |= {"position": forecast.position, "seconds_ahead": forecast.seconds_ahead}
    return _state(stored.key, recording_id, Phase.WAITING, **known)


def _running_state(key: str, recording_id: str, queue: JobQueue, known: dict[str, Any]) -> State:
    try:
        reached = queue.reached(recording_id)
    except RedisError as error:
        log.warning("broker.silent", recording_id=recording_id, error=type(error).__name__)
        reached = None
    if reached is not None:
        known |= {"stage": reached.stage, "done_s": reached.done_s, "total_s": reached.total_s}
    return _state(key, recording_id, Phase.RUNNING, **known)


def _ended_state(stored: Stored, recording_id: str, mark: Mark, storage: Storage) -> State:
    key = stored.key
    if mark is Mark.HEARD:
        names = tuple(folder_of(key) + name for name in _heard(key, storage))
        return _state(key, recording_id, Phase.HEARD, artifacts=names)
    failure = _failure(key, recording_id, storage)
    message = None if failure is None else failure.message
    if mark is Mark.FAILED:
        aside = failure is not None and failure.retryable
        return _state(key, recording_id, Phase.SET_ASIDE if aside else Phase.FAILED, message=message)
    manifest = _manifest(key, storage)
    names = () if manifest is None else tuple(folder_of(key) + entry.name for entry in manifest.artifacts)
    phase = Phase.DONE if failure is None else Phase.INCOMPLETE
    phase = Phase.PROVISIONAL if mark is Mark.PROVISIONAL else phase
    return _state(key, recording_id, phase, message=message, artifacts=names, **_by_people(stored, storage))


def _by_people(stored: Stored, storage: Storage) -> dict[str, Any]:
    """What editors have made of a finished recording: corrections, and their approval."""
    place = _place(stored, storage)
    beside = [each.key.removeprefix(place.folder) for each in storage.folder(place.folder)]
    known: dict[str, Any] = {}
    if edits.FOLDER in beside:
        known["version"] = edits.last_number(place) or None
    if any(name.startswith(SIGNED) for name in beside):
        try:
            signature = signatures.latest(place)
        except StorageError as error:  # one that can't be read is no reason to tell nothing of the others
            log.warning("signature.unreadable", recording_id=place.recording.id, code=error.code)
            signature = None
        if signature is not None:
            known |= {"approval": signature.approval, "outdated": signatures.outdated(signature, place)}
    return known


def _place(stored: Stored, storage: Storage) -> Place:
    name = shown(stored.key.rpartition("/")[2])
    return Place(recording_at(storage, stored), storage, folder_of(stored.key), name, stored.key)


def _state(key: str, recording_id: str | None, phase: Phase, **known: Any) -> State:
    state = State(key, recording_id, phase, "", **known)
    words = labels()
    fields: Mapping[str, object] = {
        "name": shown(key.rpartition("/")[2]),
        "position": state.position,
        "stage": words.get(f"status.stage.{state.stage}", words["status.stage.other"]),
        "percent": _percent(state),
        "message": state.message or "",
        "urgent": words["status.urgent"] if state.urgent else "",
        "finish": _finish(state.expected_at, datetime.now().astimezone(), words),
    }
    sentence = words[_sentence_key(state)].format_map(fields).strip()
    return replace(state, sentence=" ".join((sentence, *people(state))))


def people(state: State) -> Iterator[str]:
    """What editors have made of it, a German sentence each."""
    words = labels()
    if state.version is not None:
        yield words["status.version"].format(version=state.version)
    if state.approval is not None:
        local = state.approval.at.astimezone()
        fields = {"by": state.approval.by, "date": f"{local.day}.{local.month}.{local.year}", "time": f"{local:%H:%M}"}
        yield words["status.approved"].format_map(fields)
    if state.outdated:
        yield words["status.outdated"]


def _sentence_key(state: State) -> str:
    if state.phase is Phase.RUNNING and state.stage is None:
        return "status.started"
    if state.phase is Phase.WAITING and state.position is None:
        return "status.soon"
    return f"status.{state.phase.value}"


def _finish(expected_at: datetime | None, now: datetime, words: Mapping[str, str]) -> str:
    """When it will probably be finished, by the clock on the wall of `now`; never sounds more exact than 5 minutes."""
    if expected_at is None:
        return words["status.finish.unknown"]
    local = expected_at.astimezone(now.tzinfo)
    local += timedelta(minutes=-local.minute % 5 or (5 if local.second or local.microsecond else 0))
    day = "today" if local.date() == now.date() else "later"
    return words[f"status.finish.{day}"].format(time=f"{local:%H:%M}", date=f"{local.day}.{local.month}.")


def _percent(state: State) -> int:
    if not state.total_s or state.done_s is None:
        return 0
    return round(100 * min(1.0, max(0.0, state.done_s / state.total_s)))


def _made(key: str, storage: Storage) -> Mapping[str, str | None]:
    """Names of the files made of a recording, each with its SHA-256, where a manifest tells it."""
    manifest = _manifest(key, storage)
    if manifest is not None:
        return {entry.name: entry.sha256 for entry in manifest.artifacts}
    stored = storage.head(key)
    if stored is None or read_mark(storage, key, recording_at(storage, stored).id) is not Mark.HEARD:
        return {}
    return dict.fromkeys(_heard(key, storage))


def _approved(key: str, storage: Storage) -> Mapping[str, str | None]:
    """Names of the files that belong to the last signature, the signature first."""
    stored = storage.head(key)
    signature = None if stored is None else signatures.latest(_place(stored, storage))
    if signature is None:
        return {}
    name = signed_name(signature.approval.number, "json")
    return {name: None, **{entry.name: entry.sha256 for entry in signature.files}}


def _heard(key: str, storage: Storage) -> tuple[str, ...]:
    """Names of the transcript's files, while the recap is to come."""
    files = (each for each in storage.folder(folder_of(key)) if isinstance(each, Stored))
    names = sorted(each.key.removeprefix(folder_of(key)) for each in files)
    return tuple(name for name in names if name != FAILURE and _ARTIFACT.fullmatch(name))


def _manifest(key: str, storage: Storage) -> Manifest | None:
    return parsed(bytes_at(storage, folder_of(key) + MANIFEST), Manifest)


def _failure(key: str, recording_id: str, storage: Storage) -> Failure | None:
    """What went wrong with this upload; None where nothing did, or with an earlier one only."""
    found = parsed(bytes_at(storage, folder_of(key) + FAILURE), Failure)
    return found if found is not None and found.recording_id == recording_id else None


def _is_same(path: Path, stored: Stored) -> bool:
    """Whether an object holds this file, as far as its etag tells: MD5, or MD5 over the parts' MD5."""
    if path.stat().st_size != stored.size_bytes or not re.fullmatch(r"[0-9a-f]{32}(-\d+)?", stored.etag):
        return False
    parts = []
    whole = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            whole.update(part)
            parts.append(hashlib.md5(part, usedforsecurity=False).digest())
    of_parts = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    return stored.etag in (whole.hexdigest(), f"{of_parts}-{len(parts)}")


def _wanted(name: str, formats: tuple[str, ...]) -> bool:
    return not formats or any(name == one or name.endswith(f".{one.lstrip('.')}") for one in formats)
