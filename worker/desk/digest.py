"""`nachlese digest`: all finished talks below a prefix, or in a folder of results, looked back on in one text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import structlog

from config.settings import Settings, labels
from jobs.artifacts import FAILURE, SUFFIX, Artifact, folder_of, signed_name
from jobs.digest import FOLDER, Absence, Contribution, Digest, Missing, Source
from jobs.errors import EngineError, InputError, StorageError
from jobs.export import digest_docx, digest_html, digest_json, digest_md
from jobs.export.digest_view import view_digest
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript
from jobs.writing.house_style import HouseStyle
from jobs.writing.overview import Event, write_digest
from jobs.writing.statements import measured
from worker import local
from worker.bucket import edits, sidecar, signatures
from worker.bucket.inventory import look
from worker.bucket.place import Place
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.stages import Report, quiet
from worker.bucket.storage import FolderStorage, Storage
from worker.bucket.tickets import Mark, recording_at
from worker.engines.extractive import ExtractiveWriter
from worker.style import house_style

log = structlog.get_logger()

#: Raise it when the rules in `jobs` change.
RULES = 2
_TRANSCRIPT, _RECAP, _DIGEST = "transcript.json", "recap.json", "digest.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    #: Folder of the talks in the storage; "" is all of it.
    prefix: str = ""
    #: Whether the storage holds results alone, and no recordings: the folder of `nachlese run`.
    local: bool = False
    #: Where the files go besides, fit to lie beside what `nachlese pull` fetches.
    out: Path | None = None
    with_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it."""

    digest: Digest
    #: Where the files lie: a folder on this machine, else the address in the bucket.
    folder: str
    files: tuple[str, ...]
    #: False where the same digest lay there already.
    changed: bool


def make(wish: Wish, storage: Storage, settings: Settings, report: Report = quiet) -> Made:
    """Look back on all talks below a prefix, and write the files beside them.

    Args:
        wish: what was asked for.
        storage: where the talks lie.
        settings: what counts as a recording, and the house style.
        report: hears how many seconds of the talks are read.

    Raises:
        InputError: "nothing-to-digest" when no talk is finished.
        EngineError: a model failed.
        StorageError: the storage failed.
    """
    # "talks/day1" is meant as a folder: "talks/day10" isn't in it.
    prefix = wish.prefix if not wish.prefix or wish.prefix.endswith("/") else f"{wish.prefix}/"
    found = _local_talks(storage, prefix) if wish.local else _stored_talks(storage, prefix, settings)
    hall = _admitted(tuple(found), with_sensitive=wish.with_sensitive)
    if not hall.contributions:
        count = len(hall.missing) + hall.withheld
        raise InputError("nothing-to-digest", f"none of {count} talks can be used", folder=prefix or "/", count=count)
    digest = _written(hall, prefix, house_style(settings.recap), report)
    made = _published(digest, hall.contributions, storage)
    log.info(
        "digest.written", talks=len(digest.talks), missing=len(digest.missing), withheld=digest.withheld,
        themes=len(digest.themes), comparisons=len(digest.comparisons), quotes=len(digest.quotes), changed=made.changed,
    )  # fmt: skip
    if wish.out is not None:
        files = _files(made.digest, hall.contributions, flat=True)
        made = replace(made, folder=str(wish.out / FOLDER), files=_put(files, FolderStorage(wish.out), ""))
    return made


def told(made: Made) -> dict[str, object]:
    """What came of it, for a script."""
    digest = made.digest
    return {
        "folder": made.folder,
        "files": list(made.files),
        "changed": made.changed,
        "talks": [talk.key for talk in digest.talks],
        "missing": {one.key: one.why.value for one in digest.missing},
        "withheld": digest.withheld,
        "themes": [theme.title.text for theme in digest.themes],
    }


@dataclass(frozen=True, slots=True)
class _Found:
    """One recording below the prefix."""

    key: str
    #: None where its sidecar can't be read.
    talk: Talk | None
    #: What it brings, or why it brings nothing.
    what: Contribution | Absence


@dataclass(frozen=True, slots=True)
class _Hall:
    """The talks that are spoken of, and those that aren't."""

    contributions: tuple[Contribution, ...]
    missing: tuple[Missing, ...]
    withheld: int


def _admitted(found: tuple[_Found, ...], *, with_sensitive: bool) -> _Hall:
    """Leave the sensitive ones out; they are counted, and not named."""
    shown = [_judged(one) for one in found if with_sensitive or one.talk is None or not one.talk.sensitive]
    return _Hall(
        contributions=tuple(one.what for one in shown if isinstance(one.what, Contribution)),
        missing=tuple(
            Missing(one.key, None if one.talk is None else one.talk.title, one.what)
            for one in sorted(shown, key=lambda one: one.key)
            if isinstance(one.what, Absence)
        ),
        withheld=len(found) - len(shown),
    )


def _judged(one: _Found) -> _Found:
    """A talk in which nobody says anything that can be understood brings nothing."""
    silent = isinstance(one.what, Contribution) and all(u.doubt is not None for u in one.what.transcript.utterances)
    return replace(one, what=Absence.SILENT) if silent else one


def _stored_talks(storage: Storage, prefix: str, settings: Settings) -> Iterator[_Found]:
    """The recordings of a bucket."""
    listing = look(storage, settings, prefix)
    for stored in sorted(listing.uploads, key=lambda one: one.key):
        recording = recording_at(storage, stored)
        try:
            talk = sidecar.read_stored(stored.key, storage, settings.storage.prefix)
        except InputError:
            yield _Found(stored.key, None, Absence.BAD_SIDECAR)
            continue
        mark = listing.marks.get(recording.id)
        place = Place(recording, storage, folder_of(stored.key), stored.key.rpartition("/")[2], stored.key)
        if mark in {Mark.DONE, Mark.HEARD}:
            yield _Found(stored.key, talk, _contribution(place, stored.key, talk))
        else:
            yield _Found(stored.key, talk, Absence.FAILED if mark is Mark.FAILED else Absence.UNDER_WAY)


