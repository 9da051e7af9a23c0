"""What lies beside a recording to score it by, and what a system made of it, read from files.

Beside `talk.mp3`, all of it optional:

    talk.ref.json       who says what, when, in which language: [{"start", "end", "speaker", "language", "text"}, …],
                        and "words": [{"start", "end", "text"}, …] where each is timed; talk.json is taken as well
    talk.seglst.json    the same as SegLST: "start_time", "end_time", "speaker", "words"
    talk.stm            the same as STM (NIST SCTK)
    talk.txt            what is said alone, a line an utterance; empty: nobody says anything
    talk.rttm           who speaks when (RTTM, NIST); with as many turns as talk.txt has lines, line n is turn n
    talk.names.txt      names and terms, one a line; else those of the sidecar and the programme
    talk.chapters.json  where chapters begin: [{"start"}, …], or Podcasting 2.0
    talk.doubt.txt      passages whose words deserve doubt: start, end and reason, tabs between (Audacity's labels)
"""

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.errors import InputError
from jobs.programme import Talk
from jobs.scoring.reference import Hypothesis, Reference, Segment
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript, Turn, Word

T = TypeVar("T")

#: Nobody speaks faster: lines of text and turns that give more characters a second don't belong together.
_MOST_CHARACTERS_S = 40


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    start: Annotated[float | None, Field(validation_alias=AliasChoices("start", "start_time"))] = None
    end: Annotated[float | None, Field(validation_alias=AliasChoices("end", "end_time"))] = None

    @property
    def span(self) -> Span | None:
        return None if self.start is None or self.end is None else Span(self.start, self.end)


class _TimedWord(_Row):
    text: str
    start: Annotated[float, Field(validation_alias=AliasChoices("start", "start_time"))]
    end: Annotated[float, Field(validation_alias=AliasChoices("end", "end_time"))]


class _Segment(_Row):
    text: str | None = None
    words: str | tuple[_TimedWord, ...] = ()
    speaker: str | None = None
    language: Annotated[str | None, Field(validation_alias=AliasChoices("language", "lang"))] = None
    doubt: str | None = None


class _Chapter(BaseModel):
    start: Annotated[float, Field(validation_alias=AliasChoices("start", "startTime", "start_time"), ge=0)]


class _Chapters(BaseModel):
    chapters: tuple[_Chapter, ...]


def reference_of(recording: Path, talk: Talk | None = None) -> Reference | None:
    """All that lies beside a recording to score it by; None where nothing does.

    Names and terms of `talk` are taken where no list of names lies there.

    Raises:
        InputError: "bad-reference".
    """
    stem = recording.with_suffix("")
    turns = _read(stem, ".rttm", _turns)
    segments = _segments(stem, turns)
    chapters = _read(stem, ".chapters.json", _chapters)
    doubtful = _read(stem, ".doubt.txt", _labels)
    if segments is None and turns is None and chapters is None and doubtful is None:
        return None
    if turns is None and segments and all(segment.speaker and segment.span for segment in segments):
        turns = tuple(Turn(one.span, one.speaker) for one in segments if one.span and one.speaker)
    names = _read(stem, ".names.txt", _names)
    if names is None:
        names = () if talk is None else (*(guest.name for guest in talk.guests), *talk.terms)
    return Reference(segments, turns, names, chapters, doubtful)


def hypothesis_of(path: Path) -> Hypothesis | None:
    """What a system made: our folder with `transcript.json`, or `path` with ".seglst.json" and ".rttm" behind it.

    None where neither is there.

    Raises:
        InputError: "bad-reference".
    """
    if path.is_dir():
        made = _read(path / "transcript", ".json", TypeAdapter(Transcript).validate_json)
        return None if made is None else _ours(made, _read(path / "chapters", ".json", _chapters))
    segments = _read(path, ".seglst.json", _rows)
    return None if segments is None else Hypothesis(segments, _read(path, ".rttm", _turns))


def _ours(transcript: Transcript, chapters: tuple[Seconds, ...] | None) -> Hypothesis:
    segments = tuple(
        Segment(one.text, one.span, one.speaker, one.language, one.words, doubtful=one.doubt is not None)
        for one in transcript.utterances
    )
    return Hypothesis(segments, transcript.turns, chapters)


