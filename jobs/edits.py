"""A transcript that an editor has corrected comes back: what was left keeps its times, what is new gets a place.

lines of the edited file ─► `corrected` against the version it was made from ─► `merged` with the current one
machine's transcript + edits in order ─► `applied` ─► what every file is made of
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from jobs.errors import InputError
from jobs.export.voices import Voices
from jobs.german import bare, time_code
from jobs.interjections import as_heard
from jobs.timeline import Span
from jobs.timing import shared, usual
from jobs.transcript import CORRECTED, Notice, Transcript, Utterance, Word

#: Where fewer words than this are those of the recording, another one's file was given.
MIN_SAME = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """What one voice says in an edited file, as far as the file keeps it together."""

    #: The name that stands before it; None where none does.
    voice: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One version of a transcript, never overwritten; number 0 is the machine's."""

    recording_id: str
    number: int
    #: The version that the editor had before them, and the SHA-256 of its canonical JSON.
    base_number: int
    base_sha256: str
    #: Who says to have made it; None where nobody says so.
    by: str | None
    made_at: datetime
    utterances: tuple[Utterance, ...]
    #: Speaker label → name.
    names: Mapping[str, str] = field(default_factory=dict)
    schema: str = "nachlese/edit/1"

    def __post_init__(self) -> None:
        if self.made_at.tzinfo is None:
            message = f"made_at needs a time zone: {self.made_at!r}"
            raise ValueError(message)


def applied(transcript: Transcript, edits: Sequence[Edit]) -> Transcript:
    """The transcript as the latest of `edits` has it; those of another recording don't count.

    An edit holds what all before it came to, so that it stands also where the machine hears anew, and over a
    transcript that earlier ones have been applied to.
    """
    known = [edit for edit in edits if edit.recording_id == transcript.recording_id]
    latest = max(known, key=lambda edit: edit.number, default=None)
    if latest is None or latest.number == 0:
        return transcript
    return replace(
        transcript,
        utterances=latest.utterances,
        names={**transcript.names, **latest.names},
        notices=(
            *(notice for notice in transcript.notices if notice.code != CORRECTED),
            Notice(CORRECTED, {"version": latest.number}),
        ),
    )


def distance(transcript: Transcript, lines: Sequence[Line], voices: Voices) -> int:
    """How many words and names an edited file has otherwise: it was made from the version it is nearest to."""
    names = {line.voice for line in lines if line.voice is not None} - {*voices.names.values(), voices.unknown}
    written = [_key(token) for line in lines for token in line.text.split()]
    return min(int(Levenshtein.distance(_keys(old), written)) for old in _orders(transcript)) + len(names)


def corrected(transcript: Transcript, lines: Sequence[Line], voices: Voices) -> Transcript:
    """The transcript as an edited file has it: `voices` are the names that the file was written with.

    Words that were left, or replaced one by one, keep their times; others share the time of those they stand for, or
    the pause they were put into, and are marked as estimated. A new name for all that a voice says renames it; for a
    part of it, it makes a new voice. What was changed is beyond doubt: somebody has listened to it.

    Raises:
        InputError: "edit-foreign" when most of it isn't what was said in this recording.
    """
    new = [(token, place) for place, line in enumerate(lines) for token in line.text.split()]
    written = [_key(token) for token, _ in new]
    old = min(_orders(transcript), key=lambda order: Levenshtein.distance(_keys(order), written))
    blocks = tuple(_blocks(_keys(old), written))
    same = sum(block.old.stop - block.old.start for block in blocks if block.same)
    if same < MIN_SAME * max(len(old), 1) or not new:
        raise InputError("edit-foreign", "most words of the edited file aren't this recording's")
    placed = _placed(old, new, blocks)
    labels, names = _labels(transcript, lines, placed, voices)
    utterances = tuple(_rebuilt(transcript, lines, placed, labels))
    return replace(transcript, utterances=utterances, names={**transcript.names, **names})


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word, and the place of the utterance it belongs to."""

    word: Word
    utterance: int


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word of the edited file, with its line."""

    word: Word
    utterance: int
    line: int


@dataclass(frozen=True, slots=True)
class _Block:
    """Words before and after, equal or changed."""

    old: range
    new: range
    same: bool