def _contribution(place: Place, key: str, talk: Talk) -> Contribution | Absence:
    """What a finished recording in the bucket brings, as its last editor has left it."""
    found = _read(place.storage, key, talk)
    if isinstance(found, Contribution):
        # Of an upload that was replaced meanwhile.
        older = found.transcript.recording_id != place.recording.id
        transcript = edits.latest(place, found.transcript)
        source = replace(found.source, transcript_version=transcript.version)
        return Absence.UNDER_WAY if older else replace(found, transcript=transcript, source=source)
    return found or Absence.UNDER_WAY


def _local_talks(storage: Storage, prefix: str) -> Iterator[_Found]:
    """What `nachlese run` or `nachlese pull` has put into a folder: one folder a recording."""
    ends = (f"{SUFFIX}/{_TRANSCRIPT}", f"{SUFFIX}/{FAILURE}")
    for key in sorted({one.key.rpartition(f"{SUFFIX}/")[0] for one in storage.list(prefix) if one.key.endswith(ends)}):
        try:
            talk = local.talk_at(key, storage)
        except InputError:
            yield _Found(key, None, Absence.BAD_SIDECAR)
            continue
        found = _read(storage, key, talk)
        yield _Found(key, talk, found or Absence.FAILED)


def _read(storage: Storage, key: str, talk: Talk) -> Contribution | Absence | None:
    """What lies in a recording's folder; None where there is no transcript."""
    folder = folder_of(key)
    data, drafted = bytes_at(storage, folder + _TRANSCRIPT), bytes_at(storage, folder + _RECAP)
    if data is None:
        return None
    transcript, recap = parsed(data, Transcript), parsed(drafted, Recap)
    if transcript is None:
        return Absence.UNREADABLE
    if recap is None or recap.recording_id != transcript.recording_id:
        recap, drafted = None, None
    source = Source(
        transcript_sha256=sha256(data).hexdigest(),
        transcript_version=transcript.version,
        recap_sha256=None if drafted is None else sha256(drafted).hexdigest(),
    )
    return _signed(Contribution(key, talk, transcript, recap, source), storage)


def _signed(found: Contribution, storage: Storage) -> Contribution | Absence:
    """The same, with the approved recap and the names in it where somebody has signed one of this upload."""
    folder = folder_of(found.key)
    try:
        signature = signatures.latest_in(folder, storage)
    except StorageError as error:
        if error.code != "signature-unreadable":
            raise
        return Absence.UNREADABLE
    if signature is None or signature.recording_id != found.transcript.recording_id:
        return found
    approval = signature.approval
    data = storage.read(folder + signed_name(approval.number, "json"))
    return replace(
        found,
        transcript=replace(found.transcript, names={**found.transcript.names, **signature.names}),
        recap=signature.recap,
        source=replace(found.source, recap_sha256=sha256(data).hexdigest(), approval=approval),
    )


def _written(hall: _Hall, prefix: str, style: HouseStyle, report: Report) -> Digest:
    writer = ExtractiveWriter(style)
    people = {name for one in hall.contributions for name in one.transcript.names.values()}
    people |= {guest.name for one in hall.contributions for guest in one.talk.guests}
    total, done = sum(one.transcript.duration_s for one in hall.contributions), 0.0
    try:
        writer.load()
        instruments, speeches = writer.instruments(), []
        for one in hall.contributions:
            report("digest", done, total)
            speeches.append(measured(one.transcript, instruments=instruments, people=people, style=style))
            done += one.transcript.duration_s
        report("digest", total, total)
        return write_digest(
            hall.contributions, speeches, Event(prefix, hall.missing, hall.withheld),
            frequency=instruments.frequency, labels=labels(), provenance=writer.signature("digest", RULES),
        )  # fmt: skip
    except (RuntimeError, OSError) as error:
        raise EngineError("digest-failed", f"{type(error).__name__}") from error


def _published(digest: Digest, contributions: Sequence[Contribution], storage: Storage) -> Made:
    """Write the files into the storage; a digest that lies there already keeps the time when it was made."""
    folder = digest.prefix + FOLDER
    before = parsed(bytes_at(storage, folder + _DIGEST), Digest)
    same = before is not None and _is_same(digest, before)
    if before is not None and same:
        digest = replace(digest, provenance=before.provenance)
    files = _files(digest, contributions, flat=False)
    shown = storage.uri(folder).removeprefix(local.FILE)
    return Made(digest, shown, _put(files, storage, digest.prefix), changed=not same)


def _is_same(digest: Digest, before: Digest) -> bool:
    """Whether two digests differ in nothing but when they were made."""
    made_at = before.provenance.created_at
    signed = replace(digest, provenance=replace(digest.provenance, created_at=made_at))
    return digest_json.write(signed, labels()) == digest_json.write(before, labels())


def _files(digest: Digest, contributions: Sequence[Contribution], *, flat: bool) -> tuple[Artifact, ...]:
    view = view_digest(digest, contributions, labels(), flat=flat)
    shown = (one.write(view, labels()) for one in (digest_md, digest_html, digest_docx))
    return (digest_json.write(digest, labels()), *shown)


def _put(files: Sequence[Artifact], storage: Storage, prefix: str) -> tuple[str, ...]:
    for file in files:
        storage.write(f"{prefix}{FOLDER}{file.name}", file.data, file.media_type)
    return tuple(file.name for file in files)