def _read(stem: Path, suffix: str, parse: Callable[[str], T | None]) -> T | None:
    """Read one file; None where there is none."""
    path = stem.with_name(stem.name + suffix)
    if not path.is_file():
        return None
    try:
        return parse(path.read_text("utf-8-sig"))
    except (OSError, ValueError, ValidationError, InvalidOperation, IndexError):
        # Their messages hold what stands there.
        raise InputError("bad-reference", f"the file in {suffix} can't be understood", name=path.name) from None


def _segments(stem: Path, turns: tuple[Turn, ...] | None) -> tuple[Segment, ...] | None:
    for suffix in (".ref.json", ".seglst.json", ".json"):
        # Any program's talk.json may lie there; ours is a list.
        read = _listed if suffix == ".json" else _rows
        rows = _read(stem, suffix, read)
        if rows is not None:
            return rows
    timed = _read(stem, ".stm", _stm)
    if timed is not None:
        return timed
    lines = _read(stem, ".txt", lambda text: tuple(line.strip() for line in text.splitlines() if line.strip()))
    if lines is None:
        return None
    if turns and len(turns) == len(lines):
        spoken = tuple(Segment(line, turn.span, turn.speaker) for line, turn in zip(lines, turns, strict=True))
        if all(len(one.text) <= _MOST_CHARACTERS_S * one.span.duration for one in spoken if one.span):
            return _in_time(spoken)
    return tuple(Segment(line) for line in lines)


def _rows(text: str) -> tuple[Segment, ...]:
    return _in_time(
        Segment(
            row.text or (row.words if isinstance(row.words, str) else " ".join(word.text for word in row.words)),
            row.span,
            row.speaker,
            row.language,
            () if isinstance(row.words, str) else tuple(_words(row.words)),
            doubtful=bool(row.doubt),
        )
        for row in TypeAdapter(tuple[_Segment, ...]).validate_json(text)
    )


def _listed(text: str) -> tuple[Segment, ...] | None:
    return _rows(text) if text.lstrip().startswith("[") else None


def _words(timed: tuple[_TimedWord, ...]) -> Iterator[Word]:
    for one in timed:
        for part in one.text.split():
            yield Word(part, Span(one.start, one.end), 1.0)


def _in_time(segments: Iterator[Segment] | tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Segments in the order in which they begin, where that is known of all."""
    listed = tuple(segments)
    if any(segment.span is None for segment in listed):
        return listed
    return tuple(sorted(listed, key=lambda segment: 0.0 if segment.span is None else segment.span.start))


def _stm(text: str) -> tuple[Segment, ...]:
    """Lines `file channel speaker start end [<label>] words`, without comments and stretches that aren't scored."""
    found = []
    for line in _fields(text, ";;", most=5):
        speaker, start, end, said = line[2], line[3], line[4], line[5] if len(line) > 5 else ""
        if speaker != "inter_segment_gap" and said.strip().lower() != "ignore_time_segment_in_scoring":
            found.append(Segment(said, Span(float(start), float(end)), speaker))
    return _in_time(tuple(found))


def _turns(text: str) -> tuple[Turn, ...]:
    """Lines `SPEAKER file channel start duration <NA> <NA> speaker …`, in their order; other kinds are left out."""
    lines = (line for line in _fields(text, ";") if line[0] == "SPEAKER")
    # Decimals, so that two turns that touch still do when they are read.
    return tuple(Turn(Span(float(line[3]), float(Decimal(line[3]) + Decimal(line[4]))), line[7]) for line in lines)


def _labels(text: str) -> tuple[Span, ...]:
    return tuple(Span(float(line[0]), float(line[1])) for line in _fields(text, "#", most=2))


def _names(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _chapters(text: str) -> tuple[Seconds, ...]:
    both: TypeAdapter[tuple[_Chapter, ...] | _Chapters] = TypeAdapter(tuple[_Chapter, ...] | _Chapters)
    read = both.validate_json(text)
    return tuple(chapter.start for chapter in (read.chapters if isinstance(read, _Chapters) else read))


def _fields(text: str, comment: str, most: int = -1) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(comment):
            yield line.split(maxsplit=most)