def _orders(transcript: Transcript) -> tuple[list[_Spoken], list[_Spoken]]:
    """All words as documents have them, and as subtitles do: with interjections where they are heard."""
    return _spoken(enumerate(transcript.utterances)), _spoken(as_heard(transcript.utterances))


def _spoken(said: Iterable[tuple[int, Utterance]]) -> list[_Spoken]:
    """All words of utterances or parts of them; one that was repaired to several ("Anna Berg") is taken apart."""
    found = []
    for place, utterance in said:
        for word in utterance.words:
            texts = word.text.split()
            parts = [word] if len(texts) < 2 else shared([replace(word, text=text) for text in texts], word.span)
            found += [_Spoken(part, place) for part in parts]
    return found


def _key(text: str) -> str:
    """What makes two words the same whatever the signs and capitals."""
    return bare(text).casefold() or text


def _keys(spoken: Sequence[_Spoken]) -> list[str]:
    return [_key(one.word.text) for one in spoken]


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Block]:
    at = later = 0
    for step in Levenshtein.opcodes(old, new):
        if step.tag != "equal":
            continue
        if at < step.src_start or later < step.dest_start:
            yield _Block(range(at, step.src_start), range(later, step.dest_start), same=False)
        yield _Block(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), same=True)
        at, later = step.src_end, step.dest_end
    if at < len(old) or later < len(new):
        yield _Block(range(at, len(old)), range(later, len(new)), same=False)


