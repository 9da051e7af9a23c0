"""Voice profiles in the bucket: enrol, match, list, let expire, forget.

They lie under random names below `jobs.profiles.VOICES`, and nowhere else: no stage, file, log, metric or message to
the broker ever holds a voice. Nothing here happens unless `profiles.enabled` is set.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from config.settings import Settings, labels
from jobs.artifacts import canonical_json, digest, folder_of
from jobs.audio import Audio
from jobs.errors import InputError, NachleseError, SetupError, StorageError
from jobs.german import printed_date
from jobs.profiles import (
    METHOD,
    MIN_ENROLLED_S,
    VOICES,
    Profile,
    clear_speech,
    heard_s,
    likenesses,
)
from jobs.programme import Talk
from jobs.transcript import Likeness, Transcript
from worker import weights
from worker.bucket import sidecar
from worker.bucket.place import JSON, Place
from worker.bucket.storage import S3Storage, Storage, Stored
from worker.bucket.tickets import Mark, read_mark, recording_at
from worker.sound.source import opened

log = structlog.get_logger()

_PROFILE = TypeAdapter(Profile)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person has agreed to."""

    name: str
    #: How and when they agreed; kept with the profile.
    consent: str
    days: int
    #: The voice's label; None: whichever the editor has given that name.
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of one person."""

    profiles: int
    #: Whether the bucket may still hold older versions of them, because it doesn't let us remove those.
    versions_left: bool


def enrol(wish: Wish, key: str, storage: Storage, settings: Settings) -> Profile:
    """Make a profile from a finished recording in which an editor has confirmed who speaks.

    Raises:
        InputError: "not-found", "under-way", "nothing-made-yet"; "voice-unconfirmed" when no voice there has been given
            this name, "voice-too-short" when too little of it is clear, "voice-sensitive" for a protected recording.
        EngineError, StorageError: worth another try.
        SetupError: "profiles-off", or this machine isn't ready.
    """
    _check_enabled(settings)
    known(storage, settings)
    transcript = _transcript(key, storage)
    shown = key.rpartition("/")[2]
    if sidecar.read_stored(key, storage, settings.storage.prefix).sensitive:
        raise InputError("voice-sensitive", "a sensitive recording gives no profiles", name=shown)
    named = [label for label, name in transcript.names.items() if name == wish.name]
    speaker = wish.speaker or (named[0] if len(named) == 1 else None)
    if speaker not in named:
        detail = "no editor has given this name to one voice there"
        raise InputError("voice-unconfirmed", detail, name=shown, person=wish.name)
    pieces = clear_speech(transcript, speaker)
    if heard_s(pieces) < MIN_ENROLLED_S:
        seconds = round(MIN_ENROLLED_S)
        raise InputError("voice-too-short", "too little clear speech of this voice", name=shown, seconds=seconds)

    from worker.engines.campplus import VoicePrinter  # noqa: PLC0415

    voice = VoicePrinter(settings).voice(_sound(key, transcript, storage, settings), pieces)
    now = datetime.now(UTC).replace(microsecond=0)
    profile = Profile(
        id=secrets.token_hex(10),
        name=wish.name,
        embedding=tuple(float(value) for value in voice),
        engine=engine_digest(),
        enrolled_at=now,
        expires_at=now + timedelta(days=wish.days),
        consent=wish.consent,
    )
    storage.write(f"{VOICES}{profile.id}.json", canonical_json(profile), JSON, if_absent=True)
    log.info("voices.enrolled", recording_id=transcript.recording_id)
    return profile


def known(storage: Storage, settings: Settings) -> tuple[Profile, ...]:
    """All valid profiles, by name and age; those that have expired are removed now.

    Raises:
        StorageError: the bucket failed.
        SetupError: "profiles-off".
    """
    _check_enabled(settings)
    now = datetime.now(UTC)
    found = _stored(storage)
    expired = [stored for stored, profile in found if profile.expired(now)]
    for stored in expired:
        _erase(storage, stored.key)
    if expired:
        log.info("voices.expired", count=len(expired))
    valid = (profile for _, profile in found if not profile.expired(now))
    return tuple(sorted(valid, key=lambda profile: (profile.name, profile.enrolled_at, profile.id)))


def forget(name: str, storage: Storage) -> Forgotten:
    """Remove every profile of a person, older versions too; also where profiles are disabled by now.

    Raises:
        InputError: "voice-unknown" when there is none.
        StorageError: the bucket failed.
    """
    own = [stored for stored, profile in _stored(storage) if profile.name == name]
    if not own:
        raise InputError("voice-unknown", "there is no profile of that name", person=name)
    clean = [_erase(storage, stored.key) for stored in own]
    log.info("voices.forgotten", count=len(own))
    return Forgotten(len(own), not all(clean))


def recognised(
    transcript: Transcript, talk: Talk, storage: Storage, settings: Settings, *, sound: Callable[[], Audio]
) -> Transcript:
    """The transcript, with whom its unnamed voices sound like, where profiles are enabled.

    A sensitive recording is never compared. A bucket or an engine that fails costs the suggestions, not the transcript.
    What was compared is forgotten: only `Likeness` values come of it.
    """
    if not settings.profiles.enabled or talk.sensitive:
        return transcript
    try:
        return replace(transcript, likenesses=_compared(transcript, storage, settings, sound))
    except NachleseError as error:
        log.warning("voices.failed", recording_id=transcript.recording_id, code=error.code)
        return transcript


def _compared(
    transcript: Transcript, storage: Storage, settings: Settings, sound: Callable[[], Audio]
) -> tuple[Likeness, ...]:
    profiles = known(storage, settings)
    unnamed = [label for label in transcript.speakers if label not in transcript.names]
    pieces = {label: spans for label in unnamed if (spans := clear_speech(transcript, label))}
    if not profiles or not pieces:
        return ()

    from worker.engines.campplus import VoicePrinter  # noqa: PLC0415

    printer, audio = VoicePrinter(settings), sound()
    voices = {label: printer.voice(audio, spans) for label, spans in pieces.items()}
    return likenesses(voices, profiles, engine=engine_digest(), now=datetime.now(UTC))


def engine_digest() -> str:
    """Name what voices are compared by: those of another network, or heard in another way, aren't alike."""
    return digest("campplus", weights.lock()["campplus"].sha256, METHOD)


