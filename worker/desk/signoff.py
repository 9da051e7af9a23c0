"""Somebody answers for a recap: read the text they approve, check it, and keep both, numbered, beside the recording.

`signed-0001.json` says who approved what and when; it is written first, and only where there is none. The approved
files and the difference to the draft lie beside it, `signed-0001.recap.md` and so on, where links to the transcript
lead right. No later work overwrites or removes any of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import structlog

from config.settings import Settings, labels, shapes
from jobs.artifacts import MANIFEST, Artifact, Entry, Manifest, signed_name
from jobs.errors import InputError, StorageError
from jobs.export import RECAP_FORMATS, Export, recap_files
from jobs.export.labels import sentence
from jobs.export.readable import clean, shorten
from jobs.export.signed import difference_file
from jobs.export.voices import voices_of
from jobs.manuscript import Line, Manuscript, from_markdown, from_paragraphs
from jobs.programme import Talk
from jobs.proof.checks import Flaw, Verdict
from jobs.proof.evidence import Finding
from jobs.proof.record import Record
from jobs.recap import Approval, Recap
from jobs.revision import Printed, Revision, from_json, revised, settled
from jobs.shapes import WHOLE, Shape, parse_shapes, shaped
from jobs.signoff import Origin, Signature, approved, changes, content, objections, sha256_of, told
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.reading import parsed
from worker.bucket.sidecar import read_stored
from worker.bucket.signatures import RECAP, TRANSCRIPT, keep, latest
from worker.bucket.storage import Storage
from worker.desk import returned
from worker.desk.rerun import delivered
from worker.queue.dispatch import JobQueue

log = structlog.get_logger()

T = TypeVar("T")

#: Each of them means that somebody else has signed meanwhile.
_ATTEMPTS = 5
#: Objections that are told on a terminal; all stand in the file.
_TOLD = 5
_MAX_NAME, _MAX_REASON = 200, 1000  # characters


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    by: str
    #: The approved text; None: the draft as it is.
    file: Path | None = None
    #: Why it is approved though some of it failed its check.
    anyway: str | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """What lies there to be signed."""

    place: Place
    recap: Recap
    transcript: Transcript
    talk: Talk
    origin: Origin
    #: What of the recap the editor had before them.
    shown: Recap


def sign(key: str, wish: Wish, storage: Storage, queue: JobQueue | None, settings: Settings) -> Signature:
    """Keep the approved text of a finished recording's recap, and that somebody answers for it.

    Signed once more with the same text by the same person, it stays as it is.

    Raises:
        InputError: "not-found", "under-way", "no-draft"; "sign-nobody" without a name; "sign-unreadable",
            "edit-too-long" and "sign-old-draft" about the file; "sign-refuted" when some of it failed its check.
        StorageError: the bucket failed.
    """
    place = delivered(key, storage, queue, settings)
    return signed(place, read_stored(key, storage, settings.storage.prefix), wish, settings)


def signed(place: Place, talk: Talk, wish: Wish, settings: Settings) -> Signature:
    """The same for a recording of which it is known where it lies, and what its programme says.

    Raises:
        InputError, StorageError: as `sign`.
    """
    by, reason = shorten(clean(wish.by), _MAX_NAME), shorten(clean(wish.anyway or ""), _MAX_REASON) or None
    if not by:
        raise InputError("sign-nobody", "nobody is named")
    draft = _draft(place, talk)
    given = None if wish.file is None else returned.read(wish.file, _READERS, unreadable="sign-unreadable")
    before, revision = draft.recap, Revision(draft.recap, left_open=_questions(draft.recap))
    if given is not None:
        before, revision = _revision(given, draft)
    transcript = replace(draft.transcript, names={**draft.transcript.names, **revision.names})
    found = objections(revision.recap, transcript, draft.talk)
    failed = [one for one in found if one.verdict is Verdict.FAIL]
    if failed and reason is None:
        raise _refuted(failed)
    signature = Signature(
        recording_id=draft.place.recording.id,
        origin=draft.origin,
        approved_sha256=sha256_of(revision.recap),
        given_sha256=None if given is None else given.sha256,
        anyway=reason if failed else None,
        objections=told(found),
        left_open=revision.left_open,
        changes=changes(before, revision.recap),
        recap=approved(revision.recap, Approval(by, datetime.now(UTC), 1, revision.title)),
        names=revision.names,
    )
    return _kept(replace(draft, shown=before), signature, settings)


def summary(key: str, signature: Signature, words: Mapping[str, str]) -> Iterator[str]:
    """What came of a sign-off, in German."""
    yield words["signoff.done"].format(name=key, number=signature.approval.number)
    yield words["signoff.changed"].format(count=len(signature.changes))
    for one in signature.objections:
        name = "anyway" if one.verdict is Verdict.FAIL else "warning"
        name = "without" if one.flaw is Flaw.WITHOUT_EVIDENCE else name
        reason = sentence(words, "check", one.flaw.value, one.fields)
        yield words[f"signoff.told.{name}"].format(text=shorten(one.text, 160), reason=reason)
    if signature.left_open:
        yield words["signoff.still_open"].format(count=len(signature.left_open))


def _draft(place: Place, talk: Talk) -> _Draft:
    recap_data, transcript_data = place.read(RECAP), place.read(TRANSCRIPT)
    recap, transcript = parsed(recap_data, Recap), parsed(transcript_data, Transcript)
    if recap is None or transcript is None or recap_data is None or transcript_data is None:
        raise InputError("no-draft", "there is no recap to sign", name=place.name)
    origin = Origin(
        draft=recap.draft,
        draft_sha256=sha256(recap_data).hexdigest(),
        transcript_version=transcript.version,
        transcript_sha256=sha256(transcript_data).hexdigest(),
        content=content(recap, transcript),
    )
    return _Draft(place, recap, transcript, talk, origin, recap)


def _questions(recap: Recap) -> tuple[str, ...]:
    """The open questions as the files word them."""
    return tuple(sentence(labels(), "question", one.code, one.fields) for one in recap.open_questions)


@dataclass(frozen=True, slots=True)
class _Given:
    """What an edited file holds: lines as they are read, or the recap itself."""

    #: The name of the file that it was made from.
    name: str
    text: Manuscript | Recap
    sha256: str

    @property
    def draft(self) -> str | None:
        """The draft it says it was made from."""
        return self.text.draft


def _revision(given: _Given, draft: _Draft) -> tuple[Recap, Revision]:
    """What the file showed before it was edited, and what it says now."""
    if given.draft not in (None, draft.recap.draft):
        raise InputError("sign-old-draft", "the file was made from another draft than the present one")
    if isinstance(given.text, Recap):
        last = latest(draft.place)
        return draft.recap, settled(given.text, draft.recap, {} if last is None else last.names)
    lines = given.text.lines
    printed = max(_printed(given.name, draft), key=lambda one: len(set(one.lines) & set(lines)))
    if not set(printed.lines) & set(lines):
        raise InputError("sign-foreign", "not a line of it is this draft's")
    record = Record(draft.transcript, draft.talk)
    before = revised(printed, printed.lines, record).recap if printed.recap.approval is None else draft.recap
    return before, revised(printed, lines, record)


def _printed(name: str, draft: _Draft) -> Iterator[Printed]:
    """The files that an edited one may be made from: the one that lies there, one in another shape, the last signed."""
    place, recap = draft.place, draft.recap
    voices, questions = voices_of(draft.transcript, labels()), _questions(recap)
    known = parse_shapes(shapes())
    data = _as_made(place, name)
    if data is not None:
        laid = _laid(draft, known.get(recap.shape or "", WHOLE))
        yield Printed(laid, _lines(name, data), voices, questions)
    for shape in (WHOLE, *known.values()):
        write = RECAP_FORMATS[name]
        made = write(recap, draft.transcript, draft.talk, labels(), shape)
        yield Printed(_laid(draft, shape), _lines(name, made.data), voices, questions)
    last = latest(place)
    data = None if last is None else _as_listed(place, signed_name(last.approval.number, name), last.files)
    if last is not None and data is not None and last.origin.draft == recap.draft:
        named = replace(draft.transcript, names={**draft.transcript.names, **last.names})
        voices = voices_of(named, labels())
        yield Printed(last.recap, _lines(name, data), voices, (), last.approval.title, last.names)


def _as_made(place: Place, name: str) -> bytes | None:
    manifest = place.parsed(MANIFEST, Manifest)
    return None if manifest is None else _as_listed(place, name, manifest.artifacts)


def _as_listed(place: Place, name: str, entries: Sequence[Entry]) -> bytes | None:
    """A file that is still the one that was written: an editor may have worked in the very file that lies there."""
    data = place.read(name)
    listed = {entry.name: entry.sha256 for entry in entries}
    return data if data is not None and listed.get(name) == sha256(data).hexdigest() else None


def _laid(draft: _Draft, shape: Shape) -> Recap:
    return shaped(draft.recap, shape, draft.transcript, draft.talk, labels()).whole


def _lines(name: str, data: bytes) -> tuple[Line, ...]:
    """The lines of a file that lies in the storage."""
    return returned.understood(lambda: _manuscript(name, data), unreadable="sign-unreadable").lines


def _manuscript(name: str, data: bytes) -> Manuscript:
    if name.endswith(".md"):
        return from_markdown(data.decode("utf-8-sig"))
    document = returned.word(data)
    return from_paragraphs(returned.paragraphs(document), returned.noted(document, "draft"))


def _of_text(name: str, data: bytes) -> _Given:
    return _Given(name, _manuscript(name, data), sha256(data).hexdigest())


def _of_json(data: bytes) -> _Given:
    return _Given(RECAP, from_json(data), sha256(data).hexdigest())


_READERS: Mapping[str, Callable[[bytes], _Given]] = {
    ".json": _of_json,
    ".md": partial(_of_text, "recap.md"),
    ".docx": partial(_of_text, "recap.docx"),
}


def _refuted(failed: list[Finding]) -> InputError:
    reasons = [
        f"„{shorten(one.text, 160)}“ {sentence(labels(), 'check', finding.flaw.value, finding.check.fields)}"
        for finding in failed[:_TOLD]
        for one in told((finding,))
    ]
    return InputError("sign-refuted", f"{len(failed)} checks failed", count=len(failed), what="\n".join(reasons))


def _kept(draft: _Draft, signature: Signature, settings: Settings) -> Signature:
    """Give the signature a number that nobody has, and write its files."""
    for _ in range(_ATTEMPTS):
        last = latest(draft.place)
        if last is not None and _same(last, signature):
            _write(draft, last, settings)
            return last
        number = 1 if last is None else last.approval.number + 1
        whole = signature.numbered(number)
        files = _files(draft, whole, settings)
        whole = replace(whole, files=tuple(Entry(f.name, f.media_type, len(f.data), f.sha256) for f in files))
        if keep(draft.place, whole):
            _write(draft, whole, settings)
            recording_id = draft.place.recording.id
            log.info("recap.signed", recording_id=recording_id, number=number, changed=len(whole.changes))
            return whole
    raise StorageError("object-changed", f"others have signed {_ATTEMPTS} times in a row")


def _same(last: Signature, signature: Signature) -> bool:
    """Whether the same person has already approved the same text of the same draft."""
    one, other = (
        (each.origin, each.approved_sha256, each.names, each.anyway, each.approval.by, each.approval.title)
        for each in (last, signature)
    )
    return one == other


def _write(draft: _Draft, signature: Signature, settings: Settings) -> None:
    for file in _files(draft, signature, settings):
        draft.place.write(file.name, file.data, file.media_type, if_absent=True)


def _files(draft: _Draft, signature: Signature, settings: Settings) -> tuple[Artifact, ...]:
    """The approved recap in every format wanted, and what differs from the draft."""
    words: Mapping[str, str] = {**labels(), "export.headline": labels()["approved.headline"]}
    transcript = replace(draft.transcript, names={**draft.transcript.names, **signature.names})
    export = Export(settings.export.formats)
    made = (
        *recap_files(signature.recap, transcript, draft.talk, words, export),
        difference_file(signature, draft.shown, transcript, labels()),
    )
    return tuple(replace(file, name=signed_name(signature.approval.number, file.name)) for file in made)