def _placed(old: Sequence[_Spoken], new: Sequence[tuple[str, int]], blocks: Sequence[_Block]) -> list[_Placed]:
    placed: list[_Placed] = []
    for block in blocks:
        tokens = new[block.new.start : block.new.stop]
        stood = old[block.old.start : block.old.stop]
        if len(stood) == len(tokens):
            placed += [
                _Placed(_respelt(one.word, token), one.utterance, line)
                for one, (token, line) in zip(stood, tokens, strict=True)
            ]
        elif stood:
            room = Span(stood[0].word.span.start, max(one.word.span.end for one in stood))
            said = shared([_written(token) for token, _ in tokens], room)
            placed += [
                _Placed(word, stood[place * len(stood) // len(tokens)].utterance, line)
                for place, (word, (_, line)) in enumerate(zip(said, tokens, strict=True))
            ]
        else:
            _insert(placed, tokens, old[block.old.start] if block.old.start < len(old) else None)
    return _with_begin(placed)


def _with_begin(placed: list[_Placed]) -> list[_Placed]:
    """Words put in before everything, where there was no room: the first word lends them some of its time."""
    timed = next((place for place, one in enumerate(placed) if one.word.span.duration > 0), 0)
    if timed == 0:
        return placed
    room = Span(placed[0].word.span.start, placed[timed].word.span.end)
    said = shared([one.word for one in placed[: timed + 1]], room)
    begin = [replace(one, word=word) for one, word in zip(placed, said, strict=False)]
    return [*begin, *placed[timed + 1 :]]


def _insert(placed: list[_Placed], tokens: Sequence[tuple[str, int]], after: _Spoken | None) -> None:
    """Put words where there were none: into the pause, or on the time of the word before them."""
    words = [_written(token) for token, _ in tokens]
    need = sum(map(usual, words))
    before = placed[-1] if placed else None
    if before is None:
        end = after.word.span.start if after is not None else need
        said = list(shared(words, Span(max(0.0, end - need), end)))
        place = after.utterance if after is not None else 0
    else:
        room = Span(before.word.span.end, max(before.word.span.end, after.word.span.start if after else 0.0))
        if room.duration >= need / 2 or after is None:
            said = list(shared(words, Span(room.start, room.start + (min(need, room.duration) if after else need))))
        else:
            first, *said = shared([before.word, *words], Span(before.word.span.start, room.end))
            placed[-1] = replace(before, word=first)
        belongs_after = after is not None and tokens[0][1] != before.line
        place = after.utterance if after is not None and belongs_after else before.utterance
    placed += [_Placed(word, place, line) for word, (_, line) in zip(said, tokens, strict=True)]


def _respelt(word: Word, text: str) -> Word:
    return word if word.text == text else replace(word, text=text, probability=1.0, heard=None)


def _written(text: str) -> Word:
    """A word that an editor wrote, its time still open."""
    return Word(text, Span(0.0, 0.0), 1.0, estimated=True)


def _labels(
    transcript: Transcript, lines: Sequence[Line], placed: Sequence[_Placed], voices: Voices
) -> tuple[dict[str, str | None], dict[str, str]]:
    """The speaker label of every name in the file, and the names that are new."""
    labels: dict[str, str | None] = {name: label for label, name in voices.names.items()}
    labels[voices.unknown] = None
    said: dict[str, Counter[str]] = {}
    for one in placed:
        name, label = lines[one.line].voice, transcript.utterances[one.utterance].speaker
        if name is not None and name not in labels:
            said.setdefault(name, Counter()).update([] if label is None else [label])
    still_called = {line.voice for line in lines}
    free = {label for label, name in voices.names.items() if name not in still_called}
    names: dict[str, str] = {}
    for name in sorted(said, key=lambda name: -said[name].total()):
        label = next((label for label, _ in said[name].most_common(1) if label in free), None)
        if label is None:
            label = _unused({*transcript.speakers, *transcript.names, *names})
        free.discard(label)
        labels[name], names[label] = label, name
    return labels, names


def _unused(labels: set[str]) -> str:
    return next(label for number in range(len(labels) + 1) if (label := f"SPEAKER_{number:02}") not in labels)


def _rebuilt(
    transcript: Transcript, lines: Sequence[Line], placed: Sequence[_Placed], labels: Mapping[str, str | None]
) -> Iterator[Utterance]:
    """The utterances with their new words; one that now holds several voices is parted, "u0007" and "u0007b"."""
    taken = {utterance.id for utterance in transcript.utterances}
    # A file may have an interjection within an utterance or behind it; sorting keeps the order of words.
    for place, group in groupby(sorted(placed, key=lambda one: one.utterance), key=lambda one: one.utterance):
        was, ones = transcript.utterances[place], list(group)
        speakers = [labels.get(name, was.speaker) if (name := lines[one.line].voice) else was.speaker for one in ones]
        if set(speakers) == {was.speaker} and " ".join(one.word.text for one in ones) == was.text:
            yield was
            continue
        heard = was.text == " ".join(one.word.text for one in ones)
        name = was.id
        for speaker, part in groupby(zip(ones, speakers, strict=True), key=lambda pair: pair[1]):
            words = tuple(replace(one.word, speaker=speaker) for one, _ in part)
            yield Utterance(name, words, speaker, was.language, was.doubt if heard else None)
            name = _further(was.id, taken)
            taken.add(name)


def _further(name: str, taken: set[str]) -> str:
    """The next id for a part of an utterance: "u0007b", …, "u0007z", "u0007zb"."""
    for letter in "bcdefghijklmnopqrstuvwxyz":
        if name + letter not in taken:
            return name + letter
    return _further(name + "z", taken)


def merged(base: Transcript, current: Transcript, edited: Transcript) -> Transcript:
    """What became of `base` in both `current` and `edited`.

    Raises:
        InputError: "edit-conflict" when both have changed one passage, and not alike; `time` says where.
    """
    roots = [utterance.id for utterance in base.utterances]
    known = set(roots)
    before, theirs, ours = (_by_root(version, known) for version in (base, current, edited))
    utterances: list[Utterance] = []
    for root in roots:
        was, their, our = before[root], theirs.get(root, ()), ours.get(root, ())
        if was != their != our != was:
            raise InputError("edit-conflict", "both have changed one passage", time=time_code(was[0].span.start))
        utterances += our if their == was else their
    names = dict(current.names)
    for label, name in edited.names.items():
        if base.names.get(label) == name:
            continue
        if current.names.get(label, name) not in {name, base.names.get(label)}:
            raise InputError("edit-conflict", "both have named one voice", time=_first_heard(edited, label))
        names[label] = name
    return replace(current, utterances=tuple(utterances), names=names)


def _by_root(version: Transcript, roots: set[str]) -> dict[str, tuple[Utterance, ...]]:
    """Utterances by the id of the one they were parted from."""
    found: dict[str, tuple[Utterance, ...]] = {}
    for utterance in version.utterances:
        root = utterance.id
        while root not in roots and root[-1:].isalpha():
            root = root[:-1]
        found[root] = (*found.get(root, ()), utterance)
    return found


def _first_heard(transcript: Transcript, label: str) -> str:
    return time_code(next((u.span.start for u in transcript.utterances if u.speaker == label), 0.0))