def current(profile: Profile) -> bool:
    """Whether it was made by the network that would compare it today."""
    return profile.engine == engine_digest()


def told(code: str, profile: Profile) -> str:
    """What an editor reads of a profile: the sentence `voices.<code>`."""
    days = {"enrolled": profile.enrolled_at, "expires": profile.expires_at}
    dates = {name: printed_date(at.date()) for name, at in days.items()}
    return labels()[f"voices.{code}"].format(person=profile.name, consent=profile.consent, **dates)


def shown(profile: Profile) -> dict[str, object]:
    """What a script reads of a profile: everything but the voice."""
    return {
        "name": profile.name,
        "enrolled_at": profile.enrolled_at.isoformat(),
        "expires_at": profile.expires_at.isoformat(),
        "consent": profile.consent,
        "current": current(profile),
    }


def _check_enabled(settings: Settings) -> None:
    if not settings.profiles.enabled:
        raise SetupError("profiles-off", "voice profiles are off: set profiles.enabled, once people have agreed to it")


def _transcript(key: str, storage: Storage) -> Transcript:
    """The finished transcript of the recording at `key`, as its editor has left it."""
    name = key.rpartition("/")[2]
    stored = storage.head(key)
    if stored is None:
        raise InputError("not-found", "there is no such recording", name=name)
    recording = recording_at(storage, stored)
    if read_mark(storage, key, recording.id) is not Mark.DONE:
        raise InputError("under-way", "its work hasn't ended", name=name)
    found = Place(recording, storage, folder_of(key), name, key).parsed("transcript.json", Transcript)
    if found is None or found.recording_id != recording.id:
        raise InputError("nothing-made-yet", "there is no transcript of this upload", name=name)
    return found


def _sound(key: str, transcript: Transcript, storage: Storage, settings: Settings) -> Audio:
    track = None if transcript.media is None else transcript.media.track
    with opened(lambda path: storage.download(key, path), settings) as source:
        return source.decoded(track, settings.media, lambda *_: None)[0]


def _stored(storage: Storage) -> list[tuple[Stored, Profile]]:
    """Every profile that can be read."""
    found = []
    for stored in list(storage.list(VOICES)):
        try:
            found.append((stored, _PROFILE.validate_json(storage.read(stored.key))))
        except ValidationError:
            log.warning("voices.unreadable")
        except StorageError as error:
            # Somebody has just removed it.
            if error.code != "object-missing":
                raise
    return found


def _erase(storage: Storage, key: str) -> bool:
    """Remove an object and what a bucket with versions keeps of it; False where it doesn't let us."""
    storage.delete(key)
    if not isinstance(storage, S3Storage):
        return True
    try:
        for page in storage.client.get_paginator("list_object_versions").paginate(Bucket=storage.bucket, Prefix=key):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                storage.client.delete_object(Bucket=storage.bucket, Key=each["Key"], VersionId=each["VersionId"])
    except (BotoCoreError, ClientError):
        return False
    return True
