"""An edited transcript comes in: read the file, keep it as the next version, have every other file made anew."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from config.settings import Settings, labels
from jobs.artifacts import canonical_json
from jobs.edits import Edit, Line, corrected, distance, merged
from jobs.errors import InputError, StorageError
from jobs.export.voices import voices_of
from jobs.export.word_document import LABEL, MADE
from jobs.script import from_speeches, from_vtt
from jobs.transcript import Transcript
from worker.bucket import edits
from worker.bucket.place import Place
from worker.bucket.storage import Storage
from worker.desk import returned
from worker.desk.rerun import Stage, delivered, rerun
from worker.queue.dispatch import JobQueue

log = structlog.get_logger()

#: Each of them means that somebody else has written a version meanwhile.
_ATTEMPTS = 5
# Styles of paragraphs that nobody says.
_UNSAID = {style.replace(" ", "") for style in (LABEL, MADE, "Title", "Intense Quote")}


@dataclass(frozen=True, slots=True)
class Correction:
    """What came of an edited file."""

    #: The version that is the current one now.
    number: int
    #: Utterances and names that the file changed; 0: everything stays as it is.
    changed: int


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edited file holds."""

    lines: tuple[Line, ...]
    #: The version it says it was made from; None where it doesn't say.
    version: int | None


def correct(  # noqa: PLR0913  # what the command offers
    key: str, path: Path, storage: Storage, queue: JobQueue | None, settings: Settings, *, by: str | None = None
) -> Correction:
    """Keep an edited file as the next version of a finished recording's transcript, and queue its files anew.

    Where the file was made from an older version, both are merged.

    Raises:
        InputError: "not-found", "under-way", "nothing-made-yet"; "edit-unreadable" and "edit-too-long" about the file,
            "edit-foreign" when it is another recording's, "edit-conflict" when two editors changed one passage.
        StorageError: the bucket failed.
    """
    given = read(path)
    made = kept(delivered(key, storage, queue, settings), given, by)
    if made.changed:
        rerun(key, Stage.RECAP, storage, queue, settings)
    return made


def kept(place: Place, given: Edited, by: str | None) -> Correction:
    """Keep what an edited file holds as the next version; no other file follows yet.

    Raises:
        InputError, StorageError: as `correct`.
    """
    for _ in range(_ATTEMPTS):
        current = _transcript(place)
        known = edits.versions(place)
        if not known:
            known = (_edit(current, 0, current, 0, None),)
            if not edits.keep(place, known[0]):
                continue
        texts = {edit.number: replace(current, utterances=edit.utterances, names=edit.names) for edit in known}
        number, latest = known[-1].number, texts[known[-1].number]
        base = given.version if given.version in texts else _nearest(texts, given.lines)
        told = corrected(texts[base], given.lines, voices_of(texts[base], labels()))
        result = merged(texts[base], latest, told)
        changed = _difference(latest, result)
        if not changed:
            return Correction(number, 0)
        if edits.keep(place, _edit(result, number + 1, texts[base], base, by)):
            log.info("transcript.corrected", recording_id=place.recording.id, version=number + 1, changed=changed)
            return Correction(number + 1, changed)
    raise StorageError("object-changed", f"others have corrected the transcript {_ATTEMPTS} times in a row")


def _nearest(texts: Mapping[int, Transcript], lines: Sequence[Line]) -> int:
    """The version a file was likely made from; in doubt the oldest: better a conflict too many than a loss."""
    return min(texts, key=lambda one: (distance(texts[one], lines, voices_of(texts[one], labels())), one))


def _transcript(place: Place) -> Transcript:
    found = place.parsed("transcript.json", Transcript)
    if found is None:
        raise InputError("nothing-made-yet", "there is no transcript that can be read", name=place.name)
    return found


def _edit(result: Transcript, number: int, base: Transcript, base_number: int, by: str | None) -> Edit:
    return Edit(
        recording_id=result.recording_id,
        number=number,
        base_number=base_number,
        base_sha256=sha256(canonical_json((base.utterances, base.names))).hexdigest(),
        by=by,
        made_at=datetime.now(UTC),
        utterances=result.utterances,
        names=result.names,
    )


def _difference(before: Transcript, after: Transcript) -> int:
    names = set(before.names.items()) ^ set(after.names.items())
    return len(set(before.utterances) ^ set(after.utterances)) + len(names)


def read(path: Path) -> Edited:
    """An edited transcript: our JSON, our WebVTT or our Word document.

    Raises:
        InputError: "edit-unreadable" when it is none of them, "edit-too-long" when it is far larger than they get.
    """
    given = returned.read(path, _READERS, unreadable="edit-unreadable")
    if not given.lines:
        raise InputError("edit-unreadable", "it holds no speech")
    return given


def _of_json(data: bytes) -> Edited:
    transcript = TypeAdapter(Transcript).validate_json(data)
    voices = voices_of(transcript, labels())
    lines = tuple(Line(voices.name(utterance.speaker), utterance.text) for utterance in transcript.utterances)
    return Edited(lines, transcript.version)


def _of_vtt(data: bytes) -> Edited:
    text = data.decode("utf-8-sig")
    return Edited(from_vtt(text, labels()), _version(text))


def _of_docx(data: bytes) -> Edited:
    paragraphs = tuple(returned.paragraphs(returned.word(data)))
    spoken = (text for style, text in paragraphs if style not in _UNSAID)
    return Edited(from_speeches(spoken, labels()), _version("\n".join(text for _, text in paragraphs)))


def _version(text: str) -> int | None:
    """The version that the notice in a file's head names."""
    notice = re.escape(labels()["notice.corrected"]).replace(re.escape("{version}"), r"(\d{1,6})")
    found = re.search(notice, text)
    return None if found is None else int(found[1])


_READERS = {".json": _of_json, ".vtt": _of_vtt, ".docx": _of_docx}
