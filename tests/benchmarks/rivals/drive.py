"""Drive one system over recordings, warm, and write down what it heard and how long that took.

A program beside this one is started as `PROGRAM FOLDER RECORDING…`. It loads its models, hears the shortest recording
once for nothing, and then every one of them. In FOLDER it leaves `times.json`, and for each reading of a recording
`READING/NAME.seglst.json` and `READING/NAME.rttm`.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds on the clock, and seconds of processor time of this process and of those it started that have ended."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Moment":
        """Both clocks, from a zero of their own."""
        used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return cls(time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used))

    def __sub__(self, earlier: "Moment") -> "Moment":
        return Moment(self.wall - earlier.wall, self.cpu - earlier.cpu)


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of text of one speaker; seconds from the recording's start."""

    text: str
    start: float
    end: float
    speaker: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a system made of one recording."""

    #: Name of the reading → its text. Some systems give more than one.
    readings: Mapping[str, Sequence[Said]]
    #: Start, end, speaker.
    turns: Sequence[tuple[float, float, str]]
    #: By stage; stages follow one another, and their sum is what the recording took.
    stages: Mapping[str, Moment]
    #: What was done besides and is counted nowhere.
    aside: Mapping[str, Moment] = field(default_factory=dict)


class System(Protocol):
    """A system with its models loaded."""

    def hear(self, path: Path) -> Heard:
        """Work on one recording from file to text with speakers."""
        ...


class Watch:
    """What each stage took."""

    def __init__(self) -> None:
        self.spent: dict[str, Moment] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done within."""
        began = Moment.now()
        yield
        self.spent[name] = Moment.now() - began


def drive(load: Callable[[], System]) -> None:
    """Do as the command line says."""
    folder, paths = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    system = load()
    system.hear(min(paths, key=lambda path: path.stat().st_size))
    heard = {path.stem: system.hear(path) for path in paths}
    for name, one in heard.items():
        _write(folder, name, one)
    times = {name: {"stages": _plain(one.stages), "aside": _plain(one.aside)} for name, one in heard.items()}
    (folder / "times.json").write_text(json.dumps(times))


def _plain(moments: Mapping[str, Moment]) -> dict[str, dict[str, float]]:
    return {stage: asdict(moment) for stage, moment in moments.items()}


def _write(folder: Path, name: str, heard: Heard) -> None:
    for reading, said in heard.readings.items():
        (folder / reading).mkdir(exist_ok=True)
        lines = [_line(name, one) for one in said]
        (folder / reading / f"{name}.seglst.json").write_text(json.dumps(lines, ensure_ascii=False))
        turns = (
            f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
            for start, end, speaker in heard.turns
        )
        (folder / reading / f"{name}.rttm").write_text("".join(turns))


def _line(name: str, said: Said) -> dict[str, Any]:
    fields = asdict(said)
    return {
        "session_id": name, "words": fields["text"].strip(), "start_time": fields["start"], "end_time": fields["end"],
        "speaker": fields["speaker"] or "unknown", "language": fields["language"],
    }  # fmt: skip


def by_speaker(words: Sequence[Said]) -> tuple[Said, ...]:
    """Words in a row of one speaker and language as one stretch; a word brings along the space before it."""
    runs = (list(run) for _, run in groupby(words, key=lambda word: (word.speaker, word.language)))
    return tuple(
        Said("".join(word.text for word in run).strip(), run[0].start, run[-1].end, run[0].speaker, run[0].language)
        for run in runs
    )
